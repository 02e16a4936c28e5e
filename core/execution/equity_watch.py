"""Measures the account's equity regularly, and keeps its peak in the ledger: what MAX_DRAWDOWN_PCT counts from."""

import asyncio
from dataclasses import replace

import structlog

from core.domain.equity_mark import EquityMark
from core.domain.errors import LedgerUnavailable
from core.domain.reasons import Reason, reason
from core.policy.drawdown import follow
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.state.account_funds import AccountFunds, Snapshot
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class EquityWatch:
    """Follows the equity. While an order is under way, or has filled unheard, the account is between two states: then it is not
    measured."""

    def __init__(self, funds: AccountFunds, ledger: Ledger, portfolio: Portfolio, clock: Clock) -> None:
        self._funds = funds
        self._ledger = ledger
        self._portfolio = portfolio
        self._clock = clock
        self.one_at_a_time = asyncio.Lock()
        """A measurement and a reset of the peak replace the same mark. Hold this while calling `begin_anew` and committing its
        result."""

    async def run(self) -> None:
        """Measures once, and keeps what has changed."""
        if self._portfolio.in_flight:
            return
        async with self.one_at_a_time:
            known, found = self._portfolio.equity_mark, await self._measure()
            if self._portfolio.in_flight:  # since the balances were asked for, it may be
                return
            if isinstance(found, Reason):
                log.info("the equity cannot be measured now", reason=str(found))
                return
            if known is not None and replace(found, at=known.at) == known:
                return
            batch = CommitBatch(equity_mark=found)
            try:
                await self._ledger.commit(batch)
            except LedgerUnavailable:
                return  # the part that failed reports it
            self._portfolio.apply(batch)

    async def begin_anew(self) -> EquityMark | Reason:
        """Returns a mark whose peak is the equity as it is now; or why that is unknown."""
        found = await self._measure()
        return found if isinstance(found, Reason) else replace(found, peak=found.equity)

    async def _measure(self) -> EquityMark | Reason:
        snapshot = await self._funds.look()
        if isinstance(snapshot, Snapshot) and self._funds.is_behind(snapshot):
            return reason("balances_unknown")  # the fill would be taken for a payment
        funds = self._funds.of(snapshot)
        if isinstance(funds, Reason):
            return funds
        return follow(self._portfolio.equity_mark, funds, self._portfolio.limits.report_asset, self._clock.now())
