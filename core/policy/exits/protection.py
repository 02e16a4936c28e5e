"""The next step of a plan: which orders protect a position, and when that is tried again. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zlib import crc32

from core.domain.events.protection import ProtectionFailed
from core.domain.exit_plan import ExitPlan, Level
from core.domain.instrument import Instrument
from core.domain.money import HUNDRED, ZERO, ceil_to_step, on_grid, plain
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms
from core.domain.plan_leg import MOST_GENERATIONS, LegKind, PlanLeg
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.retry_backoff import RetryBackoff
from core.domain.signal import PLANNED, Side, Signal, naming
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.bracket import Purchase, brackets, level_price
from core.policy.exits.bracket_check import NOTHING_OPEN, Bracket, OpenOrders
from core.policy.exits.pauses import LONGEST_PAUSE_SECONDS, is_over
from core.policy.exits.targets import remaining, unsold_numbers

STOPPED, TAKEN = "SELL_STOP_LOSS", "SELL_TAKE_PROFIT"
_BACKOFF = RetryBackoff(first=2.0, longest=60.0)


def legs_of(plan: TradePlan, parts: Iterable[Bracket], trading_mode: str, now: datetime) -> list[Order]:
    """Returns the orders that carry out `parts`, about to be sent, each under an id of its own."""
    return [replace(leg, trading_mode=trading_mode) for part in parts for leg in _legs_of(plan, part, now)]


def _legs_of(plan: TradePlan, part: Bracket, now: datetime) -> list[Order]:
    list_leg = PlanLeg(plan.plan_id, LegKind.LIST, part.number, plan.generation)
    legs = [
        _leg(plan, PlanLeg(plan.plan_id, kind, part.number, plan.generation), part, terms, now)
        for kind, terms in ((LegKind.TARGET, part.target), (LegKind.STOP, part.stop))
        if terms is not None
    ]
    return [replace(leg, list_id=list_leg.client_order_id) for leg in legs] if len(legs) > 1 else legs


def _leg(plan: TradePlan, leg: PlanLeg, part: Bracket, terms: OrderTerms, now: datetime) -> Order:
    price = terms.stop_price if terms.stop_price is not None else terms.limit_price
    if leg.kind is LegKind.TARGET and part.wanted is not None:
        price = part.wanted  # by which its target is known
    if price is None:
        raise ValueError("a leg has a price")
    kind = STOPPED if leg.kind is LegKind.STOP else TAKEN
    return Order(
        client_order_id=leg.client_order_id,
        signal=Signal(PLANNED, leg.client_order_id, kind, plan.symbol, price, now, naming(plan.strategy)),
        inbox_seq=plan.inbox_seq,
        side=Side.SELL,
        qty=part.qty,
        price=price,
        state=OrderState.SUBMITTED,
        trading_mode="",
        created_at=now,
        updated_at=now,
        terms=terms,
        leg=leg,
    )


def bound(orders: Iterable[Order]) -> Decimal:
    """Returns how much resting orders to sell lock on the exchange, in base asset. Of the two in a list only one can fill, and
    the exchange locks what they sell once."""
    left: dict[str, Decimal] = {}
    for order in orders:
        if order.rests and order.side is Side.SELL:
            name = order.list_id or order.client_order_id
            left[name] = max(left.get(name, ZERO), order.qty - order.executed_qty)
    return sum(left.values(), ZERO)


def at_prices(plan: TradePlan, instrument: Instrument) -> TradePlan:
    """Returns the plan with every level as the price that its order has: rounded up to the symbol's step."""
    return at_steps(plan, instrument.price_step)


def at_steps(plan: TradePlan, price_step: Decimal) -> TradePlan:
    """Returns the plan with every level as a price, rounded up to a step; to none if that is zero."""
    return replace(plan, exits=exits_at_steps(plan.exits, plan.entry_price, price_step))


def exits_at_steps(exits: ExitPlan, average: Decimal, price_step: Decimal) -> ExitPlan:
    """Returns the exits of what was bought at `average` with every level as a price, rounded up to a step; to none if that is
    zero."""

    def fixed(level: Level, direction: int) -> Level:
        at = level_price(level, average, direction)
        return Level(ceil_to_step(at, price_step) if price_step else at)

    stop = exits.stop
    return replace(
        exits,
        stop=None if stop is None else replace(stop, level=fixed(stop.level, -1)),
        targets=tuple(replace(target, level=fixed(target.level, 1)) for target in exits.targets),
    )


