"""Guards against other traders on the account: halts all entries while its orders are not all known, until the owner acknowledges
them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from core.domain.account import ACCOUNT, UNMARKED, Acknowledged
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted
from core.domain.money import ZERO
from core.domain.reasons import Reason
from core.domain.symbol_halt import SymbolHalt
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


class AccountGuard:
    """Halts entries on the whole account. Never resumes by itself: an order that was there does not go away."""

    def __init__(self, ledger: Ledger, portfolio: Portfolio, clock: Clock) -> None:
        self._ledger = ledger
        self._portfolio = portfolio
        self._clock = clock
        self.one_at_a_time = asyncio.Lock()
        """Findings in several symbols add to one halt, which the owner's acceptance ends. Hold this while calling `accept` and
        committing its result: anything found meanwhile halts afterwards, and is not lifted unseen."""

    async def halt(self, strange: Sequence[Reason]) -> None:
        """Halts the account because of `strange`, and reports it; does nothing if it is halted because of them already, or they
        were acknowledged since they were looked at. Raises LedgerUnavailable."""
        async with self.one_at_a_time:
            halted = self._portfolio.account_halt
            known = {_key(one): one for one in (halted.differences if halted is not None else ())}
            found = known | {_key(one): one for one in strange if not self._is_acknowledged(one)}
            if found == known:
                return
            now = self._clock.now()
            halt = SymbolHalt(ACCOUNT, tuple(found[key] for key in sorted(found)), halted.since if halted is not None else now)
            log.error("entries are halted on the whole account", orders=halt.words)
            batch = CommitBatch(holds=[halt], events=[SymbolHalted(halt)])
            await self._ledger.commit(batch)
            self._portfolio.apply(batch)

    def accept(self, shown: Sequence[Reason], who: str) -> CommitBatch | None:
        """Returns the commit that acknowledges the orders of `shown`; None if they halt nothing. Orders found since they were
        shown keep the account halted."""
        halted, now = self._portfolio.account_halt, self._clock.now()
        accepted = [one for one in halted.differences if one in shown] if halted is not None else []
        if halted is None or not accepted:
            return None
        left = tuple(one for one in halted.differences if one not in shown)
        marks = {int(one.params["mark"]) for one in accepted}
        words = [Acknowledged(mark, self._until(mark, accepted), who, now) for mark in sorted(marks)]
        if left:
            return CommitBatch(acknowledged=words, holds=[replace(halted, differences=left)])
        halt = replace(halted, lifted_at=now, lifted_by=who)
        return CommitBatch(acknowledged=words, holds=[halt], events=[HaltAccepted(halt, ZERO, ZERO, "", "")])

    def _is_acknowledged(self, one: Reason) -> bool:
        """Tells whether the owner has acknowledged the orders of `one` by now, by the rules of `core.policy.order_ownership`."""
        mark = int(one.params["mark"])
        known = self._portfolio.acknowledged.get(mark)
        if known is None:
            return False
        return mark not in {UNMARKED, self._portfolio.mark} or datetime.fromisoformat(one.params["at"]) <= known.until

    def _until(self, mark: int, accepted: Sequence[Reason]) -> datetime:
        known = self._portfolio.acknowledged.get(mark)
        times = [datetime.fromisoformat(one.params["at"]) for one in accepted if one.params["mark"] == str(mark)]
        return max([*times, *([known.until] if known is not None else [])])


def _key(one: Reason) -> tuple[str, str, str]:
    return one.code, one.params["symbol"], one.params["mark"]
