"""Halts: where ledger and exchange disagree nothing is traded, until the owner accepts it or the difference goes away."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted, SymbolResumed
from core.domain.instrument import Balance
from core.domain.messages import AcceptRequested
from core.domain.order import ExecutionReport
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.records.message_outcome import MessageOutcome
from tests.core.conftest import OpenWorld, Restart
from tests.core.engine.test_order_executor import became
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import Course
from tests.core.virtual_time import NOON
from tests.core.world import World, instrument

FOREIGN = ExecutionReport("web_1", "77", "WIFUSDC", Side.SELL, OrderState.FILLED, Decimal(5), Decimal("2.4"), NOON, ())


async def compare(world: World) -> None:
    world.trading.compare()
    await world.clock.forward(10)


async def accept(world: World, symbol: str = "WIFUSDC") -> MessageOutcome:
    return await world._ask(AcceptRequested(symbol, 7, "Ann"), symbol)


def told(ledger: MemoryLedger) -> list[str]:
    return [event.kind for event in ledger.events if isinstance(event, SymbolHalted | SymbolResumed | HaltAccepted)]


async def test_what_agrees_is_not_held(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(100)  # the owner's own coins
    world.venue.foreign.append(FOREIGN)  # and the owner's own order
    await compare(world)
    assert ledger.holds == {}


async def test_coins_sold_elsewhere_hold_the_symbol_and_are_told_once(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(-12)
    for _ in range(3):
        await compare(world)
    assert told(ledger) == ["symbol_held"]
    outcome = await world.say("BUY_SM")
    assert became(outcome) == ("denied", "held")
    assert outcome is not None
    assert "entries in WIFUSDC are halted: ledger and exchange disagree" in str(outcome.reason)
    assert became(await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")
    assert len(world.venue.placed) == 2


async def held_back(world: World) -> None:
    """Sells 6 of the 19.98 WIF elsewhere."""
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(-6)
    await compare(world)


async def test_an_exit_of_a_halted_symbol_sells_what_is_free(world: World) -> None:
    await held_back(world)
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    assert world.venue.placed[-1].qty == Decimal("13.98")
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal(6)


async def test_an_exit_where_nothing_is_free_waits_and_says_so(world: World) -> None:
    await held_back(world)
    world.venue.more["WIF"] = Decimal("-19.98")
    assert became(await world.say("SELL_SM")) == ("put_off", "nothing_free")
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    world.venue.more.clear()
    await world.clock.forward(60)
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == 0


async def test_an_exit_of_a_halted_symbol_never_sells_more_than_the_ledger_holds(world: World) -> None:
    await held_back(world)
    world.venue.more["WIF"] = Decimal(1000)
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    assert world.venue.placed[-1].qty == Decimal("19.98")


async def test_an_exit_of_a_halted_symbol_goes_on_where_nobody_can_say_what_is_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await held_back(world)

    async def away() -> Mapping[str, Balance]:
        raise ExchangeUnavailable("no route to host")

    monkeypatch.setattr(world.trading.decisions.funds, "balances", away)
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    assert world.venue.placed[-1].qty == Decimal("19.98")


async def test_a_difference_that_goes_away_lets_the_symbol_go(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(-12)
    await compare(world)
    world.venue.more.clear()
    await compare(world)
    assert told(ledger) == ["symbol_held", "symbol_released"]
    assert became(await world.say("SELL_SM")) == ("ordered", "")


async def test_the_owner_takes_the_exchanges_word(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    cost = world.portfolio.position(StrategyBook("WIFUSDC")).cost
    world.venue.more["WIF"] = Decimal("-7.98")
    await compare(world)
    assert became(await accept(world)) == ("done", "")
    position = world.portfolio.position(StrategyBook("WIFUSDC"))
    assert position.qty == Decimal(12)
    accepted = ledger.events[-1]
    assert isinstance(accepted, HaltAccepted)
    assert accepted.missing == Decimal("7.98")
    assert accepted.cost + position.cost == cost
    assert (accepted.hold.lifted_by, accepted.base, accepted.quote) == ("Ann", "WIF", "USDC")
    await compare(world)
    assert told(ledger) == ["symbol_held", "hold_accepted"]
    assert became(await world.say("SELL_SM", close="0.48")) == ("ordered", "")
    assert world.venue.placed[-1].qty == Decimal(12)


async def test_what_was_accepted_and_comes_again_is_held_again(world: World, ledger: MemoryLedger) -> None:
    for _ in range(2):
        await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
        world.venue.more["SOL"] = world.venue.more.get("SOL", Decimal(0)) - Decimal("19.98")
        await compare(world)
        await accept(world, "SOLUSDC")
        await compare(world)
    assert told(ledger) == ["symbol_held", "hold_accepted"] * 2


async def test_all_sold_elsewhere_leaves_no_position(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(-1000)
    await compare(world)
    await accept(world)
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert became(await world.say("SELL_SM")) == ("ignored", "no_position")
    assert became(await world.say("BUY_SM")) == ("ordered", "")


async def test_a_hold_survives_a_restart_and_is_not_told_again(world: World, ledger: MemoryLedger, restart: Restart) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(-12)
    await compare(world)
    again = await restart(world, ledger)
    await again.clock.forward(10)
    assert told(ledger) == ["symbol_held"]
    world.venue.more["WIF"] = Decimal(-6)
    assert became(await again.say("BUY_SM")) == ("denied", "held")
    assert became(await again.say("SELL_SM")) == ("ordered", "")


async def test_nothing_is_accepted_where_nothing_is_held(world: World) -> None:
    await world.say("BUY_SM")
    assert became(await accept(world)) == ("ignored", "not_held")
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")


async def test_a_bug_in_the_comparison_does_not_stop_trading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.say("BUY_SM")
    monkeypatch.setattr("core.engine.symbol_halts.sort_orders", lambda *_: 1 / 0)
    await compare(world)
    assert became(await world.say("SELL_SM")) == ("ordered", "")


async def test_an_exchange_that_cannot_be_asked_holds_nothing(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.unavailable = True
    await compare(world)
    assert ledger.holds == {}


async def test_an_order_under_way_elsewhere_in_the_same_asset_is_waited_for(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.rules["WIFUSDT"] = replace(world.venue.rules["WIFUSDC"], symbol="WIFUSDT", quote="USDT")
    world.venue.rules["USDCUSDT"] = instrument("USDC", "USDT")
    world.venue.prices |= {"WIFUSDT": Decimal("0.48"), "USDCUSDT": Decimal(1)}
    await world.clock.run(world.market.load_instruments(None))
    world.venue.next(Course(final_after=30))
    await world.inbox.deliver([world.said(world.signal("BUY_SM", symbol="WIFUSDT"))])
    await world.clock.quiet()
    await compare(world)
    assert ledger.holds == {}


async def test_nothing_is_accepted_while_an_order_in_the_same_coin_is_under_way(world: World, ledger: MemoryLedger) -> None:
    world.venue.rules["WIFUSDT"] = replace(world.venue.rules["WIFUSDC"], symbol="WIFUSDT", quote="USDT")
    world.venue.rules["USDCUSDT"] = instrument("USDC", "USDT")
    world.venue.prices |= {"WIFUSDT": Decimal("0.48"), "USDCUSDT": Decimal(1)}
    await world.clock.run(world.market.load_instruments(None))
    await world.say("BUY_SM")
    await world.say("BUY_SM", symbol="WIFUSDT")
    world.venue.more["WIF"] = Decimal(-1)
    await compare(world)
    world.venue.next(Course(final_after=30))
    await world.inbox.deliver([world.said(world.signal("SELL_SM", symbol="WIFUSDT"))])
    await world.clock.quiet()
    assert "orders in WIF are under way" in str((await accept(world)).reason)
    await world.clock.forward(60)
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("19.98")
    assert (await accept(world)).outcome == "done"
    assert world.portfolio.position(StrategyBook("WIFUSDC")).qty == Decimal("18.98")


async def test_a_symbol_without_rules_is_not_let_go(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.more["WIF"] = Decimal(-12)
    await compare(world)
    del world.venue.rules["WIFUSDC"]
    world.market._instruments.clear()
    world.venue.more["WIF"] = Decimal(0)
    await compare(world)
    assert ledger.holds["WIFUSDC"].active


async def test_looks_do_not_pile_up_while_the_exchange_is_away(world: World) -> None:
    await world.say("BUY_SM")
    world.venue.unavailable = True
    for _ in range(50):
        world.trading.compare()
    assert list(world.trading.comparing._wanted) == ["WIFUSDC"]
    await world.clock.forward(10)
    assert not world.trading.comparing._wanted
    assert len(world.inbox) == 0


async def test_a_look_delays_no_signal(world: World) -> None:
    """Sends a signal while the exchange takes 5 s to answer a look."""
    await world.say("BUY_SM")
    balances = world.venue.balances

    async def slow() -> Mapping[str, Balance]:
        await world.clock.sleep(5)
        return await balances()

    world.venue.balances = slow  # type: ignore[method-assign]
    world.trading.compare()
    await world.clock.quiet()
    before = world.clock.now()
    assert became(await world.say("SELL_SM")) == ("ordered", "")
    assert world.clock.now() == before


async def test_what_moved_while_it_was_looked_at_is_not_committed(world: World, ledger: MemoryLedger) -> None:
    """Mixes the balances of before the sale with the positions of after it."""
    await world.say("BUY_SM")
    await world.clock.forward(10)
    world.venue.more["WIF"] = Decimal(-6)
    balances, asked = world.venue.balances, 0

    async def meanwhile() -> Mapping[str, Balance]:
        nonlocal asked
        asked += 1
        before = await balances()
        if asked == 2:
            await world.inbox.deliver([world.said(world.signal("SELL_SM"))])
            await world.clock.sleep(1)
        return before

    world.venue.balances = meanwhile  # type: ignore[method-assign]
    world.trading.compare()
    await world.clock.forward(3)
    assert asked == 2
    assert [request.qty for request in world.venue.placed] == [Decimal(20), Decimal("19.98")]
    assert ledger.holds == {}


async def test_a_difference_that_changes_meanwhile_is_believed_once_it_stays(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    await world.clock.forward(10)
    world.venue.more["WIF"] = Decimal(-6)
    world.trading.compare()
    await world.clock.forward(1)
    world.venue.more["WIF"] = Decimal(-12)
    await world.clock.forward(2)
    assert ledger.holds == {}
    await world.clock.forward(2)
    assert "12 WIF less" in ledger.holds["WIFUSDC"].words


async def test_dust_is_not_asked_about(world: World) -> None:
    await world.say("BUY_SM")
    assert world.trading.comparable() == ["WIFUSDC"]
    world.portfolio.positions[StrategyBook("WIFUSDC")] = replace(
        world.portfolio.position(StrategyBook("WIFUSDC")), qty=Decimal("0.5"), is_open=False
    )
    assert world.trading.comparable() == []


async def test_a_stop_that_filled_and_is_not_heard_of_yet_is_no_difference(
    open_world: OpenWorld, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_world(stop_loss_pct=Decimal(5))
    await world.say("BUY_SM")

    async def busy() -> None:
        pass

    with monkeypatch.context() as late:
        late.setattr(world.trading.hearing, "run", busy)
        world.venue.trade("WIFUSDC", "0.45")
        await compare(world)
        assert world.portfolio.position(StrategyBook("WIFUSDC")).is_open
        assert told(ledger) == []
    await world.clock.forward(5)
    await compare(world)
    assert not world.portfolio.position(StrategyBook("WIFUSDC")).is_open
    assert told(ledger) == []