def price_of(plan: TradePlan | None, leg: PlanLeg, terms: OrderTerms) -> Decimal:
    """Returns the price (quote asset) by which an order is known that the exchange has and the ledger has lost: its own, or its
    target's if it rests above that, as the market had passed it."""
    price = terms.stop_price or terms.limit_price or ZERO
    if plan is None or plan.plan_id != leg.plan_id or leg.kind is not LegKind.TARGET or leg.number > len(plan.exits.targets):
        return price
    return min(price, on_grid(level_price(plan.exits.targets[leg.number - 1].level, plan.entry_price, 1)))


def exposed(plan: TradePlan, now: datetime) -> TradePlan:
    """Returns the plan of a position that lost, or does not have, its protection: it is due at once."""
    return replace(plan, state=PlanState.EXPOSED, exposed_since=min(plan.exposed_since or now, now), due_at=now)


def lost(plan: TradePlan, held: Decimal, now: datetime, why: Reason) -> tuple[TradePlan, ProtectionFailed]:
    """Returns the plan of a position that has just lost its protection for the reason `why`, and what tells that `held` (base
    asset) has none."""
    return replace(exposed(plan, now), why=why), ProtectionFailed(
        plan.symbol, held, now, why, plan.inbox_seq, strategy=plan.strategy
    )


def is_due(plan: TradePlan, now: datetime) -> bool:
    """Tells whether a plan is to be looked at."""
    return plan.due_at is None or is_over(plan.due_at, now)


def failed(plan: TradePlan, now: datetime, why: Reason, retry_after: float = 0.0) -> TradePlan:
    """Returns the plan after an attempt to protect the position that failed for the reason `why`; the next one waits longer after
    each failure, at least `retry_after` seconds, and at most some minutes."""
    pause = timedelta(seconds=min(max(_BACKOFF.after(plan.failures + 1), retry_after), LONGEST_PAUSE_SECONDS))
    return replace(exposed(plan, now), why=why, failures=plan.failures + 1, due_at=now + pause)


def guarded(plan: TradePlan) -> TradePlan:
    """Returns the plan of a position that is protected as the plan wants."""
    return replace(plan, state=PlanState.GUARDED, exposed_since=None, why=None, due_at=None, failures=0, change=None)


AGAIN_SECONDS = 5.0
"""A plan that is due, or whose position is to be sold, is looked at again after this, if the last look changed nothing."""


