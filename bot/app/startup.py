"""Start-up is crash recovery: rules, then for each symbol its unsettled order, the messages left waiting, new signals."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from bot.app.building import Parts
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.events.process import Started
from core.domain.messages import SourcePosition

log = structlog.get_logger(__name__)

RETRY_SECONDS = 2.0


async def trade(parts: Parts, on_ready: Callable[[], None]) -> None:
    """Recovers, announces the start and reads signals until cancelled."""
    await _load_instruments(parts)
    parts.trading.start(parts.base.state)
    await _announce(parts)
    on_ready()
    await asyncio.gather(*(source.run() for source in parts.intake.sources))


async def _load_instruments(parts: Parts) -> None:
    # `*` allows every symbol: all rules are read at once, prices only as they are needed.
    while True:
        try:
            await parts.trading.load_rules(every=parts.base.settings.symbols is None)
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
    state = parts.base.settings.trading_mode, portfolio.controls, open_positions
    await parts.base.events.keep(Started(parts.chat.context.program.version, *state, tuple(dict.fromkeys(notes)), away))


async def _positions(parts: Parts, source: str) -> Mapping[int, SourcePosition]:
    while True:
        try:
            return await parts.base.ledger.source_positions(source)
        except LedgerUnavailable as error:
            log.warning("the ledger does not answer; signals are read when it does", error=str(error))
            await parts.base.clock.sleep(RETRY_SECONDS)
