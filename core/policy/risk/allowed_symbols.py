"""Entries only in symbols that the owner has named. Exits are always allowed."""

from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext


def allowed_symbols(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses a symbol that SYMBOLS does not name, unless the signal closes an open position."""
    allowed = decision_context.limits.symbols
    if allowed is None or signal.symbol in allowed:
        return None
    if signal.side is Side.SELL and decision_context.position.is_open:
        return None
    return reason("symbol_not_allowed", symbol=signal.symbol, allowed=", ".join(sorted(allowed)))
