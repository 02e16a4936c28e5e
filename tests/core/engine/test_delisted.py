"""A delisted symbol: a case of its own, which stops no other symbol and can be written off."""

from decimal import Decimal

import pytest

from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook
from core.policy.order_ownership import Ours
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import compare as side_by_side
from core.state.market_data import GONE
from tests.core.conftest import Restart
from tests.core.engine.test_order_executor import became
from tests.core.engine.test_symbol_halts import accept, compare, told
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World


async def test_its_position_is_held_and_said_to_be_lost_and_the_owner_writes_it_off(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    cost = world.portfolio.position(StrategyBook("WIFUSDC")).cost
    world.venue.delisted.add("WIFUSDC")
    for _ in range(3):
        await compare(world)
    (held,) = [event for event in ledger.events if isinstance(event, SymbolHalted)]
    assert [str(one) for one in held.hold.differences] == [
        "the exchange no longer lists WIFUSDC (delisted?), and the ledger still holds 19.98 of it"
    ]
    rules = world.market.instrument("WIFUSDC")
    assert rules is not None
    assert (rules.status, rules.base) == (GONE, "WIF")
    assert became(await world.say("SELL_SM", symbol="SOLUSDC", close="1.5")) == ("ordered", "")

    assert became(await accept(world)) == ("done", "")
    assert world.portfolio.position(StrategyBook("WIFUSDC")) == Position("WIFUSDC")
    accepted = ledger.events[-1]
    assert isinstance(accepted, HaltAccepted)
    assert (accepted.missing, accepted.cost, accepted.base) == (Decimal("19.98"), cost, "WIF")
    for _ in range(2):
        await compare(world)
    assert told(ledger) == ["symbol_held", "hold_accepted"]
    assert ledger.holds["WIFUSDC"].active is False


async def test_after_a_restart_nothing_is_known_of_it_and_it_is_written_off_all_the_same(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    await world.say("BUY_SM")
    world.venue.delisted.add("WIFUSDC")
    again = await restart(world, ledger)
    await compare(again)
    assert ledger.holds["WIFUSDC"].active
    assert became(await accept(again)) == ("done", "")
    assert again.portfolio.position(StrategyBook("WIFUSDC")).qty == 0


async def test_an_exchange_that_is_away_is_no_delisting(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.unavailable = True
    with pytest.raises(ExchangeUnavailable):
        await world.market.load_instruments(["WIFUSDC"])
    await compare(world)
    assert not world.market.is_gone("WIFUSDC")
    assert ledger.holds == {}


async def test_a_symbol_that_is_known_again_is_traded_again(world: World, ledger: MemoryLedger) -> None:
    await world.say("BUY_SM")
    world.venue.delisted.add("WIFUSDC")
    await compare(world)
    world.venue.delisted.clear()
    await world.clock.forward(10)
    await compare(world)
    assert told(ledger) == ["symbol_held", "symbol_released"]
    assert became(await world.say("SELL_SM")) == ("ordered", "")


async def test_a_look_at_it_does_not_count_once_it_is_known_again(world: World) -> None:
    world.venue.delisted.add("WIFUSDC")
    await world.clock.run(world.trading.symbol_halts.look_for_orders("WIFUSDC"))
    assert not world.trading.symbol_halts.is_looked_at("WIFUSDC")
    assert became(await world.say("BUY_SM"))[0] == "denied"
    world.venue.delisted.clear()
    await world.clock.run(world.market.load_instruments(["WIFUSDC"]))
    assert not world.trading.symbol_halts.is_looked_at("WIFUSDC")


async def test_it_does_not_stop_the_comparison_of_the_others(world: World) -> None:
    venue = world.venue
    await world.say("BUY_SM")
    await world.say("BUY_SM", symbol="SOLUSDC", close="1.5")
    venue.delisted.add("WIFUSDC")
    venue.more["SOL"] = Decimal(-5)

    async def known(_: object) -> dict[str, object]:
        return {}

    found = await side_by_side(
        venue,
        positions=list(world.portfolio.positions.values()),
        in_flight=[],
        symbols=set(venue.rules),
        instruments=dict(venue.rules),  # read a moment before
        known=known,  # type: ignore[arg-type]
        spare_capacity=SpareCapacity(world.clock),
        ours=Ours(None, {}),
    )
    assert any(note.startswith("WIFUSDC: orders not compared") for note in found.notes)
    assert any(one.startswith("SOLUSDC: the exchange holds 5 SOL less") for one in found.differences)


async def test_leisure_waits_as_long_as_it_is_told_to(world: World) -> None:
    answers: list[Exception | str] = [
        ExchangeUnavailable("later", retry_after=40),
        ExchangeUnavailable("later", retry_after=7),
        "there",
    ]
    waits: list[float] = []

    async def question() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    began = world.clock.monotonic()
    assert await world.clock.run(SpareCapacity(world.clock, waits.append).ask(question)) == "there"
    assert (waits, world.clock.monotonic() - began) == ([40, 7], 47)
    for error in (SymbolUnknown("gone"), ExchangeUnavailable("away")):
        answers[:] = [error]
        with pytest.raises(type(error)):
            await SpareCapacity(world.clock).ask(question)
    answers[:] = [still_busy(number) for number in range(9)]
    with pytest.raises(ExchangeUnavailable):
        await world.clock.run(SpareCapacity(world.clock).ask(question))


def still_busy(number: int) -> ExchangeUnavailable:
    return ExchangeUnavailable(f"later {number}", retry_after=1)
