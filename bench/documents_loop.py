"""The loop of the design document's own example: consume, place, alert, one after another, blocking.

It has no ledger, no rules and no error handling, and waits for none of them.
"""

import asyncio
import json
import logging
import os
import sys

import requests
from aiokafka import AIOKafkaConsumer
from binance.client import Client
from prometheus_client import Counter, Gauge, start_http_server

READY = "Order Executor started"

log = logging.getLogger("loop")
buy_count = Counter("buy_orders_total", "Total BUY orders")
sell_count = Counter("sell_orders_total", "Total SELL orders")
last_profit = Gauge("last_trade_profit", "Last trade profit (%)")


def send_alert(text: str) -> None:
    """Sends an alert like the document's telegram_notifier: a new connection for each message, any answer accepted."""
    url = f"{os.environ['TG_API_URL']}/bot{os.environ['TG_TOKEN']}/sendMessage"
    requests.post(url, json={"chat_id": os.environ["TG_CHAT_ID"], "text": text})


def connect_exchange() -> Client:
    """Returns python-binance's blocking client, whose session keeps its connection; with its default recvWindow."""
    Client.API_URL = os.environ["BINANCE_API_URL"]
    return Client(os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"])


class Trader:
    """Trades a signal. Unlike the document's example it knows more than one symbol, so that all contenders do the same work."""

    def __init__(self, client: Client, qty: float) -> None:
        self._client = client
        self._qty = qty
        self._bought_at: dict[str, float] = {}

    def handle(self, signal: str, symbol: str, price: float) -> None:
        """Returns when the order is answered and the alert is sent."""
        log.info("Signal received: %s @ %s", signal, price)
        if signal == "BUY_SM" and symbol not in self._bought_at:
            order = self._client.order_market_buy(symbol=symbol, quantity=self._qty)
            buy_count.inc()
            self._bought_at[symbol] = price
            send_alert(f"🟩 BUY {symbol} @ {price}")
            log.info("BUY executed: %s", order["orderId"])
        elif signal == "SELL_SM" and symbol in self._bought_at:
            order = self._client.order_market_sell(symbol=symbol, quantity=self._qty)
            sell_count.inc()
            bought_at = self._bought_at.pop(symbol)
            profit = (price - bought_at) / bought_at * 100
            last_profit.set(profit)
            send_alert(f"🔴 SELL {symbol} @ {price} | Profit: {profit:.2f}%")
            log.info("SELL executed: %s | Profit %.2f%%", order["orderId"], profit)


async def consume_signals() -> None:
    """Reads new records until the process is ended."""
    trader = Trader(connect_exchange(), float(os.environ["TRADE_QTY"]))
    start_http_server(int(os.environ["METRICS_PORT"]), addr="127.0.0.1")
    consumer = AIOKafkaConsumer(
        os.environ["KAFKA_TOPIC"], bootstrap_servers=os.environ["KAFKA_BROKER"], auto_offset_reset="latest"
    )
    await consumer.start()
    try:
        for partition in consumer.assignment():
            await consumer.position(partition)  # or the first signals could be older than "latest"
        log.info(READY)
        async for record in consumer:
            data = json.loads(record.value.decode())
            trader.handle(data["signal_type"], data["symbol"], float(data["close"]))
    finally:
        await consumer.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    log.setLevel(logging.INFO)
    asyncio.run(consume_signals())
