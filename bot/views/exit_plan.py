"""Exit plans in words and numbers: where stop and targets are, and what protects a position. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from bot.texts import Html, Texts
from bot.views.number_format import percent_of, price, quantity
from core.domain.events.orders import OrderExecuted
from core.domain.exit_plan import Level
from core.domain.order import Order
from core.domain.plan_leg import LegKind
from core.domain.position import Position
from core.domain.signal import Side
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.protection import STOPPED
from core.policy.exits.targets import sold_places, target_number
from core.policy.exits.time_limit import TIMED_OUT, ends_at

_BETWEEN = Html(" · ")
_ON_ONE_LINE = 2
_HERE = {STOPPED: "protection.stop_here", TIMED_OUT: "protection.time_here"}


@dataclass(frozen=True, slots=True)
class PlanLevel:
    """A price of a plan, in quote asset: a target with its `number` of `count` and its `share` in per cent, which it may have
    sold; without a number the stop."""

    price: Decimal
    number: int = 0
    count: int = 0
    share: Decimal = Decimal(100)
    is_sold: bool = False


def plan_levels(plan: TradePlan) -> list[PlanLevel]:
    """Returns the stop, if there is one, and the targets."""
    stop, targets = plan.exits.stop, plan.exits.targets
    levels = [] if stop is None else [PlanLevel(level_price(stop.level, plan.entry_price, -1))]
    sold = sold_places(plan)
    for place, target in enumerate(targets):
        at = level_price(target.level, plan.entry_price, 1)
        levels.append(PlanLevel(at, place + 1, len(targets), target.share, place in sold))
    return levels


def plan_line(plan: TradePlan, reference: Decimal | None, texts: Texts) -> Html:
    """Returns the plan in numbers, on one line: stop and targets, with their distance from `reference` (quote asset) in per cent;
    None if that is unknown."""
    return Html(_BETWEEN.join(_parts(plan, reference, texts)))


def plan_lines(plan: TradePlan, reference: Decimal | None, texts: Texts) -> list[Html]:
    """Returns the same for a message: a line for each part, as a phone is narrow, unless it is a stop and a target without their
    distances."""
    parts = _parts(plan, reference, texts)
    if reference is None and len(parts) <= _ON_ONE_LINE:
        return [Html(_BETWEEN.join(parts))]
    return [Html(one[:1].upper() + one[1:]) for one in parts]


def _parts(plan: TradePlan, reference: Decimal | None, texts: Texts) -> list[Html]:
    parts = [_level(level, reference, texts) for level in plan_levels(plan)]
    parts += [*_trailing(plan, reference, texts), *_breakeven(plan, reference, texts)]
    end = ends_at(plan)
    return [*parts, *([texts("protection.time", time=texts.full_moment(end))] if end is not None else [])]


def _trailing(plan: TradePlan, reference: Decimal | None, texts: Texts) -> list[Html]:
    trailing = plan.exits.trailing
    if trailing is None:
        return []
    pct = quantity(trailing.pct)
    if trailing.activation_pct is None:
        return [texts("protection.trailing", pct=pct)]
    at = level_price(Level(pct=trailing.activation_pct), plan.entry_price, 1)
    return [texts("protection.trailing_from", pct=pct, price=price(at), away=away(at, reference, texts))]


def _breakeven(plan: TradePlan, reference: Decimal | None, texts: Texts) -> list[Html]:
    breakeven = plan.exits.breakeven
    if breakeven is None:
        return []
    if breakeven.after_pct is None:
        return [texts("protection.breakeven_target")]
    at = level_price(Level(pct=breakeven.after_pct), plan.entry_price, 1)
    return [texts("protection.breakeven_price", price=price(at), away=away(at, reference, texts))]


def _level(level: PlanLevel, reference: Decimal | None, texts: Texts) -> Html:
    key = "protection.target_of" if level.count > 1 else "protection.target" if level.number else "protection.stop"
    if level.is_sold:
        return texts("protection.sold", number=level.number, price=price(level.price))
    shown = {"price": price(level.price), "away": away(level.price, reference, texts)}
    return texts(key, number=level.number, share=quantity(level.share), **shown)


def away(at: Decimal, reference: Decimal | None, texts: Texts) -> Html:
    """Returns how far a price is from `reference`; nothing if that is unknown."""
    return texts("protection.away", distance=percent_of(at - reference, reference)) if reference else Html("")


def executed_plan_lines(event: OrderExecuted, texts: Texts) -> list[Html]:
    """Returns the lines of an executed order about its plan: an entry's stop and targets, or which of them an exit was."""
    order, plan = event.order, event.plan
    if not order.protects:
        if order.signal.is_planned:
            return [texts(_HERE.get(order.signal.signal_type, "protection.target_here"))]
        return [] if plan is None else plan_lines(plan, plan.entry_price, texts)
    lines = [_filled(event, texts)]
    if event.position.is_open and event.protected is not None:
        shown = {"quantity": quantity(event.protected), "held": quantity(event.position.qty), "base": event.execution.base_asset}
        lines.append(texts("protection.left", **shown))
    return lines


