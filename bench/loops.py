"""Loops to compare with that remember nothing but, where told to, each order in a commit of its own.

`--client bare`: aiokafka, one kept connection and a signed request, and no more: what any Python program that trades signals
takes. `--client library`: the same with python-binance's asyncio client. With `JOURNAL` each order is stored, and on the disk,
before it is sent: the least that any program does that knows after a crash what it sent.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import aiohttp
from aiokafka import AIOKafkaConsumer

READY = "the loop waits for signals"

Place = Callable[[str, str], Awaitable[None]]
"""Buys or sells a symbol: returns when the exchange has answered. Raises RuntimeError where it has refused."""


def open_journal(path: str) -> Callable[[str, str], None]:
    """Returns what stores an order in SQLite, in a commit of its own that is on the disk when it returns; without a path it does
    nothing."""
    if not path:
        return lambda side, symbol: None
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE orders (side TEXT, symbol TEXT)"):
        connection.execute(statement)
    return lambda side, symbol: _insert(connection, side, symbol)


def _insert(connection: sqlite3.Connection, side: str, symbol: str) -> None:
    connection.execute("INSERT INTO orders VALUES (?, ?)", (side, symbol))


async def bare() -> Place:
    """Returns what sends a signed request by aiohttp: https://developers.binance.com/docs/binance-spot-api-docs/rest-api."""
    url, secret = f"{os.environ['BINANCE_API_URL']}/v3/order", os.environ["BINANCE_API_SECRET"].encode()
    session, quantity = aiohttp.ClientSession(headers={"X-MBX-APIKEY": os.environ["BINANCE_API_KEY"]}), os.environ["TRADE_QTY"]

    async def place(side: str, symbol: str) -> None:
        order = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": quantity, "timestamp": int(time.time() * 1000)}
        body = urlencode(order)
        signature = hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with session.post(url, data=f"{body}&signature={signature}", headers=headers) as answer:
            said = await answer.json()
        if answer.status != 200:
            raise RuntimeError(str(said))

    return place


async def library() -> Place:
    """Returns what has python-binance's client send it."""
    from binance import AsyncClient

    AsyncClient.API_URL = os.environ["BINANCE_API_URL"]
    client = await AsyncClient.create(os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"])
    quantity = os.environ["TRADE_QTY"]

    async def place(side: str, symbol: str) -> None:
        await client.create_order(symbol=symbol, side=side, type="MARKET", quantity=quantity)

    return place


async def trade(connect: Callable[[], Awaitable[Place]]) -> None:
    """Sends an order for each record, one after another, until the process is ended."""
    place, store = await connect(), open_journal(os.environ.get("JOURNAL", ""))
    consumer = AIOKafkaConsumer(
        os.environ["KAFKA_TOPIC"], bootstrap_servers=os.environ["KAFKA_BROKER"], auto_offset_reset="latest"
    )
    await consumer.start()
    for partition in consumer.assignment():
        await consumer.position(partition)  # or the first signals could be older than "latest"
    print(READY, flush=True)
    async for record in consumer:
        signal = json.loads(record.value)
        side, symbol = signal["signal_type"].partition("_")[0], signal["symbol"]
        store(side, symbol)
        await place(side, symbol)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.loops", description=__doc__)
    parser.add_argument("--client", choices=("bare", "library"), required=True)
    asyncio.run(trade({"bare": bare, "library": library}[parser.parse_args().client]))
