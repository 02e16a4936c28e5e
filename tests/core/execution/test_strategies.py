"""Several strategies in one symbol: each has its own position, plan and exit, and sells no other's coins."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.domain.events.protection import ProtectionFailed
from core.domain.exit_plan import Level, Target
from core.domain.messages import StrategyLimitRequested, StrategyRequested
from core.domain.signal import Signal
from core.domain.strategy_book import StrategyBook, strategy_number, strategy_of
from core.domain.strategy_limit import SettingChange
from core.domain.trade_plan import PlanState
from core.domain.trading_state import Mode
from core.policy.strategy_settings import EVERY, Override, StrategySettings
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World

WIF = "WIFUSDC"
WAVES, TIDES = StrategyBook(WIF, "waves"), StrategyBook(WIF, "tides")


async def say(world: World, kind: str, strategy: str, *, symbol: str = WIF, close: str = "0.48") -> MessageOutcome:
    signal = replace(world.signal(kind, symbol=symbol, close=close), extra={"strategy": strategy})
    outcome = await world.clock.run(world.inbox.ask(world.said(signal)))
    assert outcome is not None
    return outcome


def code(outcome: MessageOutcome) -> str:
    return outcome.reason.code if outcome.reason is not None else outcome.outcome


async def test_each_strategy_holds_and_sells_its_own(world: World, ledger: MemoryLedger) -> None:
    for strategy in ("waves", "tides"):
        assert code(await say(world, "BUY_SM", strategy)) == "ordered"
    assert code(await say(world, "BUY_SM", "waves")) == "in_position"
    assert {book: one.qty for book, one in world.portfolio.positions.items()} == {
        WAVES: Decimal("19.98"),
        TIDES: Decimal("19.98"),
    }
    assert code(await say(world, "SELL_SM", "waves")) == "ordered"
    assert not world.portfolio.position(WAVES).is_open
    assert world.portfolio.position(TIDES).qty == Decimal("19.98")
    assert [row.strategy for row in ledger.executions.values()] == ["waves", "tides", "waves"]


async def test_a_sale_of_a_strategy_that_holds_nothing_leaves_others_alone_and_names_them(world: World) -> None:
    await say(world, "BUY_SM", "waves")
    outcome = await say(world, "SELL_SM", "tides")
    assert code(outcome) == "held_by_others"
    assert outcome.reason is not None
    assert outcome.reason.params == {"base": "WIF", "strategy": "tides", "others": "waves"}
    assert code(await world.say("SELL_SM") or outcome) == "held_by_others"
    assert world.portfolio.position(WAVES).is_open


async def test_each_strategy_has_its_plan_and_its_orders(open_world: OpenWorld, restart: Restart, ledger: MemoryLedger) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await say(world, "BUY_SM", "waves")
    await say(world, "BUY_SM", "tides")
    assert {one.book for one in world.portfolio.plans.values()} == {WAVES, TIDES}
    assert {world.portfolio.protected(book) for book in (WAVES, TIDES)} == {Decimal("19.98")}
    again = await restart(world, ledger)
    await say(again, "SELL_SM", "waves")
    assert again.portfolio.resting_for(WAVES) == []
    assert again.portfolio.protected(TIDES) == Decimal("19.98")
    assert again.portfolio.plans[TIDES].state is PlanState.GUARDED


async def test_what_does_not_fit_beside_other_strategies_is_watched_and_told(open_world: OpenWorld, ledger: MemoryLedger) -> None:
    targets = tuple(Target(Level(pct=Decimal(5 + at)), Decimal(20)) for at in range(5))
    world = await open_world(stop_loss_pct=Decimal(5), take_profit_pct=targets, trade_qty=Decimal(300))
    await say(world, "BUY_SM", "waves")
    assert world.portfolio.plans[WAVES].state is PlanState.GUARDED, "five stops are as many as a symbol takes"
    await say(world, "BUY_SM", "tides")
    assert world.portfolio.plans[TIDES].state is PlanState.EXPOSED
    (told,) = [event for event in ledger.events if isinstance(event, ProtectionFailed)]
    assert (told.strategy, told.why.code) == ("tides", "stops_full")
    world.venue.prices[WIF] = Decimal("0.44")
    await world.clock.forward(10)
    assert not world.portfolio.position(TIDES).is_open, "watched here, and sold at its stop"


async def test_losses_in_a_row_stop_the_strategy_that_has_them(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    world = await open_world(max_losing_exits=1)
    await say(world, "BUY_SM", "waves")
    world.venue.prices[WIF] = Decimal("0.47")
    await world.clock.forward(5)
    await say(world, "SELL_SM", "waves", close="0.47")
    assert code(await say(world, "BUY_SM", "waves", close="0.47")) == "losing_exits"
    one = await restart(world, ledger)
    assert code(await say(one, "BUY_SM", "waves", close="0.47")) == "losing_exits"
    assert one.portfolio.record.losing_exits == {"waves": 1}
    assert code(await say(one, "BUY_SM", "tides", close="0.47")) == "ordered"


async def test_positions_are_counted_by_strategy(open_world: OpenWorld) -> None:
    world = await open_world(max_open_positions=2)
    for strategy in ("waves", "tides"):
        await say(world, "BUY_SM", strategy)
    assert code(await say(world, "BUY_SM", "third")) == "open_positions"


async def test_a_paused_strategy_enters_nothing_and_still_leaves(world: World, restart: Restart, ledger: MemoryLedger) -> None:
    await say(world, "BUY_SM", "waves")
    pause = world.message(StrategyRequested("waves", True, 7, "Ann"), "")
    assert (await world.clock.run(world.inbox.ask(pause))) is not None
    assert code(await say(world, "BUY_SM", "waves", symbol="SOLUSDC", close="1.5")) == "strategy_paused"
    one = await restart(world, ledger)
    assert code(await say(one, "BUY_SM", "waves", symbol="SOLUSDC", close="1.5")) == "strategy_paused"
    assert code(await say(one, "BUY_SM", "tides")) == "ordered"
    assert code(await say(one, "SELL_SM", "waves")) == "ordered"
    await one.clock.run(one.inbox.ask(one.message(StrategyRequested("waves", False, 7, "Ann"), "")))
    assert code(await say(one, "BUY_SM", "waves")) == "ordered"


async def test_settings_of_a_strategy_and_of_a_symbol_hold_for_it_alone(open_world: OpenWorld) -> None:
    world = await open_world(trade_qty=Decimal(20))
    world.portfolio.strategy_settings = StrategySettings(
        {
            StrategyBook(EVERY, "waves"): Override({"trade_quote": Decimal(48)}, own_positions=1),
            StrategyBook(WIF, EVERY): Override({"trade_qty": Decimal(30)}),
            TIDES: Override({"trade_qty": Decimal(40)}, Mode.CONFIRM),
        },
        frozenset({"waves", "tides"}),
    )
    await world.say("BUY_SM")
    await say(world, "BUY_SM", "waves")
    bought = {book.strategy: one.qty for book, one in world.portfolio.positions.items()}
    assert bought["default"] == Decimal("29.97")
    assert Decimal(90) < bought["waves"] < Decimal(100), "48 USDC at the edge of the band"
    assert code(await say(world, "BUY_SM", "waves", symbol="SOLUSDC", close="1.5")) == "own_positions"
    assert code(await say(world, "BUY_SM", "tides")) == "awaiting_approval"
    assert world.portfolio.approval_for(TIDES) is not None
    assert world.portfolio.approval_for(WAVES) is None


async def test_an_entry_beside_what_rests_ends_itself_before_that(open_world: OpenWorld) -> None:
    world = await open_world(take_profit_pct=(Target(Level(pct=Decimal(10)), Decimal(100)),))
    rules = world.venue.rules[WIF]
    world.venue.rules[WIF] = replace(rules, resting=replace(rules.resting, may_expire_taker=True))
    await world.clock.run(world.market.load_instruments(None))
    await say(world, "BUY_SM", "waves")
    await say(world, "BUY_SM", "tides")
    assert [request.spares_ours for request in world.venue.placed if request.side == "BUY"] == [False, True]


async def test_what_is_missing_is_written_off_the_largest_position_first(world: World) -> None:
    await say(world, "BUY_SM", "waves")
    held = world.portfolio.position(WAVES)
    world.portfolio.positions[TIDES] = replace(held, strategy="tides", qty=Decimal(5), cost=Decimal(2))
    after = await world.clock.run(world.trading.symbol_halts._as_there_is(WIF, world.market.instrument(WIF)))
    assert [(one.book, one.qty) for one in after] == [(WAVES, Decimal("14.98"))], "24.98 in the ledger, 19.98 there"


@pytest.mark.parametrize("strategy", ["waves", "волны", "w" * 32])
def test_a_strategys_number_is_one_that_the_exchange_takes_and_names_it_again(strategy: str) -> None:
    number = strategy_number(strategy)
    assert number is not None
    assert 1_000_000 <= number < 2**31
    assert strategy_of(number, ["tides", strategy]) == strategy
    assert strategy_of(number, ["tides"]) == strategy_of(None, ["tides"]) == "default"


def test_the_default_strategy_needs_no_number() -> None:
    assert strategy_number("default") is None


def test_an_order_belongs_to_the_book_of_its_signal() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    signal = Signal("kafka:t", "1", "BUY_SM", WIF, Decimal(1), now, {"strategy": "waves"})
    assert (signal.book, replace(signal, extra={}).book) == (WAVES, StrategyBook(WIF, "default"))


async def test_what_the_chat_sets_for_a_strategy_goes_before_the_file_and_survives_a_restart(
    open_world: OpenWorld, restart: Restart, ledger: MemoryLedger
) -> None:
    file = StrategySettings(
        {
            StrategyBook(EVERY, "waves"): Override({"trade_quote": Decimal(24)}, own_positions=1),
            WAVES: Override({"trade_quote": Decimal(36)}),
        },
        frozenset({"waves", "tides"}),
    )
    world = await open_world(trade_qty=Decimal(20))
    world.portfolio.strategy_settings = file
    assert await sets(world, "TRADE_QUOTE", "48", SettingChange("TRADE_QUOTE", "24", "48")) == "done"
    assert await sets(world, "MAX_OPEN_POSITIONS", "2", SettingChange("MAX_OPEN_POSITIONS", "1", "2")) == "done"
    assert await sets(world, "STOP_LOSS_PCT", "3", SettingChange("STOP_LOSS_PCT", "5", "3")) == "settings_changed"
    assert await sets(world, "DAILY_LOSS_LIMIT", "9", SettingChange("DAILY_LOSS_LIMIT", "5", "9")) == "bad_limit"
    one = await restart(world, ledger)
    one.portfolio.strategy_settings = file
    assert code(await say(one, "BUY_SM", "waves")) == "ordered"
    assert Decimal(90) < one.portfolio.position(WAVES).qty < Decimal(100), "48 USDC, not the 36 of the file"
    assert code(await say(one, "BUY_SM", "waves", symbol="SOLUSDC", close="1.5")) == "ordered"
    assert one.portfolio.limits_for(TIDES).trade_quote is None
    undone = (SettingChange("MAX_OPEN_POSITIONS", "2", "1"), SettingChange("TRADE_QUOTE", "48", "24"))
    assert await sets(one, "", None, *undone) == "done"
    assert one.portfolio.strategy_limits == {}
    assert (await restart(one, ledger)).portfolio.strategy_limits == {}


async def sets(world: World, name: str, value: str | None, *changes: SettingChange) -> str:
    """Returns what became of a setting of waves, or why it was refused."""
    body = StrategyLimitRequested("waves", name, value, changes, 7, "Ann")
    outcome = await world.clock.run(world.inbox.ask(world.message(body, "")))
    assert outcome is not None
    return code(outcome)
