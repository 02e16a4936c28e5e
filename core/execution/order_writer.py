"""Moves orders along and commits what has already happened in the world."""

from dataclasses import replace
from functools import partial

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.order_state_machine import OrderState, check_move
from core.execution.ledger_patience import until_answered
from core.ports.clock import Clock
from core.ports.ledger import Ledger, Taken, ignored
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

_RULES_PAUSE_SECONDS = 1.0


class OrderWriter:
    """Writes orders: to the ledger first, then to memory."""

    def __init__(
        self, ledger: Ledger, portfolio: Portfolio, market: MarketDataCache, clock: Clock, *, taken: Taken = ignored
    ) -> None:
        """Builds it. `taken` is given the messages that come in with a commit."""
        self._ledger = ledger
        self._taken = taken
        self._portfolio = portfolio
        self._market = market
        self._clock = clock

    def move(self, order: Order, state: OrderState, **fields: object) -> Order:
        """Returns the order in its new state, dated now. Raises IllegalTransition."""
        check_move(order.state, state)
        return replace(order, state=state, updated_at=self._clock.now(), **fields)  # type: ignore[arg-type]

    async def try_commit(self, batch: CommitBatch) -> None:
        """Commits an intent. Raises LedgerUnavailable: then nothing was committed, and nothing may be sent."""
        await self._ledger.commit(batch, taken=self._taken)
        self._portfolio.apply(batch)

    async def commit(self, batch: CommitBatch) -> None:
        """Commits what has already happened in the world: it cannot be given up, so it retries until it is written."""
        await until_answered(partial(self.try_commit, batch), self._clock, failed="a commit cannot be written")

    async def instrument(self, symbol: str) -> Instrument:
        """Returns the symbol's rules, as soon as they can be read."""
        while True:
            try:
                found = await self._market.find_instrument(symbol)
            except ExchangeUnavailable as error:
                log.warning("symbol rules cannot be read yet", error=str(error))
            else:
                if found is not None:
                    return found
            await self._clock.sleep(_RULES_PAUSE_SECONDS)
