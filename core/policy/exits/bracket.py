"""Turns an exit plan into the orders that carry it out on the exchange, or says why they cannot rest there. Pure.

Each part of the plan sells its own share: at a target, at the stop, or whichever comes first (an order list, OCO).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.instrument import Instrument
from core.domain.money import EXACT, HUNDRED, ZERO, ceil_to_step, divide, floor_to_step, multiply
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.reasons import Reason
from core.policy.exits.bracket_check import NOTHING_OPEN, Bracket, OpenOrders, missing, refusal
from core.policy.exits.plan_check import check_plan

_A_LITTLE_ABOVE = Decimal("1.001")  # the exchange wants it above the last trade
_NEARLY = Decimal("1e-10")  # base asset: thirds of three steps are one each, though a third is rounded
LIMIT_OFFSET_PCT = Decimal(1)
"""The distance below its trigger within which a stop with a limit may fill, in per cent, where its owner does not say."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """The position that a plan protects: `qty` (base asset) is what is left of the entry after its fees, bought at
    `entry_price` on average; `market` is the best bid now, or the last trade. `last` is our own last trade at which
    the exchange has refused a list: a target has to be above it. Prices in quote asset."""

    qty: Decimal
    entry_price: Decimal
    market: Decimal
    last: Decimal | None = None


def brackets(
    plan: ExitPlan,
    instrument: Instrument,
    bought: Purchase,
    beside: OpenOrders = NOTHING_OPEN,
    *,
    numbers: Sequence[int] = (),
    passed_too: bool = False,
) -> tuple[Bracket, ...] | Reason:
    """Returns the parts of the plan as orders, in the order of its targets; `beside` are the account's open orders on the symbol.
    Each part has the number of its target: `numbers` are those that the targets had before others of their plan sold.

    Together they never sell more than is held. Each part sells its share, rounded down to the symbol's step; the last one takes
    what the others left. Where the shares add up to less than 100 per cent, a stop alone protects the rest; without a stop it
    stays unsold. Returns a reason if any order would be refused: half a plan is none. With `passed_too` a target that the market
    has passed already is placed a little above the market, and one at `last` a step above that; otherwise the first is refused.
    """
    refused = check_plan(plan) or missing(plan, instrument)
    if refused is not None:
        return refused
    stop = None if plan.stop is None else _stop_terms(plan.stop, instrument, bought.entry_price)
    parts = tuple(
        Bracket(number, qty, None if target is None else _target_terms(target, instrument, bought.entry_price), stop)
        for number, (target, qty) in zip(_numbered(plan, numbers), _split(plan, instrument, bought.qty, stop), strict=False)
    )
    if passed_too:
        parts = tuple(_above_market(part, instrument, bought) for part in parts)
    return refusal(parts, instrument, bought.market, beside) or parts


def _numbered(plan: ExitPlan, numbers: Sequence[int]) -> list[int]:
    """Returns the number of each target, and the next one for the rest that has only a stop."""
    found = list(numbers or range(1, len(plan.targets) + 1))
    return [*found, max(found, default=0) + 1]


def _above_market(part: Bracket, instrument: Instrument, bought: Purchase) -> Bracket:
    """Returns the part with a target that can rest: one that the market has passed is placed a little above the market, and one
    that was refused at our own last trade a step above that."""
    wanted, step = part.target.limit_price if part.target is not None else None, instrument.price_step
    if part.target is None or wanted is None:
        return part
    price = wanted if wanted > bought.market else _a_little_above(bought.market, instrument)
    if part.stop is not None and bought.last is not None and is_at_last(price, bought.last, instrument):
        price = ceil_to_step(bought.last, step) + step
    return part if price == wanted else replace(part, target=replace(part.target, limit_price=price), wanted=wanted)


def is_at_last(price: Decimal, last: Decimal, instrument: Instrument) -> bool:
    """Tells whether our own trade at `last` may be why the exchange takes no list with a target at `price`: that has to be above
    the last trade. One far above may be an old one, and the market has come down since."""
    return price <= last <= _a_little_above(price, instrument)


def _a_little_above(price: Decimal, instrument: Instrument) -> Decimal:
    return ceil_to_step(multiply(price, _A_LITTLE_ABOVE), instrument.price_step)


def _split(
    plan: ExitPlan, instrument: Instrument, held: Decimal, stop: OrderTerms | None
) -> Iterator[tuple[Target | None, Decimal]]:
    """Yields the targets, and None for the rest that has only a stop, with the quantity of each."""
    on_step = _quantity_step(instrument, stop)
    left = whole = on_step(held)
    shares = sum((target.share for target in plan.targets), ZERO)
    targets: list[Target | None] = list(plan.targets)
    if stop is not None and shares < HUNDRED:
        targets.append(None)
    for place, target in enumerate(targets, start=1):
        if target is None or (place == len(targets) and shares == HUNDRED):
            qty = left
        else:
            qty = on_step(divide(multiply(whole, target.share), HUNDRED).quantize(_NEARLY, context=EXACT))
        left -= qty
        yield target, qty


def _quantity_step(instrument: Instrument, stop: OrderTerms | None) -> Callable[[Decimal], Decimal]:
    """Returns how quantities are rounded down: a stop that becomes a MARKET order must also keep MARKET_LOT_SIZE."""
    if stop is not None and stop.type is OrderType.STOP_LOSS:
        return instrument.market_quantity
    return lambda qty: floor_to_step(qty, instrument.step_size)


def _stop_terms(stop: StopLoss, instrument: Instrument, entry_price: Decimal) -> OrderTerms:
    """Returns the terms of a stop: at the market where the symbol has that, as it always fills; elsewhere with a limit.

    Its price is rounded up to the tick, so that it never lets go lower than its owner wants. Its limit is rounded down: that only
    makes it surer to fill.
    """
    stop_price = ceil_to_step(level_price(stop.level, entry_price, -1), instrument.price_step)
    if OrderType.STOP_LOSS in instrument.resting.order_types:
        return OrderTerms(OrderType.STOP_LOSS, stop_price=stop_price)
    offset = LIMIT_OFFSET_PCT if stop.limit_offset_pct is None else stop.limit_offset_pct
    limit_price = floor_to_step(multiply(stop_price, 1 - divide(offset, HUNDRED)), instrument.price_step)
    return OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, limit_price, stop_price)


def _target_terms(target: Target, instrument: Instrument, entry_price: Decimal) -> OrderTerms:
    """Returns the terms of a target. Its price is rounded up to the tick: it never sells for less than its owner wants."""
    price = ceil_to_step(level_price(target.level, entry_price, 1), instrument.price_step)
    return OrderTerms(OrderType.LIMIT_MAKER, limit_price=price)


def level_price(level: Level, entry_price: Decimal, direction: int) -> Decimal:
    """Returns the price of a level in quote asset; `direction` 1 is above the entry, -1 below it."""
    if level.pct is None:
        return level.price or ZERO
    return multiply(entry_price, 1 + direction * divide(level.pct, HUNDRED))
