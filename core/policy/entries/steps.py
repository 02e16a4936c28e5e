"""The steps of an entry: what is bought again below it while its position is open. Each is a signal of its own. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.dca_step import DcaStep, StepPlace
from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.limit_entry import LimitEntry
from core.domain.messages import Message, SignalReceived
from core.domain.money import HUNDRED, divide, floor_to_step, multiply
from core.domain.order import Order
from core.domain.order_terms import OrderType
from core.domain.plan_leg import LegKind
from core.domain.position import Position
from core.domain.signal import ADOPTED, STEP, Side, Signal, naming
from core.domain.trade_size import SizeKind, TradeSize
from core.policy.decision_context import RiskLimits
from core.policy.execution_role import entry_id_of

BOUGHT, SOLD = "BUY_STEP", "SELL_STEP"
"""The types of the signals of steps: one that buys, and one that sells what a step has bought too late."""


def steps_of(signal: Signal, limits: RiskLimits) -> tuple[DcaStep, ...]:
    """Returns the steps that an entry on `signal` is made with: its own, or the settings'. An order by hand has those that its
    person named, and no others. What was found on the exchange has none: nobody knows what was wanted."""
    if signal.side is Side.SELL or signal.is_step or signal.source == ADOPTED:
        return ()
    if signal.by_hand:
        return signal.steps or ()
    return limits.dca_steps if signal.steps is None else signal.steps


@dataclass(frozen=True, slots=True)
class FirstEntry:
    """An entry that steps follow: its client order id, when it opened its position, and that it has `bought` (base asset) at
    `average` (quote asset)."""

    entry_id: str
    opened_at: datetime
    average: Decimal
    bought: Decimal


def step_signals(signal: Signal, steps: Sequence[DcaStep], first: FirstEntry, tick: Decimal, now: datetime) -> list[Signal]:
    """Returns the signals of `steps` after an entry on `signal`; `tick` is that of the symbol's prices. They bring no exits: the
    position keeps its own."""
    return [
        Signal(
            STEP,
            f"{first.entry_id}/step-{number}",
            BOUGHT,
            signal.symbol,
            first.average,
            now,
            naming(signal.strategy),
            plan=ExitPlan(),
            entry=LimitEntry(OrderType.LIMIT, step_price(step, first.average, tick)),
            size=step.size or TradeSize(SizeKind.QUANTITY, multiply(first.bought, step.factor)),
            step=StepPlace(first.entry_id, number, len(steps), first.opened_at),
        )
        for number, step in enumerate(steps, 1)
    ]


def step_price(step: DcaStep, average: Decimal, tick: Decimal) -> Decimal:
    """Returns the limit of a step, in quote asset; unrounded where it is below the smallest price: it is refused then."""
    price = multiply(average, 1 - divide(step.pct, HUNDRED))
    return (floor_to_step(price, tick) if tick else price) or price


def steps_after(order: Order, position: Position, instrument: Instrument, limits: RiskLimits, now: datetime) -> list[Message]:
    """Returns the steps to be placed once `order`, the last of its entry, has ended and `position` is held: none unless that
    entry has opened it, nor of one that somebody has approved without them."""
    steps = () if order.approved_at is not None and order.signal.steps is None else steps_of(order.signal, limits)
    is_first = position.entry_count == 1 and position.last_entry == entry_id_of(order)
    if not steps or not position.is_open or not is_first or position.opened_at is None:
        return []
    is_chase = order.leg is not None and order.leg.kind is LegKind.ENTRY  # several orders have bought
    average, bought = (position.average_price, position.qty) if is_chase else (order.average_price, order.executed_qty)
    first = FirstEntry(entry_id_of(order), position.opened_at, average, bought)
    signals = step_signals(order.signal, steps, first, instrument.price_step, now)
    return [Message(STEP, one.signal_id, one.symbol, SignalReceived(one), now) for one in signals]


def belongs(step: StepPlace | None, position: Position) -> bool:
    """Tells whether a step belongs to `position`: it is open, and the one that the step's entry has opened."""
    return step is not None and position.is_open and position.opened_at == step.opened_at


def sold_again(order: Order, before: Position, after: Position, now: datetime) -> list[Message]:
    """Returns the exit of what a step has bought too late: its position, now `before`, was gone by then, and nothing else would
    ever sell it as its owner wanted. None for any other order."""
    step = order.signal.step
    if not order.signal.is_step or step is None or not after.is_open or belongs(step, before):
        return []
    name = f"{step.entry_id}/step-{step.number}/exit-{order.executed_qty.normalize():f}"
    exit_signal = Signal(STEP, name, SOLD, order.symbol, order.average_price, now, naming(order.signal.strategy), step=step)
    return [Message(STEP, name, order.symbol, SignalReceived(exit_signal), now)]
