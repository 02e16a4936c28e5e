"""The risk rules, one small file each. Every rule returns None or a reason; if a price, balance or rule is unknown, it
refuses."""

from dataclasses import dataclass
from decimal import Decimal

from core.domain.entry_way import EntryWay
from core.domain.order_terms import AT_MARKET, OrderTerms
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.domain.trade_size import Sizing
from core.policy.decision_context import DecisionContext
from core.policy.risk.cooldown import cooldown, measure_cooldown
from core.policy.risk.daily_loss import daily_loss, measure_daily_loss
from core.policy.risk.drawdown import drawdown, measure_drawdown
from core.policy.risk.exposure import exposure, measure_exposure
from core.policy.risk.losing_exits import losing_exits, measure_losing_exits
from core.policy.risk.open_positions import measure_open_positions, open_positions
from core.policy.risk.order_notional import measure_order_notional, order_notional
from core.policy.risk.price_band import measure_price_band, price_band
from core.policy.risk.price_sanity import measure_price_sanity, price_sanity
from core.policy.risk.rule import RiskRule
from core.policy.sizing.order_size import SizedOrder

RULES: tuple[RiskRule, ...] = (
    RiskRule("price_sanity", price_sanity, measure_price_sanity),
    RiskRule("price_band", price_band, measure_price_band),
    RiskRule("order_notional", order_notional, measure_order_notional),
    RiskRule("open_positions", open_positions, measure_open_positions),
    RiskRule("daily_loss", daily_loss, measure_daily_loss),
    RiskRule("drawdown", drawdown, measure_drawdown),
    RiskRule("losing_exits", losing_exits, measure_losing_exits),
    RiskRule("cooldown", cooldown, measure_cooldown),
    RiskRule("exposure", exposure, measure_exposure),
)
"""Every rule, in the order in which they are asked and shown."""


@dataclass(frozen=True, slots=True)
class RiskApproved:
    """An order that passed every rule. Only `assess` makes one, and the executor accepts nothing else. `qty` in base asset,
    `price` in quote asset; `way` is that of an entry with a plan."""

    side: Side
    qty: Decimal
    price: Decimal
    terms: OrderTerms = AT_MARKET
    sizing: Sizing | None = None
    way: EntryWay | None = None


def assess(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> RiskApproved | Reason:
    """Checks every rule; the first one that refuses gives the reason."""
    for rule in RULES:
        refused = rule.refuses(signal, sized, decision_context)
        if refused is not None:
            return refused
    return RiskApproved(sized.side, sized.qty, sized.price, sized.terms, sized.sizing, sized.way)
