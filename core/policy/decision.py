"""From a signal and the present to a decision: admission, sizing, risk, and whether a person is asked."""

from dataclasses import dataclass

from core.domain.instrument import Quote
from core.domain.money import ZERO
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.trading_state import Mode
from core.policy.admission import admit
from core.policy.conversion_rates import Rate, Unknown
from core.policy.decision_context import Picture
from core.policy.risk import RiskApproved, assess
from core.policy.risk.limits import in_quote
from core.policy.risk.price_sanity import price_sanity
from core.policy.risk.signal_age import signal_age
from core.policy.sizing.market_orders import Draft, size


@dataclass(frozen=True, slots=True)
class Refused:
    """No order. `outcome` is `ignored`, `denied`, `expired` or `observed`; `draft` is what was denied, where it was sized."""

    outcome: str
    reason: Reason
    draft: Draft | None = None


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Good to trade once a person says so; everything is worked out anew then."""

    order: RiskApproved


Decision = Refused | AskFirst | RiskApproved


def counts(signal: Signal, picture: Picture) -> bool:
    """Whether the signal is an opinion on this market and of this time, whatever is done about it."""
    price = picture.quote.price_for(signal.side) if picture.quote else signal.close
    of_this_market = price_sanity(signal, Draft(signal.side, ZERO, price), picture) is None
    return of_this_market and signal_age(signal, picture) is None


def decide(signal: Signal, picture: Picture) -> Decision:
    """What to do about a signal. The same picture gives the same decision."""
    refused = admit(signal, picture)
    if refused is not None:
        return Refused(*refused)
    if picture.instrument is None:
        raise AssertionError("admission lets no unknown symbol pass")
    rate = picture.rate(picture.instrument.quote)
    unpriced = _unpriced(signal, picture.quote, rate)
    if unpriced is not None:
        return Refused("denied", unpriced)
    # An exit is never held back for want of a price: the signal's own serves to size it.
    price = picture.quote.price_for(signal.side) if picture.quote else signal.close
    known = picture.quote is not None
    limits = in_quote(picture.limits, rate)
    draft, unfit = size(
        signal.side,
        picture.instrument,
        price,
        picture.position,
        limits,
        price_known=known,
        wanted=picture.wanted,
        free=picture.free,
    )
    if unfit is not None:
        return Refused("denied", unfit, draft)
    assessed = assess(signal, draft, picture)
    if isinstance(assessed, Reason):
        return Refused("denied", assessed, draft)
    return AskFirst(assessed) if _is_asked(signal, draft, picture, rate) else assessed


def _unpriced(signal: Signal, quote: Quote | None, rate: Rate | Unknown) -> Reason | None:
    """What an entry cannot be judged without."""
    if signal.side is Side.SELL:
        return None
    if quote is None:
        return reason("price_unknown", symbol=signal.symbol)
    return rate.reason if isinstance(rate, Unknown) else None


def _is_asked(signal: Signal, draft: Draft, picture: Picture, rate: Rate | Unknown) -> bool:
    if picture.controls.mode is not Mode.CONFIRM or picture.approved_at is not None:
        return False
    worth = rate.at_most(draft.notional) if isinstance(rate, Rate) else None
    return picture.controls.asking.about(signal.signal_type, worth, picture.limits.report_asset)
