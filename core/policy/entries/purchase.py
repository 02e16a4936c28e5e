"""The plan of an entry that fills in parts, or by several orders: what it needs after each of them. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.plan_leg import LegKind
from core.domain.position import Position
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.breakeven import at_cost
from core.policy.exits.protection import closed, exposed


@dataclass(frozen=True, slots=True)
class Step:
    """The plan afterwards, and whether all that is held is to be protected at once: nothing of it is yet."""

    plan: TradePlan
    protect: bool = False


def is_of_limit(order: Order) -> bool:
    """Tells whether `order` is an entry that may rest, or one that follows such an entry."""
    return order.waits_to_buy or (order.leg is not None and order.leg.kind is LegKind.ENTRY)


def plan_id_of(order: Order) -> str:
    """Returns the plan of an entry: it has the id of its first order."""
    return order.client_order_id if order.leg is None else order.leg.plan_id


def missed(plan: TradePlan, now: datetime) -> TradePlan:
    """Returns the plan of an entry that ended without a position."""
    return replace(closed(plan, now), state=PlanState.MISSED)


def after_purchase(
    plan: TradePlan,
    position: Position,
    instrument: Instrument,
    *,
    bought: bool,
    goes_on: bool,
    is_covered: bool,
    now: datetime,
) -> Step:
    """Returns the plan once a report on its entry is booked, which left `position`. `bought`: the report had fills. `goes_on`:
    the entry may fill on. `is_covered`: orders rest already for what was held before: they are placed anew for all of it."""
    if bought and position.qty:
        plan = at_cost(replace(plan, entry_price=position.average_price), position, instrument)
    if not position.is_open:
        if goes_on:
            return Step(plan)
        return Step(missed(plan, now) if plan.state is PlanState.ENTERING else closed(plan, now))
    if not bought:
        return Step(plan)
    return Step(exposed(plan, now)) if is_covered else Step(plan, protect=True)


def emptied(plan: TradePlan, now: datetime, *, rests: bool) -> TradePlan:
    """Returns the plan after its position is gone: it is over, unless something of it still rests, which may fill until it is
    taken off: its entry, or a target that has sold a part."""
    return exposed(plan, now) if rests else closed(plan, now)
