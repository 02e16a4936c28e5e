"""Keeps count of how much the targets of a plan have sold, and says what is left of its exits. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal

from core.domain.exit_plan import ExitPlan, Target
from core.domain.instrument import Instrument
from core.domain.money import HUNDRED, ZERO, ceil_to_step, divide, multiply
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind
from core.domain.trade_plan import PartSold, TradePlan
from core.policy.exits.bracket import level_price

_A_STEP = Decimal("0.01")  # of a price: the steps of almost all symbols are smaller


def target_number(plan: TradePlan, leg: Order) -> int:
    """Returns which of the plan's targets `leg` is, from 1: the one whose price is nearest, as orders are rounded to the symbol's
    step. The targets may be others than those that it was placed with."""
    prices = _prices(plan)
    return min(range(len(prices)), key=lambda place: abs(prices[place] - leg.price), default=0) + 1


def after_target(plan: TradePlan, before: Order, leg: Order, instrument: Instrument) -> TradePlan:
    """Returns the plan once `leg`, one of its targets, has sold more than `before`: its whole share or a part of it. What is left
    of a share, and is too little for an order beside a stop, goes to the other parts of the plan."""
    if leg.leg is None or leg.leg.kind is not LegKind.TARGET or _is_given_up(plan, before, instrument):
        return plan
    step, parts = instrument.price_step, parts_sold(plan, instrument.price_step)
    place = _place_of(plan, leg.price, step, sold_places(plan, step))
    known = parts.pop(place, ZERO) if place is not None else ZERO
    if leg.state is OrderState.FILLED or _leaves_too_little(plan, leg, instrument):
        return replace(plan, sold_at=(*plan.sold_at, leg.price), part_sold=_as_prices(plan, parts, step))
    if place is None:
        return plan
    left = divide(multiply(1 - known, leg.qty - leg.executed_qty), before.qty - before.executed_qty)
    return replace(plan, part_sold=_as_prices(plan, {**parts, place: 1 - left}, step))


def _is_given_up(plan: TradePlan, before: Order, instrument: Instrument) -> bool:
    """Tells whether what was left of a target went to the other parts before: it still rests until it is taken off."""
    return bool(before.executed_qty) and before.price in plan.sold_at and _too_little(plan, before, instrument)


def _leaves_too_little(plan: TradePlan, leg: Order, instrument: Instrument) -> bool:
    left = remaining(plan, instrument)
    has_others = len(left.targets) > 1 or sum((one.share for one in left.targets), ZERO) < HUNDRED
    return has_others and _too_little(plan, leg, instrument)


def _too_little(plan: TradePlan, leg: Order, instrument: Instrument) -> bool:
    stop = plan.exits.stop
    if stop is None:
        return False
    price = min(level_price(stop.level, plan.entry_price, -1), leg.price)
    return instrument.is_remainder(leg.qty - leg.executed_qty, multiply(price, 1 - _A_STEP))


def sold_places(plan: TradePlan, price_step: Decimal = ZERO) -> frozenset[int]:
    """Returns which of the plan's targets have sold their share, from 0, as orders are rounded to `price_step`: each price that
    has sold is of the nearest target. The exchange may change its step at any time, and the price of a target with it; but what
    is far from every target is of one that the plan has no more."""
    found: set[int] = set()
    for sold in plan.sold_at:
        if (place := _place_of(plan, sold, price_step, found)) is not None:  # two targets may have one price
            found.add(place)
    return frozenset(found)


def parts_sold(plan: TradePlan, price_step: Decimal = ZERO) -> dict[int, Decimal]:
    """Returns the part of its share, below 1, that each target has sold that has not sold all of it; by its place, from 0."""
    sold, found = sold_places(plan, price_step), dict[int, Decimal]()
    for one in plan.part_sold:
        if (place := _place_of(plan, one.price, price_step, sold | found.keys())) is not None:
            found[place] = one.part
    return found


def _place_of(plan: TradePlan, sold: Decimal, price_step: Decimal, taken: Collection[int]) -> int | None:
    """Returns which target, none of `taken`, has sold at the price `sold`; None if none is near it."""
    off = {
        place: abs(ceil_to_step(price, price_step) - sold)
        for place, price in enumerate(_prices(plan))
        if place not in taken and abs(price - sold) <= max(price_step, multiply(price, _A_STEP))
    }
    return min(off, key=lambda place: off[place], default=None)


def counted_from(plan: TradePlan, entry_price: Decimal, price_step: Decimal) -> TradePlan:
    """Returns the plan with its distances in per cent counted from `entry_price` (quote asset): what its targets have sold they
    have sold, wherever they are now."""
    sold, parts = sold_places(plan, price_step), parts_sold(plan, price_step)
    after = replace(plan, entry_price=entry_price)
    prices = _prices(after)
    at = tuple(ceil_to_step(prices[place], price_step) for place in sorted(sold))
    return replace(after, sold_at=at, part_sold=_as_prices(after, parts, price_step))


def with_exits(plan: TradePlan, exits: ExitPlan) -> TradePlan:
    """Returns the plan with other exits: what its targets have sold counts while they are the same."""
    return replace(plan if exits.targets == plan.exits.targets else unsold(plan), exits=exits)


def unsold(plan: TradePlan) -> TradePlan:
    """Returns the plan as if its targets had sold nothing."""
    return replace(plan, sold_at=(), part_sold=())


def unsold_numbers(plan: TradePlan, instrument: Instrument) -> tuple[int, ...]:
    """Returns the numbers, from 1, of the targets that have not sold their share yet."""
    sold = sold_places(plan, instrument.price_step)
    return tuple(place + 1 for place in range(len(plan.exits.targets)) if place not in sold)


def remaining(plan: TradePlan, instrument: Instrument) -> ExitPlan:
    """Returns what is left of the plan's exits: without what the targets have sold, and with shares of what is held now."""
    targets, parts = plan.exits.targets, parts_sold(plan, instrument.price_step)
    places = [number - 1 for number in unsold_numbers(plan, instrument)]
    left = [multiply(targets[place].share, 1 - parts.get(place, ZERO)) for place in places]
    wanted = sum(left, ZERO)
    whole = HUNDRED - sum((one.share for one in targets), ZERO) + wanted
    shares = [min(divide(multiply(share, HUNDRED), whole), HUNDRED) for share in left if whole > 0]
    found = tuple(replace(targets[place], share=share) for place, share in zip(places, shares, strict=False))
    return replace(plan.exits, targets=_adding_up(found, to_whole=wanted == whole), breakeven=None)


def _adding_up(targets: tuple[Target, ...], *, to_whole: bool) -> tuple[Target, ...]:
    """Returns the targets with shares of at most 100 per cent together, or `to_whole` of exactly that: what rounding added is
    taken from the last, and what it took away is given to it. Else a few steps would be left, which no order can sell."""
    more = sum((one.share for one in targets), ZERO) - HUNDRED
    if not targets or not (to_whole or more > 0):
        return targets
    return (*targets[:-1], replace(targets[-1], share=targets[-1].share - more))


def _prices(plan: TradePlan) -> list[Decimal]:
    return [level_price(one.level, plan.entry_price, 1) for one in plan.exits.targets]


def _as_prices(plan: TradePlan, parts: Mapping[int, Decimal], price_step: Decimal) -> tuple[PartSold, ...]:
    prices = _prices(plan)
    return tuple(PartSold(ceil_to_step(prices[place], price_step), parts[place]) for place in sorted(parts))
