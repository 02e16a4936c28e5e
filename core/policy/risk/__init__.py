"""The risk rules, one small file each. Every rule returns None or a reason; if a price, balance or rule is unknown, it
refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.risk.daily_loss import daily_loss
from core.policy.risk.open_positions import open_positions
from core.policy.risk.order_notional import order_notional
from core.policy.risk.price_band import price_band
from core.policy.risk.price_sanity import price_sanity
from core.policy.sizing.market_orders import SizedOrder

Rule = Callable[[Signal, SizedOrder, DecisionContext], Reason | None]

RULES: tuple[Rule, ...] = (price_sanity, price_band, order_notional, open_positions, daily_loss)


@dataclass(frozen=True, slots=True)
class RiskApproved:
    """An order that passed every rule. Only `assess` makes one, and the executor accepts nothing else. `qty` in base asset,
    `price` in quote asset."""

    side: Side
    qty: Decimal
    price: Decimal


def assess(signal: Signal, draft: SizedOrder, decision_context: DecisionContext) -> RiskApproved | Reason:
    """Checks every rule; the first one that refuses gives the reason."""
    for rule in RULES:
        refused = rule(signal, draft, decision_context)
        if refused is not None:
            return refused
    return RiskApproved(draft.side, draft.qty, draft.price)
