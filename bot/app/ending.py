"""The end of the program: intake first, then the orders in flight, then the last alerts. Or a handover to the standby."""

import asyncio
from collections.abc import Callable

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.app.building import Parts
from bot.jobs.standby_watch import StandbyWatch
from bot.lifecycle import Lifecycle
from core.domain.errors import LedgerUnavailable

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 25.0  # how long a clean end waits for orders in flight; systemd kills later, Docker after --stop-timeout
HANDOVER_SECONDS = 1.0
"""Seconds that a handover waits for orders in flight: the standby finds out what became of the others, as after a crash."""
SAY_SECONDS = 3.0


class Handover:
    """A handover, once somebody asks for it. It is begun only where a standby waits: trading never just stops."""

    def __init__(self, standbys: StandbyWatch, stop: Callable[[], None]) -> None:
        self._standbys = standbys
        self._stop = stop
        self._asking: asyncio.Task[None] | None = None
        self.is_begun = False

    def ask(self) -> None:
        """Begins it if a standby waits."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(), name="handover")

    async def _ask(self) -> None:
        await self._standbys.run()
        if not self._standbys.names:
            log.warning("no handover: no standby waits for the ledger")
            return
        log.info("handing over", to=", ".join(self._standbys.names))
        self.is_begun = True
        self._stop()


async def end(parts: Parts, lifecycle: Lifecycle, scheduler: AsyncIOScheduler, *, hands_over: bool) -> None:
    """Ends every part in order. With `hands_over` the ledger is given back as soon as nothing acts any more, and the standby
    sends the alerts that are left."""
    ledger = parts.base.ledger
    ledger.stopped_at = parts.base.clock.now()
    await lifecycle.end("trading")
    scheduler.shutdown(wait=False)
    if not ledger.lost:
        await _settle(parts, HANDOVER_SECONDS if hands_over else SETTLE_SECONDS)
    await lifecycle.end("mailboxes", "chat")
    if not ledger.lost and not hands_over:
        await _say_the_rest(parts)
    await lifecycle.end()
    if hands_over:
        await ledger.hand_over()


async def _settle(parts: Parts, within: float) -> None:
    """Waits for the orders in flight."""
    parts.trading.decisions.patient = False
    try:
        async with asyncio.timeout(within):
            await parts.trading.inbox.close()
    except TimeoutError:
        log.warning("an order is still unanswered; the next start resolves it")


async def _say_the_rest(parts: Parts) -> None:
    """Waits until the last alerts are sent."""
    try:
        async with asyncio.timeout(SAY_SECONDS):
            while await parts.chat.notifiers.pending():  # noqa: ASYNC110 - the outbox signals new events, not that it is empty
                await asyncio.sleep(0.05)
    except (TimeoutError, LedgerUnavailable):
        log.info("some alerts are sent at the next start")
