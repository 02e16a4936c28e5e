"""Several strategies in the chat: named where it matters, never guessed, paused and resumed, with results of their own."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from bot.views.book_names import book_name, book_words, strategy_words
from core.domain.messages import Message, SignalReceived
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook, strategy_number
from core.read_models import Selection
from local_telegram.server import RunningChat
from tests.bot.commands.test_acting import confirmed
from tests.bot.conftest import until
from tests.bot.firm import Firm, firm_on

WIF = "WIFUSDC"
DEFAULT, WAVES = StrategyBook(WIF), StrategyBook(WIF, "waves")


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program in which two strategies hold WIFUSDC."""
    async with firm_on(server, tmp_path) as running:
        await running.held()
        await signal(running, "BUY_SM", "waves")
        await until(lambda: running.portfolio.position(WAVES).is_open)
        await running.settled()
        yield running


async def signal(firm: Firm, kind: str, strategy: str) -> None:
    said = Signal(
        "kafka:signals", f"{kind} {strategy}", kind, WIF, firm.prices.bid[WIF], firm.clock.now(), {"strategy": strategy}
    )
    await firm.trading.inbox.deliver([Message(said.source, said.signal_id, WIF, SignalReceived(said), firm.clock.now())])


async def test_a_sale_asks_which_one_is_meant_and_one_tap_says_it(firm: Firm) -> None:
    asked = await firm.trader.ask("/sell WIFUSDC 60%")
    assert "Several strategies hold WIFUSDC: default, waves" in asked.text
    firm.trader.press(asked, "WIFUSDC @waves")
    question = await firm.trader.wait_for(lambda message: "✅ Confirm" in str(message))
    await confirmed(firm.trader, question)
    await until(lambda: firm.portfolio.position(WAVES).qty < firm.portfolio.position(DEFAULT).qty)
    assert firm.portfolio.position(WAVES).qty == Decimal(8)


async def test_a_strategy_can_be_said_and_an_unknown_one_is_no_other(firm: Firm) -> None:
    unknown = await firm.trader.ask("/close WIFUSDC @tides")
    assert "There is no strategy tides here. WIFUSDC is held by: default, waves" in unknown.text.replace("@", "")
    await confirmed(firm.trader, await firm.trader.ask("/close WIFUSDC @waves"))
    await until(lambda: not firm.portfolio.position(WAVES).is_open)
    assert firm.portfolio.position(DEFAULT).is_open
    assert "Several" not in (await firm.trader.ask("/close WIFUSDC")).text


async def test_a_panic_sells_all_of_them(firm: Firm) -> None:
    await confirmed(firm.trader, await firm.trader.ask("/panic"))
    await until(lambda: not firm.portfolio.open_positions())
    await firm.settled()
    assert not any(firm.portfolio.position(book).is_open for book in (DEFAULT, WAVES))


async def test_lists_and_alerts_name_it(firm: Firm) -> None:
    said = (await firm.owner.ask("/positions")).text
    assert "WIFUSDC @waves" in said
    assert "WIFUSDC @default" in said
    await signal(firm, "SELL_SM", "waves")
    await until(lambda: not firm.portfolio.position(WAVES).is_open)
    await firm.settled()
    assert "@" not in (await firm.owner.ask("/positions")).text
    listed = (await firm.owner.ask("/strategies")).text
    assert "Strategies: 2" in listed
    assert "Holds 19.98 WIF (WIFUSDC)" in listed


async def test_results_by_strategy_add_up_to_the_whole(firm: Firm) -> None:
    for strategy in ("waves", "default"):
        await signal(firm, "SELL_SM", strategy)
    await until(lambda: not firm.portfolio.open_positions())
    await firm.settled()
    said = (await firm.owner.ask("/pnl")).text
    assert "By strategy:" in said
    assert "waves" in said
    found = await firm.context.ledger.analytics.performance("strategy", Selection())
    days = await firm.context.ledger.queries.day_results("")
    assert {one.name for one in found} == {"default", "waves"}
    assert sum(one.profit for one in found) == sum(day.profit for day in days)


async def test_one_is_paused_and_resumed_by_role(firm: Firm) -> None:
    assert "paused" in (await firm.trader.ask("/strategies pause waves")).text
    assert "waves" in firm.portfolio.strategy_pauses
    assert "paused already" in (await firm.trader.ask("/strategies pause waves")).text
    assert "needs the role owner" in (await firm.trader.ask("/strategies resume waves")).text
    await firm.settled()
    await confirmed(firm.owner, await firm.owner.ask("/strategies resume waves"))
    await until(lambda: not firm.portfolio.strategy_pauses)
    assert "There is no strategy nobody" in (await firm.trader.ask("/strategies pause nobody")).text


