"""Refuses an entry whose exit plan makes no sense at the current price, or cannot rest on the exchange where it has to. Pure."""

from dataclasses import replace

from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.money import multiply
from core.domain.protection_policy import ProtectionPolicy
from core.domain.reasons import Reason, reason
from core.domain.signal import Signal
from core.policy.decision_context import DecisionContext
from core.policy.entries.adding import exits_of, expected
from core.policy.exits.bracket import Purchase, brackets
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.plan_check import check_plan
from core.policy.exits.protection import parts_of
from core.policy.exits.trailing import bare_before, with_later_stop
from core.policy.sizing.fees import TAKER_FEE
from core.policy.sizing.order_size import SizedOrder


def plan_refusal(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Returns why the plan of an entry is refused; None for an exit, and where nothing is planned. What the exchange cannot hold
    is watched by this program instead, unless PROTECTION is `required`: then the position needs a stop from the start, too."""
    plan, instrument = exits_of(signal, decision_context), decision_context.instrument
    if plan is None or instrument is None:
        return None
    if (faulty := check_plan(plan, sized.expected_price)) is not None:
        return faulty
    if decision_context.limits.protection is not ProtectionPolicy.REQUIRED:
        return None
    found = bare_before(plan) or _orders(plan, signal, sized, decision_context, instrument)
    return reason("protection_required", why=found) if isinstance(found, Reason) else None


def _orders(
    plan: ExitPlan, signal: Signal, sized: SizedOrder, decision_context: DecisionContext, instrument: Instrument
) -> tuple[Bracket, ...] | Reason:
    """Returns the orders that would protect the position once the entry has filled, or why they could not rest."""
    price, beside = sized.expected_price, decision_context.open_beside
    market = min(decision_context.quote.bid, price) if decision_context.quote is not None else price
    if (found := expected(signal, sized, decision_context)) is not None:
        after, position = found
        exits = with_later_stop(after.exits)
        return parts_of(replace(after, exits=exits), position, instrument, market, beside, passed_too=True)
    bought = Purchase(multiply(sized.qty, 1 - TAKER_FEE), price, market)
    return brackets(with_later_stop(plan), instrument, bought, beside)
