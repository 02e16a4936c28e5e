"""Commands that act, over HTTP with real parts: acts that cost money are shown in numbers and need a second tap, which works
once."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from bot.access.confirmations import Confirmations, Pending, Refusal, Risk
from bot.commands.mode import read_mode
from bot.views.number_format import money
from core.adapters.ledger.tables import order_tables, signal_tables
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.access import Role
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.messages import ControlsRequested
from core.domain.messages import Message as Said
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, NotTaken, OrderRequest, PlaceResult, Rejected
from core.domain.order_state_machine import OrderState
from core.domain.position import Position
from core.domain.reasons import reason
from core.domain.risk_limit import LimitSet
from core.domain.signal import BY_HAND, Side
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Panic, Pause
from core.policy.risk.limits import SETTABLE_LIMITS, SIZES, is_good, shown, with_set
from core.records.message_outcome import MessageOutcome
from local_telegram.model import Message
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import OWNER, TRADER, VIEWER, FastClock
from tests.bot.telegram.test_auth_gate import put_tap
from tests.chat_client import ChatPerson
from tests.core.virtual_time import NOON, VirtualClock
from tests.core.world import LIMITS

ORDERS = select(order_tables.orders)


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    async with firm_on(server, tmp_path) as running_firm:
        yield running_firm


async def confirmed(person: ChatPerson, asked: Message, wanted: str = "✅") -> Message:
    """Taps yes, and waits for the record."""
    person.press(asked, "✅ Confirm")
    return await person.wait_for_edit(asked, wanted)


def sides(firm: Firm) -> list[tuple[str, bool]]:
    return [(book.symbol, position.is_open) for book, position in sorted(firm.portfolio.positions.items())]


async def test_a_position_is_sold_by_hand_once_it_is_confirmed(firm: Firm) -> None:
    await firm.held()
    firm.prices.bid["WIFUSDC"] = Decimal("0.5220")
    await until(lambda: firm.trading.market.price("WIFUSDC") == Decimal("0.5220"))
    asked = await firm.trader.ask("/sell WIFUSDC")
    assert asked.text.startswith(
        "🔴 Sell 19.98 WIF (WIFUSDC)\nAt about 0.5220: 10.43 USDC\nFee about 0.01043 USDC\nP&L about +0.8"
    )
    assert "Position after: 0 WIF\nPaper trading: no real money" in asked.text
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
    record = await confirmed(firm.trader, asked, "🔴 SELL_MANUAL executed")
    assert record.keyboard == ()
    await firm.owner.wait_for("🔴 SELL_MANUAL executed")
    (by_hand,) = [row for row in await firm.ledger.reader.read(ORDERS) if row["side"] == "SELL"]
    assert by_hand["approved_by"] == "Trader"


async def test_an_entry_by_hand_passes_every_rule_of_a_signals(firm: Firm) -> None:
    asked = await firm.trader.ask("/buy WIFUSDC 50 USDC")
    assert asked.text.startswith("🟩 Buy for 50.00 USDC: about 103.11 WIF (WIFUSDC)\nAt about 0.4801: 49.50 USDC")
    await confirmed(firm.trader, asked)
    await firm.owner.wait_for("🟩 BUY_MANUAL executed")
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("103.00689")
    assert "position already open" in (await firm.trader.ask("/buy WIFUSDC")).text
    assert "above the limit of 5,000" in (await firm.trader.ask("/buy SOLUSDC 40 SOL")).text
    await firm.trader.ask("/pause entries")
    assert "entries are paused" in (await firm.trader.ask("/buy SOLUSDC 1")).text


async def test_a_bare_number_is_what_is_spent(firm: Firm) -> None:
    """Reads /buy BTC 50 as quote asset: nobody means 50 bitcoins."""
    assert (await firm.trader.ask("/buy SOLUSDC 40")).text.startswith("🟩 Buy for 40.00 USDC: about 0.26 SOL (SOLUSDC)")
    assert (await firm.trader.ask("/buy SOLUSDC 2 SOL")).text.startswith("🟩 Buy 2 SOL (SOLUSDC)")


async def test_a_base_asset_alone_is_the_symbol_that_has_it(firm: Firm) -> None:
    await firm.held()
    assert "Sell 19.98 WIF (WIFUSDC)" in (await firm.trader.ask("/sell wif")).text
    assert "Sell 19.98 WIF (WIFUSDC)" in (await firm.trader.ask("/close WIF")).text
    assert (await firm.trader.ask("/buy SOL 20 USDC")).text.startswith("🟩 Buy for 20.00 USDC: about 0.13 SOL (SOLUSDC)")
    assert "no SOL position" in (await firm.trader.ask("/sell SOLUSDC")).text


@pytest.mark.parametrize("command", ["/sell", "/close"])
@pytest.mark.parametrize("name", ["SOL", "sol", "SOLUSDC", "DOGE"])
async def test_where_nothing_is_held_there_is_nothing_to_sell_however_it_is_named(firm: Firm, command: str, name: str) -> None:
    base = name.upper().removesuffix("USDC")
    assert f"no {base} position to sell" in (await firm.trader.ask(f"{command} {name}")).text


@pytest.mark.parametrize(
    ("size", "sold", "left"), [("12", "12", "7.98"), ("12 wif", "12", "7.98"), ("60%", "11.98", "8"), ("20", "19.98", "0")]
)
async def test_a_part_of_a_position_is_sold(firm: Firm, size: str, sold: str, left: str) -> None:
    await firm.held()
    asked = await firm.trader.ask(f"/sell WIF {size}")
    assert asked.text.startswith(f"🔴 Sell {sold} WIF (WIFUSDC)")
    assert "Position opened " in asked.text
    assert f"Position after: {left} WIF" in asked.text
    await confirmed(firm.trader, asked)
    await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal(left))
    await firm.settled()
    assert not firm.portfolio.exits
    assert [row["side"] for row in await firm.ledger.reader.read(ORDERS)] == ["BUY", "SELL"]


async def test_who_never_said_start_is_notified_of_the_result_where_they_acted(firm: Firm) -> None:
    await firm.held()
    record = await confirmed(firm.trader, await firm.trader.ask("/sell WIFUSDC"), "🔴 SELL_MANUAL executed")
    assert "Quantity: 19.98 WIF" in record.text
    await asyncio.sleep(1)
    await firm.held("SOLUSDC")
    await confirmed(firm.trader, await firm.trader.ask("/sell SOLUSDC"), "the result here")
    await firm.trader.wait_for("🔴 SELL_MANUAL executed", after=record)


async def test_who_is_notified_of_no_trades_gets_the_result_as_the_answer(firm: Firm) -> None:
    await firm.held()
    await firm.trader.ask("/start")
    await firm.trader.ask("/notify trades off")
    record = await confirmed(firm.trader, await firm.trader.ask("/sell WIFUSDC"), "SELL_MANUAL executed")
    assert "Quantity: 19.98 WIF" in record.text
    firm.prices.down = True
    record = await confirmed(firm.trader, await firm.trader.ask("/panic"), "/trades show it")
    assert "the result here" not in record.text


async def test_a_part_that_the_exchange_would_not_take_is_refused_at_once(firm: Firm) -> None:
    await firm.held()
    assert "order value 2.40 USDC is below the exchange's minimum of 5" in (await firm.trader.ask("/sell WIF 5")).text
    assert "is below the exchange's minimum order" in (await firm.trader.ask("/sell WIF 0.001")).text


async def test_an_entry_that_is_worth_more_than_the_limit_is_said_before_its_size_is_set(firm: Firm) -> None:
    await firm.owner.ask("/buy WIFUSDC")  # the price is known from here on
    most = firm.portfolio.limits.max_order_notional
    asked = await firm.owner.ask("/set TRADE_QTY 100000")
    assert "An entry of this size in SOLUSDC is worth" in asked.text
    assert "Refused too: WIFUSDC" in asked.text
    assert f"above MAX_ORDER_NOTIONAL {money(most)}: it would be refused" in asked.text
    assert "would be refused" not in (await firm.owner.ask("/set TRADE_QTY 21")).text
    assert "it would be refused" in (await firm.owner.ask("/set MAX_ORDER_NOTIONAL 1")).text
    assert "would be refused" not in (await firm.owner.ask("/set MAX_OPEN_POSITIONS 7")).text
    await confirmed(firm.owner, asked)  # said, and still the owner's decision
    assert firm.portfolio.limits.trade_qty == 100_000


async def test_a_question_that_nobody_answers_says_so_and_loses_its_buttons(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, speed=20) as firm:
        answered = await firm.owner.ask("/set TRADE_QTY 40")
        record = await confirmed(firm.owner, answered)
        asked = await firm.owner.ask("/set TRADE_QTY 30")
        expired = await firm.owner.wait_for_edit(asked, "Expired, nothing was done")
        assert (expired.buttons, "Confirm?" in expired.text, "TRADE_QTY" in expired.text) == ([], False, True)
        last = await firm.owner.ask("/set TRADE_QTY 50")
        assert firm.owner.now(answered) == record
    await firm.owner.wait_for_edit(last, "Expired, nothing was done")  # the end of the program forgets it


async def test_limits_that_contradict_each_other_are_said_before_they_are_set(firm: Firm) -> None:
    most = firm.portfolio.limits.max_order_notional
    asked = await firm.owner.ask(f"/set TRADE_QUOTE {most + 1:f}")
    assert f"is above MAX_ORDER_NOTIONAL {most:f}: every entry would be refused" in asked.text
    assert "is above" not in (await firm.owner.ask(f"/set TRADE_QUOTE {most:f}")).text
    assert "is above PRICE_SANITY_PCT" in (await firm.owner.ask("/set PRICE_BAND_PCT 99")).text


async def test_a_limit_without_a_value_is_shown_as_it_is(firm: Firm) -> None:
    shown = (await firm.owner.ask("/set MAX_OPEN_POSITIONS")).text
    assert shown.startswith("MAX_OPEN_POSITIONS max open positions")
    assert shown.endswith("For example: /set MAX_OPEN_POSITIONS 5")
    assert (await firm.owner.ask("/set MAX_OPEN_POSITIONS x")).text.startswith("“x” is not valid for MAX_OPEN_POSITIONS.")


async def test_a_reset_says_what_it_counts_from(firm: Firm) -> None:
    asked = await firm.owner.ask("/reset drawdown")
    assert "Drawdown now: not measured yet." in asked.text
    assert "Reset the count of losing exits in a row? Now: 0." in (await firm.owner.ask("/reset losses")).text


async def test_nobody_is_shown_a_button_that_takes_another_role(firm: Firm) -> None:
    assert [button.data for button in (await firm.owner.ask("/mode")).buttons] == [f"/mode {mode}" for mode in Mode]
    assert (await firm.trader.ask("/mode")).buttons == []


async def test_what_is_not_traded_is_named_beside_what_is(firm: Firm) -> None:
    answer = await firm.trader.ask("/buy WIFUSD 10")
    assert answer.text == "WIFUSD is not one of the traded symbols: SOLUSDC, WIFUSDC"
    assert answer.buttons[0].data == "/buy WIFUSDC"
    offered = await firm.trader.ask("/buy")
    assert [button.data for button in offered.buttons] == ["/buy SOLUSDC", "/buy WIFUSDC"]


@pytest.mark.parametrize(
    ("said", "told", "offered"),
    [
        ("/set DAILY_LOSS_LIMIT -5", "For example: /set DAILY_LOSS_LIMIT 50", []),
        ("/set PRICE_BAND_PCT 200", "at most 100", []),
        ("/set foo 5", "You can set: PRICE_BAND_PCT, PRICE_SANITY_PCT, MAX_ORDER_NOTIONAL", []),
        ("/set DAILY_LOSS 5", "There is no limit DAILY_LOSS.", ["/set DAILY_LOSS_LIMIT 5"]),
        ("/quiet 25-7", "For example: /quiet 23:00-07:00", ["/quiet 23:00-07:00"]),
        ("/zone Moscow", "Did you mean", ["/zone Europe/Moscow"]),
        ("/zone new york", "Did you mean", ["/zone America/New_York"]),
        ("/zone +3", "Did you mean", ["/zone Etc/GMT-3"]),
        ("/zone Nowhere", "“Nowhere”: unknown time zone", []),
    ],
)
async def test_what_is_wrong_with_an_argument_is_said_with_what_works(
    firm: Firm, said: str, told: str, offered: list[str]
) -> None:
    answer = await firm.owner.ask(said)
    assert told in answer.text
    assert [button.data for button in answer.buttons] == offered


async def test_the_rules_are_those_of_the_second_tap(firm: Firm) -> None:
    asked = await firm.trader.ask("/buy WIFUSDC 20 WIF")
    firm.prices.bid["WIFUSDC"] = Decimal("0.50")
    await until(lambda: firm.trading.market.price("WIFUSDC") == Decimal("0.50"))
    record = await confirmed(firm.trader, asked, "Not done")
    assert "the price moved +4.14%" in record.text
    assert not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_one_may_always_sell_by_hand(firm: Firm) -> None:
    await firm.held()
    await firm.trader.ask("/pause")
    await firm.owner.ask("/mode observe")
    await confirmed(firm.trader, await firm.trader.ask("/sell WIFUSDC"))
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    assert firm.portfolio.trading_state.pause is Pause.ALL
    assert firm.portfolio.trading_state.mode is Mode.OBSERVE


async def test_in_confirm_mode_the_second_tap_is_the_approval(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        await confirmed(firm.trader, await firm.trader.ask("/buy WIFUSDC"))
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
        assert not firm.portfolio.approvals


async def test_a_second_tap_works_once_by_who_asked_there_and_in_time(firm: Firm) -> None:
    await firm.held()
    asked = await firm.trader.ask("/sell WIFUSDC")
    token = next(button.data for button in asked.buttons)
    put_tap_of = [(OWNER, token), (VIEWER, token), (TRADER, "ok:guessed-guessed-gu"), (TRADER, "ok:"), (TRADER, f"{token}x")]
    for number, (person, data) in enumerate(put_tap_of):
        put_tap(firm, person, data, query_id=f"9{number}")
    await firm.owner.ask("/positions")
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
    firm.clock.skip(61)
    notice = await firm.trader.wait_for_answer(firm.trader.press(asked, "✅ Confirm"))
    assert notice["text"] == "No longer valid: done, cancelled or expired after 60 s. Send the command again."
    asked = await firm.trader.ask("/sell WIFUSDC")
    firm.trader.press(asked, "✅ Confirm")
    firm.trader.press(asked, "✅ Confirm")
    await firm.trader.wait_for_edit(asked, "SELL_MANUAL executed")
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    rows = await firm.ledger.reader.read(ORDERS)
    assert len([row for row in rows if row["side"] == "SELL"]) == 1


async def test_a_second_tap_counts_where_telegram_does_not_take_the_answer_to_it(firm: Firm) -> None:
    await firm.held()
    asked = await firm.trader.ask("/sell WIFUSDC")
    firm.room.faults.bad_gateway("answerCallbackQuery", times=3)
    firm.trader.press(asked, "✅ Confirm")
    await firm.trader.wait_for_edit(asked, "SELL_MANUAL executed")
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    await firm.settled()
    assert [row["side"] for row in await firm.ledger.reader.read(ORDERS)] == ["BUY", "SELL"]


async def test_a_late_tap_lowers_the_risk_at_once_and_asks_once_more_before_it_raises_it(firm: Firm) -> None:
    """Taps too late for Telegram to answer: acts that lower risk run, others are asked once more with a new button."""
    await firm.held()
    for command, number in (("/buy SOLUSDC", 1), ("/panic", 2)):
        asked = await firm.owner.ask(command)
        data = next(button.data for button in asked.buttons if button.data.startswith("ok:"))
        put_tap(firm, OWNER, data, query_id=f"99{number}")  # the server knows no such query
        if command == "/panic":
            break
        again = await firm.owner.wait_for("tap again within 60 s", after=asked)
        firm.owner.press(again, "✅ Confirm")
        await until(lambda: firm.portfolio.position(StrategyBook("SOLUSDC")).is_open)
        await firm.settled()  # the alert of the purchase is not an answer to the next command
    await until(lambda: not firm.portfolio.open_positions())
    assert firm.portfolio.trading_state.pause is Pause.ALL


async def test_no_more_is_bought_than_was_shown(firm: Firm) -> None:
    asked = await firm.trader.ask("/buy WIFUSDC")
    assert "Buy 20 WIF" in asked.text
    await confirmed(firm.owner, await firm.owner.ask("/set TRADE_QTY 400"))
    assert firm.portfolio.limits.trade_qty == 400
    await confirmed(firm.trader, asked)
    await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98"))


async def test_a_tap_after_a_restart_does_nothing(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held()
        asked = await firm.trader.ask("/sell WIFUSDC")
    await firm.trader.wait_for_edit(asked, lambda message: not message.buttons)
    async with firm_on(server, tmp_path) as firm:
        put_tap(firm, TRADER, asked.buttons[0].data, query_id="90")  # it was on its way
        await firm.owner.ask("/positions")
        assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_who_lost_the_right_meanwhile_cannot_confirm(firm: Firm) -> None:
    await firm.held()
    asked = await firm.trader.ask("/sell WIFUSDC")
    roles = firm.context.people.roles.fixed
    assert isinstance(roles, dict)
    roles[TRADER] = Role.VIEWER
    try:
        notice = await firm.trader.wait_for_answer(firm.trader.press(asked, "✅ Confirm"))
    finally:
        roles[TRADER] = Role.TRADER
    assert notice["text"] == "This needs the role trader; yours is viewer."
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_leaving_it_is_a_record_too(firm: Firm) -> None:
    await firm.held()
    asked = await firm.trader.ask("/close WIFUSDC")
    firm.trader.press(asked, "✖️ Cancel")
    assert "Cancelled. Trader" in (await firm.trader.wait_for_edit(asked)).text
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_everything_is_closed_at_once(firm: Firm) -> None:
    await firm.held("WIFUSDC")
    await firm.held("SOLUSDC")
    asked = await firm.trader.ask("/close all")
    assert "Close all positions: 2" in asked.text
    assert "SOLUSDC: 2,994.00 USDC" in asked.text
    await confirmed(firm.trader, asked)
    await until(lambda: sides(firm) == [("SOLUSDC", False), ("WIFUSDC", False)])


async def test_panic_stops_declines_and_sells_in_one(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held("WIFUSDC")
        await firm.owner.ask("/mode confirm")
        await firm.signal("BUY_SM", "SOLUSDC")
        question = await firm.owner.wait_for("trade this?")
        asked = await firm.trader.ask("/panic")
        assert "Approval requests to decline: 1" in asked.text
        await confirmed(firm.trader, asked)
        await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open and not firm.portfolio.approvals)
        assert firm.portfolio.trading_state.pause is Pause.ALL
        assert "declined" in (await firm.owner.wait_for_edit(question)).text
        over = await firm.owner.wait_for("Panic finished")
        assert over.text == "🛑 Panic finished (Trader): all positions are sold.\nTrading stays paused until /resume."
        await firm.signal("BUY_SM", "SOLUSDC")
        await firm.settled()
        assert not firm.portfolio.position(StrategyBook("SOLUSDC")).is_open


async def test_a_panic_is_told_in_its_order_who_pressed_it_what_was_sold_and_what_is_left(
    server: RunningChat, tmp_path: Path
) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held("WIFUSDC")
        await firm.held("SOLUSDC")
        await firm.trader.ask("/pause")
        firm.portfolio.positions[StrategyBook("DOGEUSDC")] = Position("DOGEUSDC", qty=Decimal("0.158"))
        before = len(firm.owner.received)
        await confirmed(firm.trader, await firm.trader.ask("/panic"))
        over = await firm.owner.wait_for("Panic finished")
        firsts = [message.text.partition("\n")[0] for message in firm.owner.received[before:]]
        told = [first for first in firsts if "anic" in first or "PANIC" in first]
        assert re.match(r"🛑 Panic: Trader, \d\d:\d\d:\d\d UTC", told[0])
        assert told[1:] == [*["🔴 SELL_PANIC executed"] * 2, "🛑 Panic finished (Trader): all positions are sold."]
        assert "Dust left, too small to sell: 0.158 DOGE\n" in over.text


async def test_panic_is_kept_where_the_exchange_is_away(firm: Firm) -> None:
    await firm.held()
    asked = await firm.trader.ask("/panic")
    firm.prices.down = True
    await confirmed(firm.trader, asked)
    await until(lambda: firm.portfolio.trading_state.pause is Pause.ALL)
    firm.prices.down = False
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open, within=20)
    assert firm.portfolio.trading_state.pause is Pause.ALL


async def test_panic_sells_what_was_entered_while_it_was_being_stored(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    await firm.held()
    asked = await firm.trader.ask("/panic")
    store = firm.trading.inbox.ask_all

    async def late(messages: Sequence[Said]) -> Sequence["asyncio.Future[MessageOutcome] | None"]:
        monkeypatch.undo()
        await firm.held("SOLUSDC")
        return await store(messages)

    monkeypatch.setattr(firm.trading.inbox, "ask_all", late)
    await confirmed(firm.trader, asked)
    await until(lambda: sides(firm) == [("SOLUSDC", False), ("WIFUSDC", False)])
    assert firm.portfolio.trading_state.pause is Pause.ALL


async def test_panic_sells_on_where_one_order_may_not_take_all_of_it(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, limits=replace(ROOMY, trade_qty=Decimal(40))) as firm:
        await firm.held()
        firm.prices.rules["WIFUSDC"] = replace(firm.prices.rules["WIFUSDC"], market_max_qty=Decimal(14))
        await firm.trading.market.load_instruments(["WIFUSDC"])
        await confirmed(firm.trader, await firm.trader.ask("/panic"))
        await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
        await firm.settled()
        sales = [row for row in await firm.ledger.reader.read(ORDERS) if row["side"] == "SELL"]
        assert [row["executed_qty"] for row in sales] == [14, 14, Decimal("11.96")]


async def test_panic_ends_where_no_order_can_sell_what_is_left(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exchange is asked once, and refuses it as worth too little, which it is at the present price too."""
    await firm.held()

    async def too_little(_: OrderRequest) -> PlaceResult:
        return Rejected(reason("filter_failure", filter="NOTIONAL"))

    monkeypatch.setattr(firm.context.exchange.venue, "place", too_little)
    firm.prices.rules["WIFUSDC"] = replace(firm.prices.rules["WIFUSDC"], min_notional=Decimal(1000))
    before = len(firm.owner.received)
    await confirmed(firm.trader, await firm.trader.ask("/panic"))
    over = await firm.owner.wait_for("Panic finished")
    assert "not everything was sold (Trader): WIFUSDC" in over.text
    told = [message.text for message in firm.owner.received[before:]]
    assert len([text for text in told if "below the exchange's minimum of 1,000: no order can sell it" in text]) == 1
    assert len([row for row in await firm.ledger.reader.read(ORDERS) if row["side"] == "SELL"]) == 1
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert firm.portfolio.trading_state.panic is None