async def test_a_setting_of_one_strategy_is_changed_in_numbers_and_undone(firm: Firm) -> None:
    assert "needs the role owner" in (await firm.trader.ask("/strategies waves STOP_LOSS_PCT 3")).text
    asked = await firm.owner.ask("/strategies waves TRADE_QUOTE 7.5")
    assert "TRADE_QUOTE: not set → 7.5 USDC" in asked.text
    await confirmed(firm.owner, asked)
    await until(lambda: firm.portfolio.limits_for(WAVES).trade_quote == Decimal("7.5"))
    assert firm.portfolio.limits_for(DEFAULT).trade_quote is None
    await confirmed(firm.owner, await firm.owner.ask("/strategies waves STOP_LOSS_PCT 3"))
    await until(lambda: firm.portfolio.limits_for(WAVES).stop_loss_pct == 3)
    shown = (await firm.owner.ask("/strategies waves")).text
    assert "TRADE_QUOTE entry size 7.5 USDC (" in shown
    assert "STOP_LOSS_PCT stop 3% below the entry (" in shown
    listed = (await firm.owner.ask("/strategies")).text
    assert "Set in the chat: TRADE_QUOTE, STOP_LOSS_PCT" in listed
    assert "strategy waves: STOP_LOSS_PCT: not set → 3" in (await firm.owner.ask("/audit")).text
    reset = await firm.owner.ask("/strategies waves reset")
    assert "TRADE_QUOTE: 7.5 USDC → not set" in reset.text
    assert "STOP_LOSS_PCT: 3 → not set" in reset.text
    await confirmed(firm.owner, reset)
    await until(lambda: not firm.portfolio.strategy_limits)
    assert "Nothing is set in the chat" in (await firm.owner.ask("/strategies waves reset")).text


async def test_buttons_lead_to_a_change_and_wrong_words_change_nothing(firm: Firm) -> None:
    shown = await firm.owner.ask("/strategies waves")
    firm.owner.press(shown, "/strategies waves STOP_LOSS_PCT")
    offered = await firm.owner.wait_for_edit(shown)
    assert "waves: STOP_LOSS_PCT not set" in offered.text
    firm.owner.press(offered, "/strategies waves STOP_LOSS_PCT 5")
    asked = await firm.owner.wait_for_edit(offered)
    assert "STOP_LOSS_PCT: not set → 5" in asked.text
    for said, answer in (
        ("STOP_LOSS_PCT 200", "“200” is not valid for STOP_LOSS_PCT"),
        ("DAILY_LOSS_LIMIT 5", "A strategy has no setting DAILY_LOSS_LIMIT"),
        ("STOP_LOSS_PCT default", "STOP_LOSS_PCT is already not set"),
        ("MAX_OPEN_POSITIONS 1 2", "is not valid for MAX_OPEN_POSITIONS"),
    ):
        assert answer in (await firm.owner.ask(f"/strategies waves {said}")).text
    assert not firm.portfolio.strategy_limits


async def test_what_was_confirmed_in_other_numbers_is_refused(firm: Firm) -> None:
    first = await firm.owner.ask("/strategies waves MAX_OPEN_POSITIONS 1")
    await confirmed(firm.owner, await firm.owner.ask("/strategies waves MAX_OPEN_POSITIONS 2"))
    await until(lambda: firm.portfolio.terms_for(WAVES).own_positions == 2)
    await confirmed(firm.owner, first, "have changed since you were asked")
    assert firm.portfolio.terms_for(WAVES).own_positions == 2
    await firm.settled()


@pytest.mark.parametrize("strategy", ["waves", "w" * 32, "волны по ветру и ещё что-то тут"])
def test_the_words_of_a_book_fit_a_button(strategy: str) -> None:
    book = StrategyBook("A" * 20, strategy)
    assert len(f"/protect {book_words(book)} stop breakeven".encode()) <= 64
    assert len(f"/strategies {strategy_words(strategy)} TRAILING_ACTIVATION_PCT default".encode()) <= 64
    assert strategy in book_words(book) or f"#{strategy_number(strategy)}" in book_words(book)
    assert book_name(StrategyBook("WIFUSDC")) == book_words(StrategyBook("WIFUSDC")) == "WIFUSDC"
