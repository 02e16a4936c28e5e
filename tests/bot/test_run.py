"""The whole ring as its owner runs it: `marketflow run` in its own process, between a broker, an exchange and a chat."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.ring import Ring
from tests.running import run_command
from tests.venue.venue import Venue


async def test_a_signal_becomes_an_order_a_row_and_an_alert(ring: Ring) -> None:
    ring.installed = True
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    bought = await ring.told("🟩 BUY_SM executed")
    assert bought.text.startswith("🟩 BUY_SM executed\nSymbol: WIFUSDC\nPrice: 0.4801\n")
    assert (await program.metrics())["open_positions"] == 1

    ring.venue.set_price("WIFUSDC", "0.5220")
    await ring.publish("SELL_SM", 0.5220)
    sold = await ring.told("🔴 SELL_SM executed")
    assert sold.text.startswith("🔴 SELL_SM executed\nSymbol: WIFUSDC\nPrice: 0.5220\nProfit: +8.5%\n")

    assert ring.orders == [("BUY", Decimal(20)), ("SELL", Decimal("19.98"))]
    metrics = await program.metrics()
    assert (metrics["buy_orders_total"], metrics["sell_orders_total"], metrics["open_positions"]) == (1, 1, 0)
    # 19.98 x 0.5220 less 0.1 % is 10.41913044, for which 20 x 0.4801 = 9.602 was paid.
    assert metrics["last_trade_profit"] == pytest.approx(8.51, abs=0.005)
    rows = program.ledger("SELECT symbol, side, qty, price, profit_pct, signal_type FROM executions ORDER BY executed_at")
    assert [(row["symbol"], row["side"], row["signal_type"]) for row in rows] == [
        ("WIFUSDC", "BUY", "BUY_SM"),
        ("WIFUSDC", "SELL", "SELL_SM"),
    ]
    assert [(Decimal(row["qty"]), Decimal(row["price"])) for row in rows] == [
        (Decimal(20), Decimal("0.4801")),
        (Decimal("19.98"), Decimal("0.522")),
    ]
    assert rows[0]["profit_pct"] is None
    assert float(rows[1]["profit_pct"]) == pytest.approx(8.51, abs=0.005)


async def test_a_key_that_may_withdraw_is_told_at_every_start_and_keeps_nothing_back(ring: Ring) -> None:
    ring.venue.change_key(can_withdraw=True, ip_restricted=False)
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    warned = await ring.told("🔑 The API key can withdraw funds")
    assert "It works from any IP address" in warned.text
    assert await program.stop() == 0
    await program.start()
    await ring.chat.owner.wait_for("🔑 The API key can withdraw funds", after=warned)


async def test_what_must_not_be_ordered_again_is_not(ring: Ring) -> None:
    program = await ring.run(SYMBOLS="WIFUSDC,WIFUSDT")
    await ring.publish("BUY_SM", 0.4801, signal_id="one")
    await ring.told("🟩 BUY_SM executed")
    await ring.publish("BUY_SM", 0.4801, signal_id="one")
    await ring.publish("BUY_SM", 0.4801, signal_id="two")
    await ring.publish("SELL_SM", 0.48, signal_id="three", symbol="WIFUSDT")
    await ring.told("no WIF position to sell")
    await ring.told("position already open: 19.98 WIF")

    assert ring.orders == [("BUY", Decimal(20))]
    assert ring.posts() == 1
    found = program.ledger("SELECT source_id, outcome, reason FROM inbox WHERE kind = 'signal' ORDER BY source_id")
    assert [tuple(row.values()) for row in found] == [
        ("one", "ordered", None),
        ("three", "ignored", "no WIF position to sell"),
        ("two", "ignored", "position already open: 19.98 WIF"),
    ]
    assert await program.stop() == 0
    assert program.log.count("repeated; ignored") == 1


async def test_a_record_that_the_broker_brings_again_is_not_ordered_again(ring: Ring) -> None:
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    await ring.publish("SELL_SM", 0.4801)
    await ring.told("🔴 SELL_SM executed")
    assert await program.stop() == 0
    with closing(sqlite3.connect(ring.folder / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE source_positions SET next_offset = 0")
    await program.start()
    await ring.publish("BUY_SM", 0.4801, signal_id="a later one")
    await ring.chat.owner.wait_for("🟩 BUY_SM executed", after=await ring.told("🔴 SELL_SM executed"))

    assert [side for side, _ in ring.orders] == ["BUY", "SELL", "BUY"]
    assert await program.stop() == 0
    assert program.log.count("repeated; ignored") == 2


async def test_a_restart_between_buy_and_sell_changes_nothing(ring: Ring) -> None:
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    asked = time.monotonic()
    assert await program.stop() == 0
    assert time.monotonic() - asked < 5

    await program.start()
    metrics = await program.metrics()
    assert (metrics["buy_orders_total"], metrics["sell_orders_total"], metrics["open_positions"]) == (1, 0, 1)
    assert "19.98 WIF" in (await ring.chat.owner.ask("/positions")).text
    ring.venue.set_price("WIFUSDC", "0.5220")
    await ring.publish("SELL_SM", 0.5220)
    await ring.told("Profit: +8.5%")
    result = (await ring.chat.owner.ask("/pnl")).text

    assert ring.orders == [("BUY", Decimal(20)), ("SELL", Decimal("19.98"))]
    assert "+0.82 USDC" in result
    assert "Closed trades: 1, win rate 100% (1/1)" in result


async def test_an_order_too_small_for_the_exchange_is_refused_in_plain_words(ring: Ring) -> None:
    ring.venue.set_price("WIFUSDC", "0.48")
    ring.venue.edit_symbol("WIFUSDC", min_notional="5")
    program = await ring.run(TRADE_QTY="10")
    await ring.publish("BUY_SM", 0.48)
    await ring.told("order value 4.80 USDC is below the exchange's minimum of 5")
    assert "order value 4.80 USDC is below the exchange's minimum of 5" in program.log
    assert "Traceback" not in program.log
    assert ring.posts() == 0
    assert program.ledger("SELECT outcome, reason_code FROM inbox WHERE kind = 'signal'") == [
        {"outcome": "denied", "reason_code": "below_min_notional"}
    ]


async def test_a_symbol_that_is_halted_is_not_asked_for(ring: Ring) -> None:
    ring.venue.edit_symbol("WIFUSDC", status="HALT")
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("WIFUSDC is halted on the exchange (status HALT)")
    assert ring.posts() == 0
    assert program.ledger("SELECT outcome, reason_code FROM inbox WHERE kind = 'signal'") == [
        {"outcome": "denied", "reason_code": "not_trading"}
    ]


@dataclass(frozen=True)
class Refusal:
    """A fault of the exchange, and the sentence that the owner reads."""

    arrange: Callable[[Venue], object]
    sentence: str
    code: str


REFUSALS: dict[str, Refusal] = {
    "halted meanwhile": Refusal(
        lambda venue: venue.edit_symbol("WIFUSDC", status="HALT"), "the market for WIFUSDC is closed", "market_closed"
    ),
    "-2010": Refusal(
        lambda venue: venue.set_balance("USDC", "1"),
        "insufficient USDC balance (-2010). See /balance",
        "insufficient_balance",
    ),
    "-1021 for good": Refusal(
        lambda venue: venue.faults.error("POST order", -1021, times=None),
        "the exchange rejected the request's time (-1021): this machine's clock is",
        "clock_off",
    ),
    "429 for good": Refusal(
        lambda venue: venue.faults.too_many("POST order", retry_after=1, times=None),
        "rate limit: the exchange asks to wait 1 s",
        "rate_limited",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
async def test_what_the_exchange_refuses_ends_in_a_sentence_and_a_true_state(ring: Ring, refusal: Refusal) -> None:
    program = await ring.run()
    refusal.arrange(ring.venue)
    await ring.publish("BUY_SM", 0.4801)
    told = await ring.told(refusal.sentence)
    assert told.text.startswith("❗ BUY_SM failed\nSymbol: WIFUSDC\n")
    assert "Nothing was bought." in told.text

    assert ring.orders == []
    (order,) = program.ledger("SELECT state, reason_code, executed_qty FROM orders")
    assert (order["state"], order["reason_code"]) == ("REJECTED", refusal.code)
    assert Decimal(order["executed_qty"]) == 0
    assert program.ledger("SELECT * FROM executions") == []
    assert (await program.metrics())["open_positions"] == 0
    assert "Traceback" not in program.log


async def test_a_refusal_that_passes_does_not_cost_the_trade(ring: Ring) -> None:
    program = await ring.run()
    ring.venue.clock.offset_ms = 60_000  # the exchange's clock as the program measured it is no longer right: -1021
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    assert ring.posts() == 1  # it first asked whether the signal was ordered before, and that was refused

    ring.venue.faults.too_many("POST order", retry_after=1)
    await ring.publish("SELL_SM", 0.4801)
    await ring.told("🔴 SELL_SM executed")
    assert ring.posts() == 3

    assert ring.orders == [("BUY", Decimal(20)), ("SELL", Decimal("19.98"))]
    assert [row["state"] for row in program.ledger("SELECT state FROM orders")] == ["FILLED", "FILLED"]


async def test_coins_sold_elsewhere_hold_the_symbol_until_the_owner_accepts(ring: Ring) -> None:
    program = await ring.run()
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("🟩 BUY_SM executed")
    assert await program.stop() == 0
    ring.venue.set_balance("WIF", "7.98")
    await program.start()
    held = await ring.told("✋ WIFUSDC: entries are halted")
    assert "the exchange holds 12 WIF less than the ledger: sold elsewhere?" in held.text
    assert (await program.metrics())["marketflow_symbols_held"] == 1
    await ring.publish("BUY_SM", 0.4801)
    await ring.told("BUY_SM denied")
    assert "Entries halted: WIFUSDC" in (await ring.chat.owner.ask("/status")).text

    reconciled = await ring.command("reconcile")
    assert reconciled.code == 1
    assert "DIFFERENCE: WIFUSDC: the exchange holds 12 WIF less than the ledger: sold elsewhere?" in reconciled.stdout

    ring.chat.owner.press(held, "🤝 Accept WIFUSDC")
    await ring.told("WIFUSDC: entries resumed, accepted by Owner")
    await ring.publish("SELL_SM", 0.4801)
    await ring.told("🔴 SELL_SM executed")
    assert ring.orders == [("BUY", Decimal(20)), ("SELL", Decimal("7.98"))]
    assert (await ring.command("reconcile")).code == 0


WRONG: dict[str, str] = {
    "TRADING_MODE": "real",
    "TRADE_QTY": "-1",
    "SYMBOLS": "WIF USDC",
    "KAFKA_BROKER": "http://127.0.0.1",
    "TG_TOKEN": "my-secret-word",
    "TG_CHAT_ID": "me",
    "METRICS_PORT": "99999",
    "PRICE_BAND_PCT": "NaN",
}


async def test_wrong_settings_are_told_all_at_once() -> None:
    ended = await run_command("run", settings=WRONG)
    assert ended.code == 2
    assert [name for name in WRONG if f"\n  {name}: " not in ended.stderr] == []
    assert "8 settings are wrong" in ended.stderr
    assert "my-secret-word" not in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_what_is_not_set_is_named_and_nothing_takes_its_place() -> None:
    ended = await run_command("run", settings={})
    assert ended.code == 2
    assert [name for name in ("KAFKA_BROKER", "TG_TOKEN", "TG_CHAT_ID") if f"\n  {name}: not set" not in ended.stderr] == []
    assert "marketflow demo" in ended.stderr


async def test_a_stop_rests_on_the_exchange_and_is_the_exit(ring: Ring) -> None:
    protected = 'marketflow_unprotected_seconds{symbol="WIFUSDC"}'
    program = await ring.run(STOP_LOSS_PCT="5", TAKE_PROFIT_PCT="10")
    await ring.publish("BUY_SM", 0.4801)
    bought = await ring.told("🟩 BUY_SM executed")
    assert "\nStop: 0.4570 (-4.81%)\nTarget: 0.5290 (+10.19%)" in bought.text  # at the symbol's step, 0.001
    async with asyncio.timeout(10):
        while (await program.metrics()).get(protected) != 0:  # noqa: ASYNC110 - a scrape tells nobody
            await asyncio.sleep(0.1)
    assert (await program.metrics())["marketflow_resting_orders"] == 2

    ring.venue.set_price("WIFUSDC", "0.4540")  # within the limit of its stop
    sold = await ring.told("🔴 SELL_STOP_LOSS executed")
    assert "\nStop filled, trigger 0.4570" in sold.text
    metrics = await program.metrics()
    assert (metrics["marketflow_resting_orders"], metrics["open_positions"], metrics["sell_orders_total"]) == (0, 0, 1)
    assert await program.stop() == 0
