"""Recognises what can be sold by no order, as it is worth too little: the exchange is asked first. Pure."""

from decimal import Decimal

from core.domain.instrument import Instrument
from core.domain.money import amount, multiply, plain
from core.domain.pending_exit import PendingExit
from core.domain.reasons import Reason, reason
from core.domain.trade_plan import TradePlan

TOO_LITTLE = "too_little_to_sell"


def why_given_up(pending: PendingExit, held: Decimal, instrument: Instrument, bid: Decimal | None) -> Reason | None:
    """Returns why an exit without an end of its own is given up although `held` (base asset) is left: the exchange has refused
    an order for it as worth too little, and so it is at the `bid` (quote asset; None: unknown). None if it is tried again.

    The exchange goes by the average price of some minutes: only where the market has risen since does waiting help. A panic and
    a plan would wait, or begin anew, for ever; any other exit waits until it is too old, as the market may rise.
    """
    why, left = pending.why, instrument.market_quantity(min(pending.qty, held))
    is_refused = why is not None and why.code == "filter_failure" and "NOTIONAL" in why.params.get("filter", "")
    is_endless = pending.signal.is_panic or pending.signal.is_planned
    if not (is_refused and is_endless) or bid is None or multiply(left, bid) >= instrument.min_notional:
        return None
    about = {"value": amount(multiply(left, bid)), "quote": instrument.quote, "minimum": plain(instrument.min_notional)}
    return reason(TOO_LITTLE, qty=plain(left), base=instrument.base, **about)


def stays_unsold(plan: TradePlan, held: Decimal, instrument: Instrument | None, bid: Decimal) -> bool:
    """Tells whether the plan's exit is not repeated: it was given up as worth too little, and `held` (base asset) still is, at
    the `bid` (quote asset)."""
    was_refused = plan.why is not None and plan.why.code == TOO_LITTLE
    return was_refused and instrument is not None and multiply(instrument.market_quantity(held), bid) < instrument.min_notional