def exit_signal(plan: TradePlan, kind: str, now: datetime) -> Signal:
    """Returns the exit of the whole position that the plan makes itself, at the market: at its stop (STOPPED) or target (TAKEN),
    or for another reason. For a span of time it is the same one, with the same content, however often the market is looked at."""
    span = int(now.timestamp() // AGAIN_SECONDS)
    price = _exit_price(plan, kind) or plan.entry_price
    place = (span + crc32(plain(price).encode())) % MOST_GENERATIONS  # a stop that follows the market moves within a span, too
    leg = PlanLeg(plan.plan_id, LegKind.EXIT, _exit_number(plan, kind), place)
    at, named = datetime.fromtimestamp(span * AGAIN_SECONDS, UTC), naming(plan.strategy)
    return Signal(PLANNED, leg.client_order_id, kind, plan.symbol, price, at, named)


def _exit_number(plan: TradePlan, kind: str) -> int:
    """Returns a number for each reason to sell, and another one once the stop has moved: exits that differ have different ids."""
    if kind == STOPPED and plan.exits.stop is not None:
        return 1 if plan.exits.stop.level.price is None else 4
    return 2 if kind == TAKEN else 3


def _exit_price(plan: TradePlan, kind: str) -> Decimal | None:
    if kind == STOPPED and plan.exits.stop is not None:
        return level_price(plan.exits.stop.level, plan.entry_price, -1)
    return level_price(plan.exits.targets[-1].level, plan.entry_price, 1) if kind == TAKEN and plan.exits.targets else None


def reached(plan: TradePlan, bid: Decimal) -> str | None:
    """Returns STOPPED or TAKEN if the market at `bid` (quote asset) has reached the plan's stop or its last target; None
    otherwise. The levels are those that orders would have, see `at_prices`: between one and its rounded price the market would
    have reached neither, and no order could be placed."""
    stop = plan.exits.stop
    if stop is not None and bid <= level_price(stop.level, plan.entry_price, -1):
        return STOPPED
    targets = [level_price(target.level, plan.entry_price, 1) for target in plan.exits.targets]
    return TAKEN if targets and bid >= max(targets) else None


def parts_of(
    plan: TradePlan,
    position: Position,
    instrument: Instrument,
    market: Decimal,
    beside: OpenOrders = NOTHING_OPEN,
    *,
    passed_too: bool = False,
    last: Decimal | None = None,
) -> tuple[Bracket, ...] | Reason:
    """Returns what is left of the plan as orders for `position` while the market is at `market` (quote asset) and other
    orders are open `beside` them, or why they cannot rest; see `brackets`, also for `last`."""
    if plan.generation >= MOST_GENERATIONS:
        return reason("attempts_used_up", count=MOST_GENERATIONS)
    bought = Purchase(position.qty, plan.entry_price, market, last)
    numbers = unsold_numbers(plan, instrument)
    return brackets(remaining(plan, instrument), instrument, bought, beside, numbers=numbers, passed_too=passed_too)


def is_whole(exits: ExitPlan, resting: Iterable[Order]) -> bool:
    """Tells whether the orders that rest carry out every part of `exits`: none has lost its stop, or its target if there is no
    stop."""
    wanted = LegKind.TARGET if exits.stop is None else LegKind.STOP
    shares = sum((one.share for one in exits.targets), ZERO)
    parts = len(exits.targets) + (exits.stop is not None and shares < HUNDRED)
    return sum(one.leg is not None and one.leg.kind is wanted for one in resting) >= parts


def has_moved(plan: TradePlan, resting: Iterable[Order]) -> bool:
    """Tells whether the stops that rest, or the targets of a plan without one, are where the plan, its levels as prices, wants
    them after a change: a target may have sold while the stops of other parts were on their way."""
    stop = plan.exits.stop
    if plan.change is None:
        return True
    if stop is None:
        targets = {one.level.price for one in plan.exits.targets}
        return all(one.price in targets for one in resting if one.leg is not None and one.leg.kind is LegKind.TARGET)
    stops = [one.terms.stop_price for one in resting if one.leg is not None and one.leg.kind is LegKind.STOP]
    return all(price == stop.level.price for price in stops)


def carry_out(plan: TradePlan, position: Position, resting: Sequence[Order], instrument: Instrument) -> bool:
    """Tells whether the orders that rest protect `position` as the plan wants: every part, at its price, and all that is held."""
    is_placed = is_whole(remaining(plan, instrument), resting) and has_moved(at_prices(plan, instrument), resting)
    return is_placed and covers(plan, position, resting, instrument)


def covers(plan: TradePlan, position: Position, resting: Iterable[Order], instrument: Instrument) -> bool:
    """Tells whether the orders that rest sell what is held: no more, and all that an order can sell where the plan wants all of
    it sold. The exchange sizes the exits that an entry brings: it may take a commission from elsewhere (faqs/opo.md)."""
    left = position.qty - bound(resting)
    shares = sum((one.share for one in plan.exits.targets), ZERO)
    wants_all = plan.exits.stop is not None or shares == HUNDRED
    return left >= 0 and (not wants_all or instrument.is_remainder(left, plan.entry_price))


def closed(plan: TradePlan, now: datetime) -> TradePlan:
    """Returns the plan after its position is gone, or was never entered."""
    return replace(plan, state=PlanState.CLOSED, exposed_since=None, due_at=None, closed_at=now)


def is_news(order: Order, state: OrderState, executed_qty: Decimal) -> bool:
    """Tells whether a report says more than is known of the order: reports are heard late, and more than once."""
    if order.state.final or executed_qty < order.executed_qty:
        return False
    return executed_qty > order.executed_qty or (state is not order.state and state.final)
