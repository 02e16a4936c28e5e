"""`marketflow handover`: has the active process on this machine drain and give the ledger to the standby that waits for it."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from bot.clock import SystemClock
from bot.lifecycle import HANDOVER_SIGNAL
from bot.settings.settings import Settings
from core.adapters.ledger.opening import look_into_ledger
from core.adapters.ledger.process_identity import number_here
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.standbys import waiting_standbys
from core.adapters.ledger.tables import upkeep_tables
from core.domain.errors import MarketFlowError
from core.ports.clock import Clock

PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class _Active:
    """The process that holds the ledger: how often the ledger changed hands before, its name, and its number here."""

    epoch: int
    name: str
    pid: int | None


async def hand_over(settings: Settings, say: Callable[[str], None]) -> None:
    """Returns once the standby has the ledger. Raises MarketFlowError, with what to do, where that is impossible or took too
    long."""
    clock = SystemClock()
    ledger = await look_into_ledger(settings.database_url.get_secret_value(), clock)
    try:
        if not ledger.reader.has_sessions:
            raise MarketFlowError("a handover needs the ledger on PostgreSQL: on SQLite no standby can wait")
        active = await _active(ledger.reader)
        _ask(active, bool(await waiting_standbys(ledger.reader)))
        began = clock.monotonic()
        now = await _changed_hands(ledger.reader, active, clock)
        say(f"{now.name} took over from {active.name} after {clock.monotonic() - began:.1f} s")
    finally:
        await ledger.close()


async def _active(reader: LedgerReader) -> _Active:
    (row,) = await reader.read(select(upkeep_tables.lease))
    return _Active(row["epoch"], row["holder"], number_here(row["session"].partition(" ")[2]))


def _ask(active: _Active, is_awaited: bool) -> None:
    if not active.name:
        raise MarketFlowError("nobody holds the ledger: there is nothing to hand over")
    if not is_awaited:
        raise MarketFlowError("no standby waits for the ledger; start one first: marketflow run --standby")
    if active.pid is None:
        raise MarketFlowError(f"the ledger is held by {active.name}: run `marketflow handover` there, or in its container")
    try:
        os.kill(active.pid, HANDOVER_SIGNAL)
    except (PermissionError, ProcessLookupError) as error:
        raise MarketFlowError(f"{active.name} cannot be asked ({error.strerror}): run this as the user that it runs as") from None


async def _changed_hands(reader: LedgerReader, before: _Active, clock: Clock) -> _Active:
    until = clock.monotonic() + PATIENCE_SECONDS
    while (now := await _active(reader)).epoch == before.epoch or not now.name:
        if clock.monotonic() > until:
            raise MarketFlowError(f"{before.name} did not hand over within {PATIENCE_SECONDS:.0f} s; its log says why")
        await clock.sleep(_LOOK_SECONDS)
    return now