async def test_panic_sells_on_once_somebody_buys_again(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    await firm.held()
    place, empty = firm.context.exchange.venue.place, 3

    async def nobody_buys(request: OrderRequest) -> PlaceResult:
        nonlocal empty
        empty -= 1
        if empty < 0:
            return await place(request)
        name, now = request.client_order_id, firm.clock.now()
        return ExecutionReport(name, f"{90 + empty}", "WIFUSDC", Side.SELL, OrderState.EXPIRED, ZERO, ZERO, now)

    monkeypatch.setattr(firm.context.exchange.venue, "place", nobody_buys)
    await confirmed(firm.trader, await firm.trader.ask("/panic"))
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    await firm.settled()
    assert len([row for row in await firm.ledger.reader.read(ORDERS) if row["side"] == "SELL"]) == 4


async def test_nothing_more_is_sold_once_a_panic_is_taken_back(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    await firm.held()

    async def away(_: OrderRequest) -> PlaceResult:
        return NotTaken(reason("banned", seconds=100), retry_after=100)

    with monkeypatch.context() as banned:
        banned.setattr(firm.context.exchange.venue, "place", away)
        await confirmed(firm.trader, await firm.trader.ask("/panic"))
        await firm.owner.wait_for("not sold yet")
        await confirmed(firm.owner, await firm.owner.ask("/resume"))
    over = await firm.owner.wait_for("Panic finished")
    assert "not everything was sold (Trader): WIFUSDC" in over.text
    assert over.text.endswith("Trading was resumed meanwhile.")
    await until(lambda: not firm.portfolio.exits, within=30)
    assert firm.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert firm.portfolio.trading_state.panic is None


async def test_a_panic_that_its_process_does_not_outlive_is_taken_up_by_the_next(
    server: RunningChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FastClock(8)

    async def away(*_: object) -> PlaceResult:
        return NotTaken(reason("banned", seconds=30), retry_after=30)

    with monkeypatch.context() as banned:
        async with firm_on(server, tmp_path, clock=clock) as firm:
            await firm.held()
            await firm.held("SOLUSDC")
            banned.setattr(PaperExchange, "place", away)
            await confirmed(firm.trader, await firm.trader.ask("/panic"))
            await until(lambda: len(firm.portfolio.exits) == 2)
        async with firm_on(server, tmp_path, clock=clock) as again:
            assert again.portfolio.trading_state.panic is not None
            banned.undo()  # only now: a start may take longer than a sale
            await until(lambda: not again.portfolio.open_positions(), within=30)
            over = await again.owner.wait_for("Panic finished")
            assert over.text == "🛑 Panic finished (Trader): all positions are sold.\nTrading stays paused until /resume."
            assert again.portfolio.trading_state.panic is None


async def test_what_was_entered_in_the_moment_of_a_panic_is_sold_by_the_next_process(server: RunningChat, tmp_path: Path) -> None:
    """Continues a panic after the process that took the tap is gone, with an entry it did not count."""
    async with firm_on(server, tmp_path) as firm:
        await firm.held()
        panic = Panic("confirm:1", TRADER, "Ann")
        command = ControlsRequested(TRADER, "Ann", pause=Pause.ALL, panic=panic)
        await firm.trading.inbox.close()
        await firm.ledger.store([Said(BY_HAND, "confirm:1:0", "", command, firm.clock.now())])
    async with firm_on(server, tmp_path) as again:
        await again.owner.wait_for("Panic finished (Ann): all positions are sold")
        assert again.portfolio.open_positions() == []
        await again.settled()
        sales = [row for row in await again.ledger.reader.read(ORDERS) if row["side"] == "SELL"]
        assert [row["signal_id"] for row in sales] == ["confirm:1:WIFUSDC:1"]


async def test_panic_shows_its_numbers_soon_where_the_exchange_is_silent(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    await firm.held()
    await firm.held("SOLUSDC")
    waiting = 0

    async def silent(_: str) -> None:
        nonlocal waiting
        waiting += 1
        await until(lambda: waiting >= 2)

    monkeypatch.setattr(firm.trading.market, "fresh_quote", silent)
    assert "SOLUSDC" in (await firm.trader.ask("/panic")).text


async def test_everything_that_is_open_is_cancelled_at_once(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        assert "No open orders" in (await firm.trader.ask("/cancel all")).text
        await firm.signal("BUY_SM")
        await firm.signal("BUY_SM", "SOLUSDC")
        await until(lambda: len(firm.portfolio.approvals) == 2)
        await firm.settled()
        offered = await firm.trader.ask("/cancel")
        assert [button.data for button in offered.buttons][-1] == "/cancel all"
        asked = await firm.trader.ask("/cancel все")
        first, *lines = asked.text.splitlines()[:3]
        assert (first, sorted(lines)) == (
            "Cancel everything that is open: 2",
            ["· BUY 20 SOL (SOLUSDC)", "· BUY 20 WIF (WIFUSDC)"],
        )
        await confirmed(firm.trader, asked)
        await until(lambda: not firm.portfolio.approvals)


async def test_what_waits_to_buy_is_named_before_a_part_is_sold(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, limits=replace(ROOMY, max_entries=2)) as firm:
        await confirmed(firm.trader, await firm.trader.ask("/buy WIF 48 steps 3%"))
        await until(lambda: bool(firm.portfolio.entries_for(StrategyBook("WIFUSDC"))))
        firm.trader.send("/sell WIF 50%")  # the notification of the step may come meanwhile
        await firm.trader.wait_for("Entries that wait to buy are cancelled for good: 1")
        asked = await firm.trader.ask("/cancel all")
        assert "BUY 98.98 WIF (WIFUSDC)" in asked.text
        await confirmed(firm.trader, asked)
        await until(lambda: not firm.portfolio.entries_for(StrategyBook("WIFUSDC")))
        assert firm.portfolio.position(StrategyBook("WIFUSDC")).entry_count == 1
        assert "cancelled for good" not in (await firm.trader.ask("/sell WIF 50%")).text


async def test_nobody_waits_for_the_exchange_to_be_able_to_pause(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    await firm.held()
    firm.prices.down = True
    await firm.signal("SELL_SM")
    await until(lambda: bool(firm.portfolio.in_flight))
    asked = await firm.trader.ask(f"/cancel {next(iter(firm.portfolio.in_flight))}")

    answered = asyncio.Event()

    async def silent(symbol: str, client_order_id: str) -> bool:
        return await answered.wait()

    monkeypatch.setattr(firm.context.exchange.venue, "cancel_order", silent)
    await confirmed(firm.trader, asked)
    assert "PAUSED" in (await firm.trader.ask("/pause")).text
    answered.set()
    firm.prices.down = False


def last_key(person: ChatPerson) -> str:
    """Returns the last button of the keyboard below the person's input field."""
    conversation = person.room.chat(person.id)
    assert conversation is not None
    return str(conversation.keyboard_for(person.id).rows[-1][-1])


async def test_the_keyboard_below_follows_a_pause_that_begins_and_ends(firm: Firm) -> None:
    await firm.owner.ask("/start")
    await firm.trader.ask("/pause")
    await firm.owner.wait_for("PAUSED")
    assert last_key(firm.owner) == "▶️ Resume"
    await confirmed(firm.owner, await firm.owner.ask("▶️ Resume"), "Not paused")
    await firm.owner.wait_for("On the keyboard below: ⏸ Pause")
    assert last_key(firm.owner) == "⏸ Pause"
    await firm.owner.ask("/pause entries for 30m")
    assert last_key(firm.owner) == "▶️ Resume"
    firm.clock.skip(1801)
    await firm.owner.wait_for("The pause has ended.")
    assert last_key(firm.owner) == "⏸ Pause"


async def test_a_pause_ends_by_itself(firm: Firm) -> None:
    assert "Until " in (await firm.trader.ask("/pause entries for 30m")).text
    assert firm.portfolio.trading_state.pause is Pause.ENTRIES
    firm.clock.skip(1801)
    await until(lambda: firm.portfolio.trading_state.pause is Pause.OFF)
    assert "Not paused" in (await firm.owner.wait_for("The pause has ended.")).text


@pytest.mark.parametrize(
    ("present", "weaker"),
    [
        ("/pause", "/pause for 1m"),
        ("/pause", "/pause entries"),
        ("/pause entries", "/pause all for 1m"),
        ("/pause for 2h", "/pause for 1h"),
        ("/pause for 2h", "/pause entries for 3h"),
    ],
)
async def test_a_weaker_pause_is_as_good_as_resuming(firm: Firm, present: str, weaker: str) -> None:
    await firm.trader.ask(present)
    before = firm.portfolio.trading_state
    assert "Only an owner" in (await firm.trader.ask(weaker)).text
    asked = await firm.owner.wait_for("Weaken the pause", after=firm.owner.send(weaker))  # the trader's act is reported too
    assert firm.portfolio.trading_state == before
    await confirmed(firm.owner, asked)
    assert firm.portfolio.trading_state != before


async def test_a_longer_pause_is_anybodys_who_may_pause(firm: Firm) -> None:
    for said in ("/pause entries for 1h", "/pause entries for 2h", "/pause entries", "/pause", "/pause"):
        assert "PAUSED" in (await firm.trader.ask(said)).text
    assert firm.portfolio.trading_state == replace(firm.portfolio.trading_state, pause=Pause.ALL, until=None)


async def test_resuming_and_loosening_want_a_second_tap_and_stopping_does_not(firm: Firm) -> None:
    await firm.owner.ask("/pause")
    assert firm.portfolio.trading_state.pause is Pause.ALL
    asked = await firm.owner.ask("/resume")
    assert firm.portfolio.trading_state.pause is Pause.ALL
    assert "Not paused" in (await confirmed(firm.owner, asked)).text
    await firm.owner.wait_for("On the keyboard below")
    await firm.owner.ask("/mode observe")
    assert firm.portfolio.trading_state.mode is Mode.OBSERVE
    asked = await firm.owner.ask("/mode auto")
    assert firm.portfolio.trading_state.mode is Mode.OBSERVE
    await confirmed(firm.owner, asked)
    assert firm.portfolio.trading_state == replace(firm.portfolio.trading_state, mode=Mode.AUTO)


async def test_small_trades_and_named_types_are_not_asked_about(firm: Firm) -> None:
    await firm.owner.ask("/mode confirm")
    asked = await firm.owner.ask("/mode confirm above 100 except SELL_SM")
    assert "No approval needed: trades up to 100" in asked.text
    await confirmed(firm.owner, asked)
    await firm.signal("BUY_SM", "WIFUSDC")  # worth 9.60
    await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    await firm.signal("SELL_SM", "WIFUSDC")
    await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
    assert not firm.portfolio.approvals
    await firm.signal("BUY_SM", "SOLUSDC")  # worth 3,000
    await firm.owner.wait_for("trade this?")
    assert "No approval needed: SELL_SM" in (await firm.owner.ask("/mode")).text


async def test_half_of_a_question_is_half_the_order(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM, limits=replace(ROOMY, trade_qty=Decimal(40))) as firm:
        await firm.signal("BUY_SM")
        question = await firm.owner.wait_for("trade this?")
        firm.owner.press(question, "½ Half: 20 WIF")
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
        await firm.settled()
        assert firm.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


async def test_half_is_not_offered_where_it_would_be_too_small(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM, limits=replace(ROOMY, trade_qty=Decimal(20))) as firm:
        await firm.signal("BUY_SM")
        question = await firm.owner.wait_for("trade this?")
        assert [button.text for button in question.buttons] == ["✅ Approve", "✖️ Decline"]
        put_tap(firm, OWNER, f"ap:{next(iter(firm.portfolio.approvals))}:h", query_id="7")
        record = await firm.owner.wait_for_edit(question)
        assert "Not traded: order value 4.80 USDC" in record.text
        assert not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open


async def test_a_limit_is_set_and_outlives_a_restart(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        asked = await firm.owner.ask("/set max_order_notional 5")
        assert "MAX_ORDER_NOTIONAL: 5,000 USDC → 5 USDC" in asked.text
        assert firm.portfolio.limits.max_order_notional == 5000
        await confirmed(firm.owner, asked)
        await firm.signal("BUY_SM")
        await firm.owner.wait_for("above the limit of 5")
    async with firm_on(server, tmp_path) as firm:
        assert firm.portfolio.limits.max_order_notional == 5
        assert "MAX_ORDER_NOTIONAL max order 5 USDC (Owner" in (await firm.owner.ask("/set")).text
        await confirmed(firm.owner, await firm.owner.ask("/set MAX_ORDER_NOTIONAL default"))
        assert firm.portfolio.limits.max_order_notional == 5000


async def test_how_long_an_exit_is_tried_is_set_in_the_chat(firm: Firm) -> None:
    asked = await firm.owner.ask("/set exit_max_age 900")
    assert "EXIT_MAX_AGE: 10 min → 15 min" in asked.text
    await confirmed(firm.owner, asked)
    assert firm.portfolio.limits.exit_max_age == timedelta(minutes=15)
    assert firm.portfolio.limits.signal_max_age == timedelta(seconds=60)
    assert "EXIT_MAX_AGE exits retried for 15 min (Owner" in (await firm.owner.ask("/set")).text
    assert "exits are retried for 15 min" in (await firm.owner.ask("/risk")).text


async def test_the_exit_plan_of_entries_is_set_in_the_chat(firm: Firm) -> None:
    await confirmed(firm.owner, await firm.owner.ask("/set stop_loss_pct 5"))
    asked = await firm.owner.ask("/set take_profit_pct 5:50,10:50")
    assert "TAKE_PROFIT_PCT: not set → 5:50,10:50" in asked.text
    await confirmed(firm.owner, asked)
    targets = tuple(Target(Level(pct=Decimal(pct)), Decimal(50)) for pct in (5, 10))
    assert firm.portfolio.limits.plan == ExitPlan(StopLoss(Level(pct=Decimal(5))), targets)
    listed = (await firm.owner.ask("/set")).text
    assert "STOP_LOSS_PCT stop 5% below the entry (Owner" in listed
    assert "TAKE_PROFIT_PCT targets 5:50,10:50 (% above the entry : % of the position) (Owner" in listed
    await confirmed(firm.owner, await firm.owner.ask("/set stop_loss_pct off"))
    assert firm.portfolio.limits.plan == ExitPlan(targets=targets)


@pytest.mark.parametrize(
    "said",
    [
        *("/set STOP_LOSS_PCT 100", "/set TAKE_PROFIT_PCT 5,10", "/set TAKE_PROFIT_PCT 5:60,10:60"),
        *("/set", "/set X 5", "/set MAX_ORDER_NOTIONAL -1", "/set MAX_ORDER_NOTIONAL NaN", "/set MAX_ORDER_NOTIONAL 1e99"),
        *("/set MAX_OPEN_POSITIONS 1.5", "/set MAX_OPEN_POSITIONS ٣", "/set PRICE_BAND_PCT 101", "/set TRADE_QTY 0"),
        *("/buy", "/buy WIFUSDC -5", "/buy WIFUSDC 5 BTC", "/buy ../x", "/buy WIFUSDC 1 2 3", "/sell WIFUSDC now", "/panic now"),
        *("/pause for", "/pause for 2x", "/pause for 31d", "/pause entries 2h", "/mode confirm above", "/mode confirm above x"),
        *("/mode auto above 100", "/mode confirm except FOO", "/mode confirm above 1 above 2", "/cancel a b", "/resume now"),
    ],
)
async def test_what_is_not_accepted_changes_nothing(firm: Firm, said: str) -> None:
    reply = (await firm.owner.ask(said)).text
    assert "is not valid" in reply or "There is no limit" in reply or said in {"/set", "/buy"}
    assert await firm.ledger.reader.read(select(signal_tables.inbox)) == []


@pytest.mark.parametrize(
    "said", ["/buy WIFUSDC", "/sell WIFUSDC", "/close all", "/cancel", "/panic", "/set X 5", "/pause for 2h"]
)
async def test_a_viewer_may_do_none_of_it(firm: Firm, said: str) -> None:
    assert "needs the role" in (await firm.person(VIEWER).ask(said)).text


@given(st.dictionaries(st.sampled_from(sorted(SETTABLE_LIMITS)), st.integers(1, 50).map(str)))
def test_what_is_set_is_in_force_and_the_rest_as_before(values: dict[str, str]) -> None:
    limits = with_set(LIMITS, [LimitSet(name, value, "Ann", NOON) for name, value in values.items()])
    for name in SETTABLE_LIMITS:
        assert is_good(name, values.get(name, "1"))
        if SETTABLE_LIMITS[name].field in SIZES:
            continue  # of several the last counts
        if name in values:
            assert Decimal(shown(limits, name)) == Decimal(values[name])
        else:
            assert shown(limits, name) == shown(LIMITS, name)


@pytest.mark.parametrize(("first", "last", "quote"), [("TRADE_QTY", "TRADE_QUOTE", "30"), ("TRADE_QUOTE", "TRADE_QTY", "")])
def test_the_size_that_was_set_last_counts(first: str, last: str, quote: str) -> None:
    set_ones = [LimitSet(last, "30", "Ann", NOON + timedelta(seconds=1)), LimitSet(first, "20", "Ann", NOON)]
    assert shown(with_set(replace(LIMITS, trade_quote=Decimal(100)), set_ones), "TRADE_QUOTE") == quote


@given(st.text(max_size=40))
def test_any_text_is_a_limit_or_is_not(text: str) -> None:
    assert all(is_good(name, text) in {True, False} for name in SETTABLE_LIMITS)


@pytest.mark.parametrize(
    "hostile", ["1e-31", "1e-1000000", "1e-99999999999", "NaN", "Infinity", "1_0", "٣", "²", "0." + "1" * 99]
)
def test_an_amount_can_be_shown_in_full_on_a_line(hostile: str) -> None:
    assert not any(is_good(name, hostile) for name in SETTABLE_LIMITS)
    assert read_mode(["confirm", "above", hostile], "USDC") is None


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_words_are_a_mode_or_are_not(words: list[str]) -> None:
    found = read_mode(words, "USDC")
    assert found is None or found[0] in set(Mode)


async def test_a_machine_that_slept_finds_no_question_young() -> None:
    clock = VirtualClock()
    confirmations = Confirmations(clock)

    async def act(_: str) -> str:
        return ""

    token = confirmations.add(user_id=1, who="Ann", chat_id=1, role=Role.TRADER, text="", act=act, risk=Risk.RAISES)
    clock.step(3600)  # the clock that stops during sleep stands still
    assert confirmations.take(token, 1, 1) is Refusal.GONE
    token = confirmations.add(user_id=1, who="Ann", chat_id=1, role=Role.TRADER, text="", act=act, risk=Risk.RAISES)
    pending = confirmations.take(token, 1, 1)
    assert isinstance(pending, Pending)
    confirmations.await_code(pending, 7)
    assert confirmations.awaiting_code(1, 1)
    clock.step(3600)
    assert not confirmations.awaiting_code(1, 1)


async def test_of_two_who_take_one_question_one_has_it() -> None:
    confirmations = Confirmations(FastClock())

    async def act(_: str) -> str:
        return ""

    token = confirmations.add(user_id=1, who="Ann", chat_id=1, role=Role.TRADER, text="", act=act, risk=Risk.RAISES)
    assert confirmations.take(token, 2, 1) is Refusal.NOT_YOURS
    assert confirmations.take(token, 1, 2) is Refusal.NOT_YOURS
    assert isinstance(confirmations.take(token, 1, 1), Pending)
    assert confirmations.take(token, 1, 1) is Refusal.GONE
    await asyncio.sleep(0)


def seconds_left(question: Message) -> int:
    found = re.search(r"\((?:(\d+) min)? ?(?:(\d+) s)? left\)", question.text)
    assert found, question.text
    return int(found[1] or 0) * 60 + int(found[2] or 0)


async def test_a_question_about_a_sale_tells_what_it_would_bring(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held()
        await firm.owner.ask("/mode confirm")
        firm.prices.bid["WIFUSDC"] = Decimal("0.5220")
        await until(lambda: firm.trading.market.price("WIFUSDC") == Decimal("0.5220"))
        await firm.signal("SELL_SM")
        question = await firm.owner.wait_for("trade this?")
        assert "Price now: 0.5220" in question.text
        assert "Entry price 0.480581; P&L now about +0.82 USDC (+8.51%)" in question.text


async def test_no_price_is_invented_while_the_exchange_is_silent(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path) as firm:
        await firm.held()
        await firm.owner.ask("/mode confirm")
        firm.prices.down = True
        firm.clock.skip(20)
        await firm.signal("SELL_SM")
        question = await firm.owner.wait_for("trade this?", within=20)
        assert "Price now: unknown" in question.text
        assert "result" not in question.text
        for said in ("/sell WIFUSDC", "/close all", "/panic"):
            shown = (await firm.owner.ask(said, within=20)).text
            assert "19.98 WIF" in shown
            assert "Current price unknown: this sells at market." in shown
            assert "Result" not in shown


async def test_a_question_shows_everything_and_counts_down_in_place(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        firm.portfolio.balances = await firm.context.exchange.venue.balances()
        firm.portfolio.balances_at = firm.clock.now()
        await firm.signal("BUY_SM")
        question = await firm.owner.wait_for("trade this?")
        assert "Value: 9.60 USDC (0.10% of " in question.text
        assert "Price now: 0.4801 (0.00% vs. signal)" in question.text
        assert (
            "· price 0.00% vs. signal, limit +1%\n· order value 9.70 of max 5,000 USDC\n"
            "· open positions 0 of max 5\n· P&L today 0.00 USDC, limit -100" in question.text
        )
        first = seconds_left(question)
        assert 110 < first <= 120
        firm.prices.bid["WIFUSDC"] = Decimal("0.4820")
        later = await firm.owner.wait_for_edit(question, "Price now: 0.4820 (+0.40% vs. signal)")
        assert seconds_left(later) < first
        assert "Rules, all passed:\n· price +0.40% vs. signal, limit +1%" in later.text
        firm.prices.bid["WIFUSDC"] = Decimal("0.4900")
        later = await firm.owner.wait_for_edit(question, "Price now: 0.4900")
        assert "an approval now would be refused:\n· price +2.06% vs. signal, limit +1%" in later.text
        assert [button.text for button in later.buttons] == ["✅ Approve", "✖️ Decline"]
        assert len(firm.owner.received) == 1


@pytest.mark.parametrize(("button", "held"), [("✅ Approve", "19.98"), ("½", "9.99")])
async def test_what_was_shown_is_what_is_approved(server: RunningChat, tmp_path: Path, button: str, held: str) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        firm.prices.bid["WIFUSDC"] = Decimal(2)
        await until(lambda: firm.trading.market.price("WIFUSDC") == 2)
        await firm.signal("BUY_SM")
        question = await firm.owner.wait_for("trade this?")
        assert "Quantity: 20 WIF" in question.text
        await confirmed(firm.owner, await firm.owner.ask("/set TRADE_QUOTE 400"))
        firm.owner.press(question, next(one.text for one in question.buttons if one.text.startswith(button)))
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal(held))


async def test_of_several_the_first_counts_and_the_others_see_who(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        await firm.trader.ask("/start")
        while await firm.ledger.cursor(str(TRADER)) is None:  # noqa: ASYNC110 - the notifier tells nobody that it has begun
            await asyncio.sleep(0.01)
        await firm.signal("BUY_SM")
        questions = [await person.wait_for("trade this?") for person in (firm.owner, firm.trader)]
        token = next(iter(firm.portfolio.approvals))
        firm.trader.press(questions[1], "✅ Approve")
        await until(lambda: firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
        put_tap(firm, OWNER, f"ap:{token}:n", query_id="55")
        for person, question in zip((firm.owner, firm.trader), questions, strict=True):
            assert "Approved by Trader, " in (await person.wait_for("🟩 BUY_SM executed")).text
            await person.wait_until_gone(question)
        assert firm.portfolio.answered[token].decided_by == "Trader"


async def test_what_was_approved_while_paused_does_not_look_traded(server: RunningChat, tmp_path: Path) -> None:
    async with firm_on(server, tmp_path, mode=Mode.CONFIRM) as firm:
        await firm.signal("BUY_SM")
        question = await firm.owner.wait_for("trade this?")
        await firm.owner.ask("/pause")
        firm.owner.press(question, "✅ Approve")
        record = await firm.owner.wait_for_edit(question, "Not traded: trading is paused")
        assert record.text.startswith("🚫 BUY_SM: approved, but not traded")
