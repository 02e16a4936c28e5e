"""At start every symbol is checked that the ledger or the account may have traded, whatever may be traded now."""

from decimal import Decimal

import pytest

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Balance
from core.domain.order import ExecutionReport
from tests.core.conftest import Restart
from tests.core.execution.test_account_guard import FOREIGN
from tests.core.memory_ledger import MemoryLedger
from tests.core.world import World, instrument

Asked = list[str]


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Records the symbols whose orders were requested; PEPEUSDC never answers."""
    seen: Asked = []
    recent = world.venue.recent_orders

    async def counted(symbol: str, limit: int) -> object:
        seen.append(symbol)
        if symbol == "PEPEUSDC":
            raise ExchangeUnavailable("overloaded")
        return await recent(symbol, limit)

    monkeypatch.setattr(world.venue, "recent_orders", counted)
    return seen


async def test_what_was_traded_and_what_is_held_is_looked_at_once(
    world: World, ledger: MemoryLedger, restart: Restart, asked: Asked
) -> None:
    world.venue.rules["SOLBTC"] = instrument("SOL", "BTC")
    world.venue.more["SOL"] = Decimal(1)
    ledger.touched = {"BNBUSDC", "OLDUSDC"}
    again = await restart(world, ledger)
    assert again.trading.comparing.ready[1].endswith(" of 4 symbols looked at")
    await again.clock.forward(60)
    assert sorted(asked) == ["BNBUSDC", "OLDUSDC", "SOLBTC", "SOLUSDC"]
    assert again.trading.comparing.ready == (True, "4 of 4 symbols looked at")


async def test_orders_of_somebody_else_are_found_where_nothing_of_ours_is(
    world: World, ledger: MemoryLedger, restart: Restart
) -> None:
    world.venue.more["SOL"] = Decimal(1)
    world.venue.foreign.append(
        ExecutionReport("mf-x", "7", "SOLUSDC", FOREIGN.side, FOREIGN.state, Decimal(1), Decimal(1), FOREIGN.at, mark=1)
    )
    again = await restart(world, ledger)
    await again.clock.forward(60)
    assert again.portfolio.account_halt is not None
    assert again.trading.comparing.ready == (False, "entries are halted: orders that are not of this ledger")


async def test_one_that_cannot_be_asked_does_not_stop_the_rest(
    world: World, ledger: MemoryLedger, restart: Restart, asked: Asked
) -> None:
    ledger.touched = {"PEPEUSDC", "WIFUSDC"}
    again = await restart(world, ledger)
    await again.clock.forward(60)
    assert asked.count("WIFUSDC") == 1
    assert asked.count("PEPEUSDC") == 5
    assert again.trading.comparing.ready == (True, "2 of 2 symbols looked at")


async def test_a_bug_in_the_sweep_does_not_end_the_program(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.touched = {"WIFUSDC"}
    with monkeypatch.context() as broken:
        broken.setattr(world.venue, "balances", lambda: 1 / 0)
        again = await restart(world, ledger)
        await again.clock.forward(60)
        assert not again.comparing.done()
    await again.clock.forward(60)
    assert again.trading.comparing.ready == (True, "1 of 1 symbols looked at")


async def test_an_exchange_that_is_away_at_the_start_is_looked_at_when_it_is_back(
    world: World, ledger: MemoryLedger, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> dict[str, Balance]:
        raise ExchangeUnavailable("no route to host", retry_after=5.0)

    ledger.touched = {"WIFUSDC"}
    with monkeypatch.context() as outage:
        outage.setattr(world.venue, "balances", away)
        again = await restart(world, ledger)
        await again.clock.forward(60)
        assert again.trading.comparing.ready == (True, "not looked at yet")
    await again.clock.forward(60)
    assert again.trading.comparing.ready == (True, "1 of 1 symbols looked at")
