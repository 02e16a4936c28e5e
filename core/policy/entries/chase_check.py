"""The rules that must still hold when an entry goes on after its time: it is a purchase of its own. Pure."""

from core.domain.money import ZERO
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal, client_order_id
from core.policy.admission import (
    gate_open,
    known_symbol,
    not_halted,
    not_leaving,
    not_observing,
    not_paused,
    one_too_many,
    tradable,
)
from core.policy.decision_context import DecisionContext
from core.policy.risk.allowed_symbols import allowed_symbols
from core.policy.risk.daily_loss import daily_loss
from core.policy.sizing.order_size import SizedOrder

_CHECKS = (allowed_symbols, not_paused, known_symbol, not_observing, gate_open, not_halted, not_leaving, tradable)


def chase_refusal(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Returns why nothing more may be bought for the entry of `signal`; None if it may. Its age and its size were
    judged when it was placed: what follows costs no more. The count of entries is looked at again, as an order that the ledger
    had lost may have bought since."""
    for check in _CHECKS:
        refused = check(signal, decision_context)
        if refused is not None:
            return refused
    if (
        decision_context.position.last_entry != client_order_id(signal)
        and (refused := one_too_many(decision_context)) is not None
    ):
        return refused
    return daily_loss(signal, SizedOrder(Side.BUY, ZERO, ZERO), decision_context)