def _filled(event: OrderExecuted, texts: Texts) -> Html:
    order, plan = event.order, event.plan
    if order.leg is None or order.leg.kind is LegKind.STOP:
        return texts("protection.stop_filled", price=price(trigger_of(order)))
    if plan is None or len(plan.exits.targets) == 1:
        return texts("protection.target_filled")
    return texts("protection.target_of_filled", number=target_number(plan, order), count=len(plan.exits.targets))


@dataclass(frozen=True, slots=True)
class Guard:
    """A position and its protection: its `plan`, the levels as prices (None: it has none), and how much of it resting orders
    sell (`protected`, base asset). `market` is the price now in quote asset, None if unknown."""

    position: Position
    base: str
    plan: TradePlan | None
    protected: Decimal
    market: Decimal | None


def guard_lines(guard: Guard, texts: Texts) -> list[Html]:
    """Returns whether a position is protected, since when not and why, and how far its stop and targets are from the price."""
    plan, held = guard.plan, guard.position.qty
    lines: list[Html]
    if plan is None:
        return [texts("protection.none")]
    if plan.state is PlanState.GUARDED and not plan.exits.rests:
        lines = []
    elif plan.state is PlanState.GUARDED:
        shown = {"quantity": quantity(guard.protected), "held": quantity(held), "base": guard.base}
        lines = [texts("protection.guarded" if guard.protected >= held else "protection.guarded_part", **shown)]
    elif plan.why is None or plan.exposed_since is None:
        lines = [texts("protection.placing")]
    else:
        not_moved = plan.change is not None and bool(guard.protected)
        head = texts("protection.exposed", time=texts.exact_time(plan.exposed_since))
        lines = [
            texts("protection.moving") if not_moved else head,
            texts("reason", reason=texts.reason(plan.why)),
            texts("protection.watched"),
        ]
    return [*lines, *_no_stop_yet(plan, texts), *plan_lines(plan, guard.market, texts)]


def _no_stop_yet(plan: TradePlan, texts: Texts) -> list[Html]:
    """Returns the line that says so where nothing limits a loss before the stop begins to follow."""
    trailing = plan.exits.trailing
    if trailing is None or trailing.activation_pct is None or plan.exits.stop is not None:
        return []
    return [texts("protection.no_stop_yet", price=price(level_price(Level(pct=trailing.activation_pct), plan.entry_price, 1)))]


def purpose(order: Order, plan: TradePlan | None, texts: Texts) -> Html:
    """Returns the purpose of a resting order: the stop, or a target with its number."""
    if order.leg is None or not order.protects:
        return texts("protection.an_order")
    if order.leg.kind is LegKind.STOP:
        return texts("protection.a_stop")
    if plan is None or len(plan.exits.targets) == 1:
        return texts("protection.a_target")
    return texts("protection.a_target_of", number=target_number(plan, order), count=len(plan.exits.targets))


def side_mark(side: Side) -> str:
    """Returns the sign of a side."""
    return "🟩" if side is Side.BUY else "🔴"


def trigger_of(order: Order) -> Decimal:
    """Returns the price (quote asset) that an order waits for."""
    terms = order.terms
    return terms.stop_price or terms.limit_price or order.price
