"""Start-up is crash recovery: rules, then for each symbol its unsettled order, the messages left waiting, new signals."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import structlog

from bot.app.building import Parts
from bot.views.book_names import book_name
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.events.priority import Priority
from core.domain.events.process import Started
from core.domain.messages import Message, SourcePosition
from core.domain.order_messages import PositionsFound
from core.ports.clock import Clock
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

RETRY_SECONDS = 2.0


async def trade(parts: Parts, on_ready: Callable[[], None]) -> None:
    """Recovers, announces the start and reads signals until cancelled."""
    await _load_instruments(parts)
    parts.trading.start(parts.base.state)
    await _announce(parts)
    on_ready()
    if not parts.intake.sources:  # signals come over HTTP alone
        await asyncio.Event().wait()
    await asyncio.gather(*(source.run() for source in parts.intake.sources))


async def _load_instruments(parts: Parts) -> None:
    # `*` allows every symbol: all rules are read at once, prices only as they are needed.
    while True:
        try:
            await parts.trading.load_rules(every=parts.base.settings.symbols is None, known=parts.base.rules)
        except ExchangeUnavailable as error:
            log.warning("the exchange does not answer; trading begins when it does", error=str(error))
            await parts.base.clock.sleep(max(RETRY_SECONDS, error.retry_after))
        else:
            return


async def _announce(parts: Parts) -> None:
    notes, portfolio = parts.intake.notes, parts.trading.portfolio
    if not portfolio.is_of(parts.base.settings.report_asset):
        notes.append("other_asset")
    for source in parts.intake.sources:
        if not await _positions(parts, source.name):
            notes.append("from_latest")
    if (note := parts.alone.note) is not None:
        notes.append(note)
    open_positions, away = len(portfolio.open_positions()), parts.base.ledger.away_since
    state = parts.base.settings.trading_mode, portfolio.trading_state, open_positions
    await _tell_bare(parts)
    begun = Started(parts.chat.context.program.version, *state, tuple(dict.fromkeys(notes)), away)
    await parts.base.events.keep(_as_successor(begun, parts.base.ledger.predecessor, parts.base.clock.now()))


def _as_successor(begun: Started, predecessor: str, now: datetime) -> Started:
    """Returns the event of a process that took over from `predecessor`, if there is one: told at once, and not among others."""
    if not predecessor:
        return begun
    idle = max(0.0, (now - begun.away_since).total_seconds()) if begun.away_since is not None else 0.0
    return replace(begun, predecessor=predecessor, idle_seconds=idle, priority=Priority.URGENT)


async def _tell_bare(parts: Parts) -> None:
    """Has positions without a plan told, once for each ledger: the identity of the message sees to that."""
    message = bare_message(parts.trading.portfolio, parts.base.clock)
    if message is None:
        return
    try:
        await parts.trading.inbox.ask_all([message])
    except LedgerUnavailable as error:
        log.warning("positions without a plan cannot be told yet; the next start does", error=str(error))


def bare_message(portfolio: Portfolio, clock: Clock) -> Message | None:
    """Returns the message that positions without a plan were found, the same one at every start; None if there are none."""
    bare = tuple(book_name(one.book) for one in portfolio.open_positions() if one.book not in portfolio.plans)
    return Message("start", "positions without a plan", "", PositionsFound(bare), clock.now()) if bare else None


async def _positions(parts: Parts, source: str) -> Mapping[int, SourcePosition]:
    while True:
        try:
            return await parts.base.ledger.source_positions(source)
        except LedgerUnavailable as error:
            log.warning("the ledger does not answer; signals are read when it does", error=str(error))
            await parts.base.clock.sleep(RETRY_SECONDS)
