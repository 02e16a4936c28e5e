"""Decides on a signal: admission, sizing, risk, and whether a person is asked."""

from dataclasses import dataclass

from core.domain.instrument import Quote
from core.domain.money import ZERO
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.trading_state import Mode
from core.policy.admission import admit
from core.policy.conversion_rates import Rate, Unknown
from core.policy.decision_context import DecisionContext, RiskLimits, SizeRequest
from core.policy.entries.adding import exits_of
from core.policy.entries.plan_refusal import plan_refusal
from core.policy.entries.step_refusal import steps_refusal
from core.policy.entries.way import by_its_way
from core.policy.risk import RiskApproved, assess
from core.policy.risk.limits import in_quote
from core.policy.risk.price_sanity import price_sanity
from core.policy.risk.signal_age import signal_age
from core.policy.sizing.entry_size import EntryMoney
from core.policy.sizing.limit_check import limit_refusal
from core.policy.sizing.order_size import SizedOrder, size


@dataclass(frozen=True, slots=True)
class Refused:
    """No order. `outcome` is `ignored`, `denied`, `expired` or `observed`; `sized` is the order that was denied, if it was
    sized."""

    outcome: str
    reason: Reason
    sized: SizedOrder | None = None


@dataclass(frozen=True, slots=True)
class AskFirst:
    """May be traded once a person approves; everything is recalculated then."""

    order: RiskApproved


Decision = Refused | AskFirst | RiskApproved


def counts(signal: Signal, decision_context: DecisionContext) -> bool:
    """Tells whether the signal is a current opinion on this market, whatever is done about it."""
    price = decision_context.quote.price_for(signal.side) if decision_context.quote else signal.close
    of_this_market = price_sanity(signal, SizedOrder(signal.side, ZERO, price), decision_context) is None
    return of_this_market and signal_age(signal, decision_context) is None


def decide(signal: Signal, decision_context: DecisionContext) -> Decision:
    """Decides what to do about a signal. The same context always gives the same decision."""
    refused = admit(signal, decision_context)
    if refused is not None:
        return Refused(*refused)
    if decision_context.instrument is None:
        raise AssertionError("admission lets no unknown symbol pass")
    rate = decision_context.rate(decision_context.instrument.quote)
    money = _unpriced(signal, decision_context.quote, rate) or _money(signal, decision_context, rate)
    if isinstance(money, Reason):
        return Refused("denied", money)
    # A missing price never stops an exit: the signal's own serves to size it.
    price = decision_context.quote.price_for(signal.side) if decision_context.quote else signal.close
    known = decision_context.quote is not None
    limits = in_quote(decision_context.limits, rate)
    sized, unfit = size(
        signal.side,
        decision_context.instrument,
        price,
        decision_context.position,
        limits,
        price_known=known,
        reference=signal.close,
        size_request=decision_context.size_request,
        free=decision_context.free,
        entry=signal.entry if signal.side is Side.BUY else None,
        asked=signal.size,
        money=money,
    )
    if unfit is not None:
        return Refused("denied", unfit, sized)
    if (misfit := _misfit(signal, sized, decision_context)) is not None:
        return Refused("denied", misfit, sized)
    sized = by_its_way(signal, sized, decision_context)
    assessed = assess(signal, sized, decision_context)
    if isinstance(assessed, Reason):
        return Refused("denied", assessed, sized)
    return AskFirst(assessed) if _is_asked(signal, sized, decision_context, rate) else assessed


def _misfit(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Returns why the limit, the plan or the steps of an entry are refused; None if they are sound."""
    return (
        limit_refusal(signal, sized, decision_context)
        or plan_refusal(signal, sized, decision_context)
        or steps_refusal(signal, sized, decision_context)
    )


def counts_from_equity(signal: Signal, size_request: SizeRequest, limits: RiskLimits) -> bool:
    """Tells whether the size of an order on `signal` is computed from the account's equity."""
    if signal.side is Side.SELL or size_request.qty is not None or size_request.quote is not None:
        return False
    return (signal.size or limits.size).kind.is_computed


def _money(signal: Signal, decision_context: DecisionContext, rate: Rate | Unknown) -> EntryMoney | Reason | None:
    """Returns what the size counts from, None where it counts from nothing; or why that is unknown."""
    limits, funds = decision_context.limits, decision_context.funds
    if not counts_from_equity(signal, decision_context.size_request, limits):
        return None
    if isinstance(rate, Unknown):
        return rate.reason
    plan = exits_of(signal, decision_context)
    return funds if isinstance(funds, Reason) else EntryMoney(funds, rate, plan.stop if plan is not None else None)


def _unpriced(signal: Signal, quote: Quote | None, rate: Rate | Unknown) -> Reason | None:
    """Returns why an entry cannot be judged for lack of a price or rate."""
    if signal.side is Side.SELL:
        return None
    if quote is None:
        return reason("price_unknown", symbol=signal.symbol)
    return rate.reason if isinstance(rate, Unknown) else None


def _is_asked(signal: Signal, sized: SizedOrder, decision_context: DecisionContext, rate: Rate | Unknown) -> bool:
    if decision_context.trading_state.mode is not Mode.CONFIRM or decision_context.approved_at is not None or signal.is_planned:
        return False
    worth = rate.at_most(sized.notional) if isinstance(rate, Rate) else None
    return decision_context.trading_state.asking.about(signal.signal_type, worth, decision_context.limits.report_asset)
