"""A trading core on fakes, in virtual time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from core.domain.trading_state import TradingState
from core.engine.inbox import CAPACITY
from core.ports.ledger import Ledger
from core.state.portfolio import Portfolio
from tests.core.memory_ledger import MemoryLedger
from tests.core.scripted_venue import ScriptedVenue
from tests.core.virtual_time import VirtualClock
from tests.core.world import LIMITS, World, restarted, three_markets

OpenWorld = Callable[..., Awaitable[World]]
Restart = Callable[..., Awaitable[World]]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def venue(clock: VirtualClock) -> ScriptedVenue:
    """Trades WIF, SOL and BNB against USDC; its own clock is 7 s ahead of ours."""
    return three_markets(clock)


@pytest.fixture
async def _closing(clock: VirtualClock) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def open_world(_closing: AsyncExitStack, clock: VirtualClock, ledger: MemoryLedger, venue: ScriptedVenue) -> OpenWorld:
    """Returns a function that makes a first process on the empty ledger; keywords: `trading_state`, `capacity`, and any of
    RiskLimits."""

    async def make(*, trading_state: TradingState | None = None, capacity: int = CAPACITY, **limits: Any) -> World:
        portfolio = Portfolio(trading_state or TradingState(), replace(LIMITS, **limits), mark=ledger.mark)
        world = World(portfolio, clock=clock, ledger=ledger, venue=venue, capacity=capacity)
        await clock.run(world.market.load_instruments(None))
        world.inbox.start([], [])
        world.start_timer()
        _closing.push_async_callback(world.close)
        return world

    return make


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Returns a process in auto mode with room for everything."""
    return await open_world()


@pytest.fixture
def restart(_closing: AsyncExitStack) -> Restart:
    """Returns a function that ends a process and starts the next on the same ledger; keyword: `complete_since`."""

    async def again(before: World, ledger: Ledger, complete_since: float | None = None) -> World:
        await before.close()
        world = await restarted(before, ledger, complete_since)
        _closing.push_async_callback(world.close)
        return world

    return again
