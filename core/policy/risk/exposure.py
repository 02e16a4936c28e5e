"""A maximum share of the equity in positions: the rest stays in quote assets."""

from decimal import Decimal

from core.domain.money import EXACT, multiply, on_grid, per_cent, plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.conversion_rates import Unknown
from core.policy.decision_context import DecisionContext
from core.policy.risk.rule import Entry, RuleMeasurement
from core.policy.sizing.order_size import SizedOrder


def exposure(_signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry that would bring the positions, and the entries under way, above MAX_EXPOSURE_PCT of the equity, or while
    that is unknown. Exits are always allowed."""
    limit = decision_context.limits.max_exposure_pct
    if sized.side is Side.SELL or limit is None:
        return None
    found = _exposure(sized.notional, decision_context)
    if isinstance(found, Reason):
        return found
    return reason("exposure", pct=f"{found:.2f}", limit=plain(limit)) if found > limit else None


def measure_exposure(_signal: Signal, entry: Entry, decision_context: DecisionContext) -> RuleMeasurement | None:
    """Returns the exposure with this entry, in per cent of the equity."""
    limit = decision_context.limits.max_exposure_pct
    if limit is None or entry.worst_price is None or entry.qty is None:
        return None
    found = _exposure(multiply(entry.qty, entry.worst_price), decision_context)
    return None if isinstance(found, Reason) else RuleMeasurement("exposure", f"{found:.2f}", plain(limit), "%")


def _exposure(notional: Decimal, decision_context: DecisionContext) -> Decimal | Reason:
    funds, instrument = decision_context.funds, decision_context.instrument
    rate = decision_context.rate(instrument.quote if instrument is not None else "")
    if isinstance(funds, Reason):
        return funds
    if isinstance(rate, Unknown):
        return rate.reason
    if funds.equity <= 0:
        return reason("no_equity")
    return per_cent(on_grid(EXACT.add(funds.invested, rate.at_most(notional))), funds.equity)
