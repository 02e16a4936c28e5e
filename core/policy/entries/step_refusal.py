"""Refuses an entry whose steps could not be placed, or would come too late: its owner counts on them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.dca_step import DcaStep
from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.money import divide, multiply, plain
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Signal, client_order_id
from core.policy.decision_context import DecisionContext, RiskLimits
from core.policy.entries.steps import FirstEntry, step_signals, steps_of
from core.policy.exits.bracket import level_price
from core.policy.exits.plan_choice import plan_of
from core.policy.risk import RiskApproved
from core.policy.risk.order_notional import order_notional
from core.policy.sizing.limit_check import limit_refusal
from core.policy.sizing.order_size import SizedOrder, size


@dataclass(frozen=True, slots=True)
class ExpectedStep:
    """A step as it is expected to be bought: at `price`, when the stop of what was bought before is at `stop` (None: there is
    none), both in quote asset; `unfit` is why it could not be."""

    signal: Signal
    sized: SizedOrder
    price: Decimal
    stop: Decimal | None
    unfit: Reason | None


def steps_refusal(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> Reason | None:
    """Returns why an entry is refused because of its steps; None if it may be made, and where it has none. What adds to a
    position has none: the settings' steps are those of the entry that opens one."""
    steps, limit = steps_of(signal, decision_context.limits), decision_context.limits.max_entries
    instrument, held = decision_context.instrument, decision_context.position
    if not steps or instrument is None:
        return None
    if held.is_open:
        return reason("steps_beside", qty=plain(held.qty), base=instrument.base) if signal.steps else None
    if len(steps) + 1 > limit:
        return reason("steps_too_many", count=len(steps), entries=len(steps) + 1, limit=limit)
    return next(_faults(signal, steps, sized, decision_context, instrument), None)


def _faults(
    signal: Signal, steps: tuple[DcaStep, ...], sized: SizedOrder, decision_context: DecisionContext, instrument: Instrument
) -> Iterator[Reason]:
    for number, one in enumerate(expected_steps(signal, sized, decision_context.limits, instrument, decision_context.now), 1):
        if one.stop is not None and one.price <= one.stop:
            yield reason("step_at_stop", number=number, price=plain(one.price), stop=plain(one.stop))
        why = (
            one.unfit
            or limit_refusal(one.signal, one.sized, decision_context)
            or order_notional(one.signal, one.sized, decision_context)
        )
        if why is not None:
            yield reason("step_unfit", number=number, count=len(steps), why=why)


def expected_steps(
    signal: Signal, sized: SizedOrder, limits: RiskLimits, instrument: Instrument, now: datetime
) -> Iterator[ExpectedStep]:
    """Yields the steps of an entry as they are expected to be bought, one after the other. The stop counts from the average price
    of what was bought before each."""
    average, steps = sized.expected_price, steps_of(signal, limits)
    qty, value, exits = sized.qty, multiply(sized.qty, average), plan_of(signal, limits)
    first = FirstEntry(client_order_id(signal), now, average, sized.qty)
    for one in step_signals(signal, steps, first, instrument.price_step, now):
        step, unfit = size(one.side, instrument, sized.price, Position.empty(one.book), limits, entry=one.entry, asked=one.size)
        stop = _stop(exits, divide(value, qty)) if qty else None
        yield ExpectedStep(one, step, step.worst_price, stop, unfit)
        qty, value = qty + step.qty, value + multiply(step.qty, step.worst_price)


def step_orders(
    signal: Signal, order: RiskApproved, limits: RiskLimits, instrument: Instrument, now: datetime
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Returns limit (quote asset) and quantity (base asset) of each step that an entry would be followed by."""
    sized = SizedOrder(order.side, order.qty, order.price, order.terms)
    return tuple((one.price, one.sized.qty) for one in expected_steps(signal, sized, limits, instrument, now))


def _stop(exits: ExitPlan | None, average: Decimal) -> Decimal | None:
    return None if exits is None or exits.stop is None else level_price(exits.stop.level, average, -1)
