"""Every command over HTTP: its answer, also when a part is down, and what it puts into the inbox."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.commands import COMMANDS
from bot.commands.health import clock_line
from core.domain.day_result import DayResult
from core.domain.instrument import Balance
from core.domain.messages import ControlsRequested
from core.domain.position import Position, Trade
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode, Pause
from core.records.commit_batch import CommitBatch
from local_telegram.model import Message as Said
from local_telegram.server import RunningChat
from tests.bot.conftest import Bot, bot_on, until
from tests.bot.parts import NOON, OWNER, STRANGER, TRADER, VIEWER, FastClock, Office, approval, came, executed, signal


async def test_status_is_one_screen_of_everything(bot: Bot) -> None:
    bot.office.portfolio.trading_state = type(bot.office.portfolio.trading_state)(Pause.ENTRIES, Mode.CONFIRM)
    bot.office.portfolio.approvals["t"] = approval("t")
    text = (await bot.owner.ask("/status")).text
    for said in (
        "trading: PAPER",
        "no real money",
        "up 3 h 12 min",
        "Entries are PAUSED",
        "Mode: confirm",
        "Open positions: 1",
        "WIFUSDC 19.98 WIF = 9.99 USDC, +3.95%",
        "Today: no closed trades yet; unrealised: +0.38 USDC",
        "approvals 1, orders 0, messages 0, alerts 0",
        "✅ Kafka: reading",
        "❌ The exchange: no <answer>",
        "max order 1,000 USDC",
    ):
        assert said in text
    assert len(text.splitlines()) < 25


@pytest.mark.parametrize(
    ("standbys", "english", "russian"),
    [
        (["process 2 on <b>"], "\nActive: process 1 on desk. Standby: process 2 on <b>\n", "В резерве: process 2 on <b>"),
        ([], "\nActive: process 1 on desk. Standby: none\n", "Торгует: process 1 on desk. В резерве: никого"),
    ],
)
async def test_status_names_the_active_process_and_its_standby(bot: Bot, standbys: list[str], english: str, russian: str) -> None:
    bot.office.standbys = standbys
    assert english in (await bot.owner.ask("/status")).text
    await bot.owner.ask("/lang ru")
    assert russian in (await bot.owner.ask("/status")).text


async def test_status_names_no_standby_where_there_can_be_none(bot: Bot) -> None:
    assert "Standby" not in (await bot.owner.ask("/status")).text


async def test_status_tells_what_is_realised_from_what_is_not(bot: Bot) -> None:
    sold = replace(executed(Side.SELL).execution, executed_at=bot.office.context.clock.now(), profit_quote=Decimal("1.5"))
    bot.office.portfolio.apply(CommitBatch(executions=[sold]))
    assert "Realised today: +1.50 USDC; unrealised: +0.38 USDC" in (await bot.owner.ask("/status")).text
    await bot.owner.ask("/lang ru")
    assert "Реализовано сегодня: +1,50 USDC; нереализовано: +0,38 USDC" in (await bot.owner.ask("/status")).text


async def test_status_answers_with_the_ledger_and_the_exchange_down(bot: Bot) -> None:
    bot.office.ledger.down = bot.office.exchange.down = True
    text = (await bot.owner.ask("/status")).text
    assert "Open positions: 1" in text


async def test_positions_tell_cost_price_profit_and_since(bot: Bot) -> None:
    bot.office.portfolio.positions[StrategyBook("DUSTUSDC")] = Position("DUSTUSDC", Decimal("0.004"), Decimal("0.002"))
    text = (await bot.owner.ask("/positions")).text
    assert "WIFUSDC: 19.98 WIF" in text
    assert "Entry 0.480981, now 0.5000" in text
    assert "P&L +3.95% (+0.38 USDC)" in text
    assert "(2 h)" in text
    assert "Too small to sell: 0.004 DUSTUSDC" in text


async def test_an_old_price_is_shown_with_its_age(server: RunningChat) -> None:
    clock = FastClock()
    office = await Office(clock).with_position()
    clock.skip(90)
    async with bot_on(server, office) as bot:
        assert "now 0.5000 (1 min 30 s ago)" in (await bot.owner.ask("/positions")).text


async def test_health_in_both_languages_with_lag_and_clock(bot: Bot) -> None:
    office = bot.office
    office.health = lambda: {
        "kafka": (True, "reading trading_signals, 3 partition(s)"),
        "exchange": (False, "HTTP 418: <banned>"),
        "instruments": (True, "2 symbols loaded"),
        "ledger": (True, "migrated"),
        "telegram": (True, "alerts go out"),
    }
    assert "Kafka lag: unknown" in (await bot.owner.ask("/health")).text
    office.lag, office.clock_offset = 12, 0.1304
    live = replace(office.context, exchange=replace(office.context.exchange, trading_mode="live"))
    assert [clock_line(replace(live, language=language)) for language in ("en", "ru")] == [
        "Clock: 130 ms behind the exchange",
        "Часы: отстают от биржи на 130 мс",
    ]
    office.clock_offset = -0.002
    assert clock_line(live) == "Clock: 2 ms ahead of the exchange"
    await bot.owner.ask("/lang ru")
    text = (await bot.owner.ask("/health")).text
    for said in (
        "✅ Kafka: читаю trading_signals, партиций: 3",
        "❌ Биржа: HTTP 418: <banned>",
        "✅ Правила пар: загружено пар: 2",
        "✅ Telegram: работает, оповещения уходят",
        "Лаг Kafka: 12 записей",
    ):
        assert said in text


async def test_no_position_is_said(bot: Bot) -> None:
    bot.office.portfolio.positions.clear()
    assert (await bot.owner.ask("/positions")).text == "No open positions."


async def test_pnl_sums_days_by_quote_asset(bot: Bot) -> None:
    today = bot.office.context.clock.now().date()
    days = [(today, "USDC", "1.5", 3, 2), (today - timedelta(days=6), "USDC", "-0.5", 1, 0), (today, "BTC", "0.00012", 1, 1)]
    bot.office.ledger.results = [
        DayResult(day.isoformat(), quote, Decimal(profit), exits, wins) for day, quote, profit, exits, wins in days
    ]
    bot.office.ledger.results.append(DayResult("2020-01-01", "USDC", Decimal(-7), 1, 0))
    assert "+1.50 USDC\nClosed trades: 3, win rate 67% (2/3)" in (await bot.owner.ask("/pnl")).text
    week = (await bot.owner.ask("/pnl 7D")).text
    assert "P&L, 7 days" in week
    assert "+0.00012 BTC" in week
    assert "+1.00 USDC\nClosed trades: 4, win rate 50% (2/4)" in week
    assert "-6.00 USDC" in (await bot.owner.ask("/pnl all")).text


async def test_trades_and_signals_tell_what_became_of_them(bot: Bot) -> None:
    closed, qty, cost, proceeds = NOON + timedelta(minutes=5), Decimal(20), Decimal("9.6"), Decimal("10.4")
    earned, per_cent, gross = Decimal("0.8"), Decimal("8.3"), Decimal("0.9")
    trade = Trade("t", "WIFUSDC", NOON, closed, qty, cost, proceeds, earned, per_cent, gross, "USDC", "paper")
    bot.office.ledger.trades = [trade] * 3
    bot.office.ledger.signals = [
        came(signal("BUY_<i>"), "denied", "paused"),
        came(signal(), None),
        came(signal("SELL_SM"), "executed"),
        came(signal("SELL_SM"), "withdrawn", "approval_withdrawn", signal_type="BUY_SM"),
    ]
    text = (await bot.owner.ask("/trades 2")).text
    assert text.splitlines()[0] == "Recent trades (UTC)"
    assert (await bot.owner.ask("/signals")).text.splitlines()[0] == "Recent signals (UTC)"
    assert text.splitlines()[1:] == ["24 Nov 12:05 ➕ WIFUSDC 20: +8.30%, +0.80 USDC after 5 min"] * 2
    assert (await bot.owner.ask("/signals")).text.splitlines()[1:] == [
        "24 Nov 12:00 🚫 BUY_<i> WIFUSDC 0.4801: denied, trading is paused",
        "24 Nov 12:00 ⏳ BUY_SM WIFUSDC 0.4801: queued",
        "24 Nov 12:00 ✅ SELL_SM WIFUSDC 0.4801: executed",
        "24 Nov 12:00 ↩️ SELL_SM WIFUSDC 0.4801: withdrawn: BUY_SM came before an answer",
    ]


async def test_balance_comes_from_the_exchange_or_with_its_age(bot: Bot) -> None:
    text = (await bot.owner.ask("/balance")).text
    assert "Amount, and value in USDC:\nUSDC  990.39  990.39\nWIF    20.98   10.49\n" in text
    assert "In orders: 1 WIF\nTotal: 1,000.88 USDC" in text
    bot.office.exchange.down = True
    assert "No earlier balance is known" in (await bot.owner.ask("/balance")).text
    bot.office.portfolio.balances = bot.office.exchange.held
    bot.office.portfolio.balances_at = bot.office.context.clock.now() - timedelta(minutes=7)
    shown = await bot.owner.ask("/balance")
    text = shown.text
    assert "Binance isn't responding: connection refused" in text
    assert "Last known, 7 min ago:\nAmount, and value in USDC:\nUSDC  990.39" in text
    bot.office.exchange.down = False
    bot.office.exchange.held = {"USDC": Balance("USDC", Decimal("0.5")), "ODD": Balance("ODD", Decimal(3))}
    bot.owner.press(shown, "🔄 Refresh")
    text = (await bot.owner.wait_for_edit(shown, "Total: 0.50 USDC")).text
    assert "USDC  0.5  0.50\nODD   3    –" in text
    assert "Not in the total, no price: ODD" in text


@pytest.mark.parametrize("command", ["/pnl", "/trades", "/signals"])
async def test_what_only_the_ledger_knows_is_said_to_be_out_of_reach(bot: Bot, command: str) -> None:
    bot.office.ledger.down = True
    assert (await bot.owner.ask(command)).text == "The database isn't responding, so this can't be shown right now."


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        ("/pnl <yesterday>", "/pnl [today|7d|30d|month|all]"),
        ("/trades 0", "/trades [1-20] [SYMBOL]"),
        ("/trades ٣", "/trades [1-20] [SYMBOL]"),
        ("/signals many", "/signals [1-20]"),
        ("/pause forever", "/pause [all|entries] [for 2h]"),
        ("/resume now", "/resume"),
        ("/mode yolo", "/mode [auto|confirm|observe] [above 100] [except BUY_SM,…]"),
    ],
)
async def test_a_bad_argument_gets_what_is_accepted(bot: Bot, said: str, usage: str) -> None:
    reply = (await bot.owner.ask(said)).text
    command, _, argument = said.partition(" ")
    lines = reply.splitlines()
    assert lines[0] == f"“{argument}” is not valid here. Usage: {usage}"
    assert "[" not in usage or lines[1].startswith(f"For example: {command} ")
    assert bot.office.trading.handled == []


async def test_an_unknown_command_gets_the_nearest(bot: Bot) -> None:
    reply = await bot.owner.ask("/statsu")
    assert reply.text == "Unknown command /statsu. Did you mean /stats, /status, /start?"
    bot.owner.press(reply, "/status")
    assert "Open positions" in (await bot.owner.wait_for_edit(reply)).text
    assert (await bot.owner.ask("/xyzzy")).text == "Unknown command /xyzzy. /help lists all commands."
    assert "/help" in (await bot.owner.ask("hello there")).text


async def test_help_and_menu_are_the_list(bot: Bot) -> None:
    shown = await bot.owner.ask("/help")
    assert all(f"/{command.name}" in shown.text for command in COMMANDS)
    bot.owner.press(shown, "Trade")
    assert (
        "/buy SYMBOL [50 | 20 WIF] [stop 5%] [target 10%] [trail 2%] [steps 3% 6%]: buy manually (trader)"
        in (await bot.owner.wait_for_edit(shown)).text
    )
    assert "/pause" not in (await bot.person(VIEWER).ask("/help")).text
    await until(lambda: bool(bot.room.profile.commands_for(OWNER, "en")))
    menu = [entry["command"] for entry in bot.room.profile.commands_for(OWNER, "en")]
    assert menu == [command.name for command in COMMANDS]


async def test_each_has_the_menu_of_their_role_in_their_language(bot: Bot) -> None:
    profile, viewer = bot.room.profile, bot.person(VIEWER)
    await viewer.ask("/start")
    await until(lambda: bool(profile.commands_for(VIEWER, "en")))
    assert "pause" not in [entry["command"] for entry in profile.commands_for(VIEWER, "en")]
    await viewer.ask("/lang ru")
    russian = "обзор на одном экране"
    await until(lambda: profile.commands_for(VIEWER, "en")[0]["description"] == russian)
    assert profile.commands_for(OWNER, "en")[0]["description"] != russian
    assert profile.commands_for(STRANGER, "en") == []


@pytest.mark.parametrize(
    ("said", "pause", "told"),
    [("/pause", Pause.ALL, "Trading is PAUSED"), ("/pause entries", Pause.ENTRIES, "Entries are PAUSED")],
)
async def test_pause_and_resume_go_through_the_inbox(bot: Bot, said: str, pause: Pause, told: str) -> None:
    assert told in (await bot.person(TRADER).ask(said)).text
    assert bot.office.portfolio.trading_state.pause is pause
    (message,) = bot.office.trading.handled
    assert (message.source, message.mailbox) == ("telegram", "")
    assert message.source_id.startswith("message:")
    assert message.body == ControlsRequested(TRADER, "Trader", pause=pause)
    asked = await bot.owner.ask("/resume")
    bot.owner.press(asked, "✅ Confirm")
    assert "Not paused" in (await bot.owner.wait_for_edit(asked)).text
    assert bot.office.portfolio.trading_state.pause is Pause.OFF


async def test_mode_has_a_button_for_each_and_the_message_becomes_the_answer(bot: Bot) -> None:
    shown = await bot.owner.ask("/mode")
    assert [button.text for button in shown.buttons] == ["● auto", "confirm", "observe"]
    await bot.owner.wait_for_answer(bot.owner.press(shown, "confirm"))
    edited = await bot.owner.wait_for_edit(shown, "Mode: confirm")
    assert [button.text for button in edited.buttons] == ["auto", "● confirm", "observe"]
    assert bot.office.portfolio.trading_state.mode is Mode.CONFIRM
    assert "Mode: observe" in (await bot.owner.ask("/mode observe")).text


async def test_the_same_update_brought_again_is_one_message(bot: Bot) -> None:
    updates = bot.room.updates
    sent = bot.owner.send("/pause")
    update_id = updates._last_id
    first = await bot.owner.wait_for("PAUSED")
    asked = await bot.owner.ask("/resume")
    bot.owner.press(asked, "✅ Confirm")
    await bot.owner.wait_for_edit(asked, "Not paused")
    await bot.owner.wait_for("On the keyboard below")
    updates._last_id = update_id - 1  # as if Telegram had not learned that it arrived
    updates.put("message", bot.room.as_json(sent))
    again = await bot.owner.wait_for(lambda message: True, after=bot.owner.received[-1])
    assert "Not paused" in again.text
    assert "PAUSED" in first.text
    assert len(bot.office.trading.handled) == 2


async def test_an_ailing_ledger_changes_nothing_and_is_said(bot: Bot) -> None:
    bot.office.ledger.down = True
    assert "Nothing changed" in (await bot.owner.ask("/pause")).text
    assert bot.office.portfolio.trading_state.pause is Pause.OFF


async def test_what_takes_long_is_said_to_be_taken_and_is_done_later(server: RunningChat) -> None:
    office = Office(FastClock(speed=50))
    office.trading.hold = asyncio.Event()
    async with bot_on(server, office) as bot:
        assert "Accepted, but not done yet" in (await bot.owner.ask("/pause")).text
        assert "No open positions" in (await bot.owner.ask("/positions")).text
        office.trading.hold.set()
        await until(lambda: office.portfolio.trading_state.pause is Pause.ALL)


async def test_an_error_in_a_command_is_said_in_a_sentence(bot: Bot) -> None:
    def broken() -> dict[str, tuple[bool, str]]:
        raise ZeroDivisionError

    bot.office.health = broken
    assert "Something went wrong" in (await bot.owner.ask("/status")).text
    assert "No open positions" not in (await bot.owner.ask("/positions")).text


async def test_everything_can_be_had_in_russian(server: RunningChat) -> None:
    async with bot_on(server, await Office(FastClock(), language="ru").with_position()) as bot:
        answers: list[Said] = [await bot.person(OWNER).ask(f"/{command.name}") for command in COMMANDS]
        assert "Открытых позиций: 1" in answers[0].text
        assert all(any("а" <= letter <= "я" for letter in answer.text) for answer in answers)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("status", "/status"),
        ("what positions do I have", "/positions"),
        ("Сделки", "/trades"),
        ("/статус", "/status"),
        ("/pause_", "/pause"),
        ("what is the weather", None),
        ("12345", None),
    ],
)
async def test_a_plain_word_is_taken_for_a_suggestion_only(bot: Bot, said: str, meant: str | None) -> None:
    answer = await bot.owner.ask(said)
    assert [button.data for button in answer.buttons][:1] == ([meant] if meant else [])
    assert bot.office.trading.handled == []


async def test_users_are_shown_by_the_name_they_have(bot: Bot) -> None:
    await bot.person(TRADER).ask("/status")
    listed = (await bot.owner.ask("/users")).text
    assert f"Trader ({TRADER}): trader" in listed
    assert f"{VIEWER}: viewer" in listed


async def test_a_position_that_the_exchange_knows_no_more_is_shown_as_that(bot: Bot) -> None:
    bot.office.exchange.delisted = True
    await bot.office.market.load_instruments(["WIFUSDC"])
    shown = (await bot.owner.ask("/positions")).text
    assert "19.98 WIF" in shown
    assert "The exchange no longer lists this symbol (delisted?). /accept WIFUSDC writes the position off" in shown
