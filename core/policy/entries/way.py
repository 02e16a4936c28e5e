"""Decides whether an entry is sent together with its exits, or they follow it; and what becomes of its plan then. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.entry_way import EntryWay
from core.domain.exit_plan import ExitPlan, Level
from core.domain.instrument import Instrument
from core.domain.money import HUNDRED, multiply
from core.domain.order import Order
from core.domain.order_terms import OrderType, whole_within
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.domain.trade_plan import ChangeCause, PlanChange, PlanState, TradePlan
from core.policy.decision_context import DecisionContext
from core.policy.entries.adding import exits_of
from core.policy.exits.bracket import Purchase, brackets, level_price
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.protection import exposed, legs_of
from core.policy.sizing.fees import TAKER_FEE
from core.policy.sizing.order_size import SizedOrder

_NEAR = 20  # a level may be off by this part of its distance from the entry

REFUSED = frozenset(
    {"order_type_off", "bad_request", "rejected", "filter_failure", "too_many_open", "list_prices", "would_trigger", "would_take"}
)
"""Reasons that may be the exits' fault where the exchange refuses an entry with them: it is sent without them then."""


def entry_way(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> EntryWay | None:
    """Returns the way of an entry; None for an exit, for one with a limit of its own, and where nothing is to rest.

    Together needs an edge to buy up to, a symbol that has such lists, and a plan that one of them can say: a stop, a target of
    the whole position, or both. The list sells what it has bought: a remainder that was held before would stay bare;
    and coins of another position that are free would pay its commission (faqs/opo.md), and be sold with it.
    """
    plan, instrument = exits_of(signal, decision_context), decision_context.instrument
    if sized.side is Side.SELL or signal.entry is not None or plan is None or not plan.rests or instrument is None:
        return None
    if sized.terms.limit_price is None:
        return EntryWay.AT_MARKET
    if len(plan.targets) > 1 or any(target.share != HUNDRED for target in plan.targets):
        return EntryWay.PARTS
    rules, is_pair = instrument.resting, plan.stop is not None and bool(plan.targets)
    if not rules.opo_allowed or OrderType.LIMIT not in rules.order_types or (is_pair and not rules.oco_allowed):
        return EntryWay.NOT_ALLOWED
    if (beside := _beside(instrument, decision_context)) is not None:
        return beside
    bid = decision_context.quote.bid if decision_context.quote is not None else sized.price
    found = exits_with(plan, sized.qty, sized.price, instrument, market=bid)
    return EntryWay.UNFIT if isinstance(found, Reason) else EntryWay.TOGETHER


def _beside(instrument: Instrument, decision_context: DecisionContext) -> EntryWay | None:
    """Returns why coins that are held already keep the exits from going with the entry."""
    if instrument.market_quantity(decision_context.position.qty) > 0:
        return EntryWay.REMAINDER
    return EntryWay.SHARED if decision_context.shares_coin else None


def by_its_way(signal: Signal, sized: SizedOrder, decision_context: DecisionContext) -> SizedOrder:
    """Returns the order of an entry as its way wants it: one that brings its exits fills whole or not at all."""
    way, edge = entry_way(signal, sized, decision_context), sized.terms.limit_price
    terms = whole_within(edge) if way is EntryWay.TOGETHER and edge is not None else sized.terms
    return replace(sized, terms=terms, way=way)


def exits_with(
    plan: ExitPlan, qty: Decimal, price: Decimal, instrument: Instrument, *, market: Decimal | None = None
) -> Bracket | Reason:
    """Returns the exits of an entry of `qty` (base asset) that is expected to fill at `price`, while the bid is `market`, both
    in quote asset; or why the exchange would refuse them. Their quantity is an estimate: the exchange sets it."""
    bought = Purchase(multiply(qty, 1 - TAKER_FEE), price, price if market is None else min(price, market))
    found = brackets(replace(plan, breakeven=None), instrument, bought)
    return found if isinstance(found, Reason) else found[0]


@dataclass(frozen=True, slots=True)
class Together:
    """An entry about to be sent with its `exits`, and its plan, whose generation they have."""

    entry: Order
    exits: tuple[Order, ...]
    plan: TradePlan


def together(order: Order, plan: TradePlan, instrument: Instrument, now: datetime) -> Together | None:
    """Returns what an entry is sent with, each order under an id of its own; None if its exits cannot be sent with it. The levels
    of the plan count from the price at which the entry was decided: it is not known yet where it fills."""
    found = exits_with(plan.exits, order.qty, order.price, instrument)
    if isinstance(found, Reason):
        return None
    list_id = PlanLeg(plan.plan_id, LegKind.LIST, found.number, plan.generation).client_order_id
    exits = tuple(replace(leg, list_id=list_id) for leg in legs_of(plan, [found], order.trading_mode, now))
    plan = replace(plan, generation=plan.generation + 1, entry_price=order.price)
    return Together(replace(order, list_id=list_id), exits, plan)


def is_together(order: Order) -> bool:
    """Tells whether an order is an entry that was sent with its exits."""
    return order.side is Side.BUY and order.list_id is not None


def after_entry(plan: TradePlan, order: Order, now: datetime) -> TradePlan:
    """Returns the plan once the entry that brought its exits has filled: it is exposed until the exchange says that they rest.
    Where the entry filled so far from the expected price that a level in per cent would be off, the plan counts from the true
    one, and what rests is placed anew."""
    if plan.state is not PlanState.ENTERING or _is_near(plan, order.average_price):
        return exposed(plan, now)
    return exposed(replace(plan, entry_price=order.average_price, change=PlanChange(ChangeCause.FILL)), now)


def _is_near(plan: TradePlan, average: Decimal) -> bool:
    """Tells whether every level in per cent is where it would be counted from `average`, or nearly."""
    stop = [(plan.exits.stop.level, -1)] if plan.exits.stop is not None else []
    levels: list[tuple[Level, int]] = [*stop, *((target.level, 1) for target in plan.exits.targets)]
    for level, direction in levels:
        wanted = level_price(level, average, direction)
        off = abs(level_price(level, plan.entry_price, direction) - wanted)
        if level.pct is not None and off * _NEAR > abs(average - wanted):
            return False
    return True
