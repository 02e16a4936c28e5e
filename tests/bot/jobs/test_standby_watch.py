"""Remembers a standby while the ledger does not answer, or may belong to that standby."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from bot.jobs.standby_watch import StandbyWatch
from core.adapters.execution_logger import ExecutionLogger
from core.adapters.ledger.reader import LedgerReader
from core.domain.errors import LedgerUnavailable


class Sessions(LedgerReader):
    """A database that names the sessions in `waiting`; None: it does not answer."""

    has_sessions = True

    def __init__(self) -> None:
        self.waiting: Sequence[str] | None = ()

    async def read(self, _question: Any, _values: Mapping[str, Any] | None = None) -> Sequence[dict[str, Any]]:
        if self.waiting is None:
            raise LedgerUnavailable("no answer in time")
        return [{"application_name": f"marketflow standby: {name}"} for name in self.waiting]

    async def close(self) -> None: ...


class Gauge:
    """Keeps the number that was measured last."""

    shown = -1

    def standbys(self, count: int) -> None:
        self.shown = count


async def test_a_standby_that_waits_no_more_counts_until_the_ledger_is_surely_ours() -> None:
    sessions, gauge, sure = Sessions(), Gauge(), [True]
    watch = StandbyWatch(sessions, cast("ExecutionLogger", gauge), is_sure=lambda: sure[0])
    await watch.run()
    assert (watch.names, gauge.shown) == ([], 0)
    sessions.waiting = ["process 7 on here"]
    await watch.run()
    assert (watch.names, gauge.shown) == (["process 7 on here"], 1)
    sessions.waiting = None
    await watch.run()
    assert gauge.shown == 1
    sure[0], sessions.waiting = False, ()  # it is back, and the standby may have taken over
    await watch.run()
    assert (watch.names, gauge.shown) == (["process 7 on here"], 1)
    sure[0] = True
    await watch.run()
    assert (watch.names, gauge.shown) == ([], 0)
