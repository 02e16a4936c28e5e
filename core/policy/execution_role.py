"""The role of an executed order in its trade: what it was for, and which plan it belonged to. Pure."""

from core.domain.order import Order
from core.domain.plan_leg import LegKind
from core.domain.position import Role
from core.domain.signal import Side
from core.domain.trade_plan import TradePlan
from core.policy.exits.protection import STOPPED, TAKEN
from core.policy.exits.time_limit import TIMED_OUT

_WATCHED = {STOPPED: Role.STOP, TAKEN: Role.TARGET, TIMED_OUT: Role.TIME_LIMIT}


def role_of(order: Order) -> Role:
    """Returns the role of `order`. A stop that MarketFlow watched and sold at is a stop like one that rested."""
    if order.side is Side.BUY:
        return Role.ENTRY
    if order.leg is not None:
        return Role.STOP if order.leg.kind is LegKind.STOP else Role.TARGET
    return _WATCHED.get(order.signal.signal_type, Role.EXIT) if order.signal.is_planned else Role.EXIT


def entry_id_of(order: Order) -> str:
    """Returns the id of the entry that `order` buys for: the orders that follow one that was not filled in time have its id."""
    is_chase = order.leg is not None and order.leg.kind is LegKind.ENTRY
    return order.leg.plan_id if order.leg is not None and is_chase else order.client_order_id


def plan_id_of(order: Order, plan: TradePlan | None) -> str | None:
    """Returns the id of the plan that `order` belongs to; None if there is none."""
    if order.leg is not None and order.protects:
        return order.leg.plan_id
    return plan.plan_id if plan is not None else None
