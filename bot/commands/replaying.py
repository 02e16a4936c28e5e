"""Replays of the last days by the settings in force, or by changed ones: what /whatif and the shadow of a digest ask for."""

from datetime import timedelta

from bot.commands.context import CommandContext
from core.policy.decision_context import RiskLimits
from core.records.recording import Recording
from core.records.replay_result import Replayed
from core.records.shadow import ShadowReport
from core.replay.replay import ReplayTerms

_MOST_SIGNALS = 2_000
"""The newest signals of a span: with more the answer would take too long."""


async def replayed(context: CommandContext, span: timedelta, limits: RiskLimits) -> Replayed | None:
    """Returns what would have come of the last `span` by `limits`; None where that takes too long. Raises LedgerUnavailable."""
    recording = await _recording(context, span)
    return await context.ledger.replays.replay(recording, _terms(context, recording, limits))


async def shadowed(context: CommandContext, span: timedelta) -> ShadowReport | None:
    """Returns what was traded in the last `span` beside its shadow; None where that takes too long. Raises LedgerUnavailable."""
    recording = await _recording(context, span)
    return await context.ledger.replays.shadow(recording, _terms(context, recording, context.portfolio.limits))


async def _recording(context: CommandContext, span: timedelta) -> Recording:
    now = context.clock.now()
    return await context.ledger.recordings.read(now, now - span, _MOST_SIGNALS)


def _terms(context: CommandContext, recording: Recording, limits: RiskLimits) -> ReplayTerms:
    portfolio, known = context.portfolio, context.exchange.market.instruments()
    traded = {one.signal.symbol for one in recording.messages if one.signal is not None}
    return ReplayTerms(
        limits=limits,
        strategy_settings=portfolio.strategy_settings,
        strategy_limits=tuple(portfolio.strategy_limits.values()),
        mode=portfolio.trading_state.mode,
        instruments={symbol: known[symbol] for symbol in traded & known.keys()},
    )
