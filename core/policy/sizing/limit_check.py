"""Checks an entry at a limit of its own against the symbol's rules: what the exchange would refuse is not sent. Pure."""

from core.domain.instrument import Instrument
from core.domain.money import amount, multiply, plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.policy.decision_context import DecisionContext
from core.policy.sizing.order_size import SizedOrder


def limit_refusal(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Returns why the exchange would refuse the limit that an entry asks for; None for any other order."""
    instrument, limit_price = decision_context.instrument, sized.terms.limit_price
    if signal.entry is None or sized.side is Side.SELL or instrument is None or limit_price is None:
        return None
    if sized.terms.type not in instrument.resting.order_types:
        return reason("order_type_missing", type=sized.terms.type, symbol=instrument.symbol)
    if limit_price <= 0 or not instrument.resting.allows_price(Side.BUY, limit_price, sized.price):
        return reason("price_out_of_band", found=plain(limit_price), market=plain(sized.price))
    return _unfit_worth(sized, instrument)


def _unfit_worth(sized: SizedOrder, instrument: Instrument) -> Reason | None:
    """Checks the worth at its own limit (filters.md: NOTIONAL)."""
    worth, rules = multiply(sized.qty, sized.worst_price), instrument.resting
    if worth < rules.min_notional:
        minimum = plain(rules.min_notional)
        return reason("below_min_notional", value=amount(worth), quote=instrument.quote, minimum=minimum)
    if rules.max_notional is not None and worth > rules.max_notional:
        maximum = plain(rules.max_notional)
        return reason("above_max_notional", value=amount(worth), quote=instrument.quote, maximum=maximum)
    return None
