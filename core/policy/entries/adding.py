"""Adding to a position: the exits that the whole of it has then, and its plan at the new average price. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.money import multiply
from core.domain.order import Order
from core.domain.position import Position
from core.domain.signal import Side, Signal
from core.domain.trade_plan import ChangeCause, PlanChange, PlanState, TradePlan
from core.policy.decision_context import DecisionContext, RiskLimits
from core.policy.entries.purchase import plan_id_of
from core.policy.execution_role import entry_id_of
from core.policy.exits.breakeven import at_cost
from core.policy.exits.plan_check import LONGEST_TIME
from core.policy.exits.plan_choice import plan_of
from core.policy.exits.targets import counted_from, remaining, unsold, with_exits
from core.policy.exits.trailing import with_first_stop
from core.policy.sizing.fees import TAKER_FEE
from core.policy.sizing.order_size import SizedOrder


def joined(held: ExitPlan, brought: ExitPlan | None, age: timedelta) -> ExitPlan:
    """Returns the exits of a position whose plan, made `age` ago, had the exits `held`, after an entry that brings others: what
    these name takes the place of what was there, and the rest stays. A time limit counts from the entry that brings it."""
    if brought is None or brought.is_empty:
        return held
    limit = held.time_limit if brought.time_limit is None else min(brought.time_limit + age, LONGEST_TIME)
    return with_first_stop(
        replace(
            held,
            stop=brought.stop or held.stop,
            targets=brought.targets or held.targets,
            breakeven=brought.breakeven or held.breakeven,
            trailing=brought.trailing or held.trailing,
            time_limit=limit,
        )
    )


def is_added(plan: TradePlan, order: Order) -> bool:
    """Tells whether `order` buys for a position whose plan another entry has made."""
    return order.side is Side.BUY and plan.plan_id != plan_id_of(order)


def after_adding(
    plan: TradePlan, order: Order, position: Position, instrument: Instrument, *, before: Position, now: datetime
) -> TradePlan:
    """Returns the plan once `order` has bought for the position, which was `before` and is `position` now. The exits that its
    signal brings count from its first fill on: what was changed since is not changed back."""
    if not before.is_open:
        plan = unsold(plan)  # its targets sold another position
    if entry_id_of(order) != before.last_entry:
        plan = _with_exits(plan, order.signal.plan, now)
    changed = replace(recounted(plan, position, instrument), change=plan.change or PlanChange(ChangeCause.ADDED))
    return at_cost(changed, position, instrument)


def plan_at_fill(order: Order, position: Position, limits: RiskLimits) -> TradePlan | None:
    """Returns the plan that a position without one gets from an entry that adds to it, once that has bought; None for none."""
    exits = plan_of(order.signal, limits) if position.entry_count > 1 and order.side is Side.BUY else None
    if exits is None:
        return None
    plan = TradePlan(
        entry_id_of(order), order.symbol, exits, PlanState.EXPOSED, position.average_price, order.created_at, order.inbox_seq
    )
    return replace(plan, strategy=order.book.strategy)


def recounted(plan: TradePlan, position: Position, instrument: Instrument) -> TradePlan:
    """Returns the plan with its distances in per cent counted from the average price of `position`. A stop that has followed the
    market, or is at breakeven, is a price, and stays; targets that have sold stay sold, wherever they would be now."""
    if not position.qty:
        return plan
    return counted_from(plan, position.average_price, instrument.price_step)


def _with_exits(plan: TradePlan, brought: ExitPlan | None, now: datetime) -> TradePlan:
    return with_exits(plan, joined(plan.exits, brought, max(now - plan.created_at, timedelta())))


def exits_of(signal: Signal, decision_context: DecisionContext) -> ExitPlan | None:
    """Returns the exits that an entry on `signal` is made with, those of the position that it adds to included; None for none."""
    plan = decision_context.plan
    if signal.side is Side.SELL or plan is None or not decision_context.position.is_open:
        return plan_of(signal, decision_context.limits)
    return _with_exits(plan, signal.plan, decision_context.now).exits


def left_after_adding(plan: TradePlan, signal: Signal, instrument: Instrument, now: datetime) -> ExitPlan:
    """Returns the exits that are left of the plan of a position once an entry on `signal` adds to it, for a plan made `now`:
    without targets that have sold, and with the time that is left."""
    after = _with_exits(plan, signal.plan, now)
    limit, age = after.exits.time_limit, max(now - plan.created_at, timedelta())
    left = None if limit is None else max(limit - age, timedelta())
    return replace(after.exits, targets=remaining(after, instrument).targets, time_limit=left)


def exits_shown(
    signal: Signal, held: TradePlan | None, limits: RiskLimits, instrument: Instrument, now: datetime
) -> ExitPlan | None:
    """Returns the exits that a question about an entry shows `now`: those that it brings, and where it adds to a position with
    the plan `held`, those of all that is held then; None for none."""
    if held is None or signal.side is Side.SELL:
        return plan_of(signal, limits)
    return left_after_adding(held, signal, instrument, now)


def expected(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> tuple[TradePlan, Position] | None:
    """Returns the plan and the position as they would be once an entry that adds has filled; None for any other order."""
    plan, held, instrument = decision_context.plan, decision_context.position, decision_context.instrument
    if signal.side is Side.SELL or plan is None or not held.is_open or instrument is None:
        return None
    bought = multiply(sized.qty, 1 - TAKER_FEE)
    position = replace(held, qty=held.qty + bought, value=held.value + multiply(bought, sized.expected_price))
    return recounted(_with_exits(plan, signal.plan, decision_context.now), position, instrument), position
