"""Breakeven: when a stop moves to what the position has cost, and where that is. Pure."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.domain.exit_plan import Level
from core.domain.instrument import Instrument
from core.domain.money import HUNDRED, ceil_to_step, divide, multiply
from core.domain.order import Order
from core.domain.plan_leg import LegKind
from core.domain.position import Position
from core.domain.trade_plan import ChangeCause, PlanChange, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.protection import exposed
from core.policy.exits.targets import target_number
from core.policy.sizing.fees import TAKER_FEE


def breakeven_price(position: Position, instrument: Instrument, offset_pct: Decimal) -> Decimal:
    """Returns the price (quote asset) at which a sale brings back what the position has cost, the fees of both included, and
    `offset_pct` per cent more."""
    even = divide(position.average_cost, 1 - TAKER_FEE)
    return ceil_to_step(multiply(even, 1 + divide(offset_pct, HUNDRED)), instrument.price_step)


def is_reached(plan: TradePlan, bid: Decimal) -> bool:
    """Tells whether the market at `bid` (quote asset) is so far above the entry that the stop is to move."""
    breakeven = plan.exits.breakeven
    if breakeven is None or breakeven.after_pct is None:
        return False
    return bid >= level_price(Level(pct=breakeven.after_pct), plan.entry_price, 1)


def after_first_target(plan: TradePlan, leg: Order, position: Position, instrument: Instrument, now: datetime) -> TradePlan:
    """Returns the plan once `leg`, one of its targets, has sold its share: the stop moves if that is what it waits for."""
    breakeven = plan.exits.breakeven
    if breakeven is None or breakeven.after_pct is not None or not plan.sold_at:
        return plan
    move = PlanChange(ChangeCause.TARGET, target_number(plan, leg), len(plan.exits.targets))
    return at_breakeven(plan, move, position, instrument, now)


def at_breakeven(plan: TradePlan, move: PlanChange, position: Position, instrument: Instrument, now: datetime) -> TradePlan:
    """Returns the plan with its stop at breakeven, and nothing more to move it."""
    offset_pct = plan.exits.breakeven.offset_pct if plan.exits.breakeven is not None else Decimal(0)
    stop = None if plan.exits.stop is None else replace(plan.exits.stop, above_cost_pct=offset_pct)
    done = replace(plan, exits=replace(plan.exits, stop=stop, breakeven=None))
    return with_stop_at(done, breakeven_price(position, instrument, offset_pct), move, now)


def at_cost(plan: TradePlan, position: Position, instrument: Instrument) -> TradePlan:
    """Returns the plan after something was bought for it: a stop that is at breakeven goes up to what `position` has cost now."""
    stop = plan.exits.stop
    if stop is None or stop.above_cost_pct is None:
        return plan
    return raised(plan, breakeven_price(position, instrument, stop.above_cost_pct))


def with_stop_at(plan: TradePlan, price: Decimal, move: PlanChange, now: datetime) -> TradePlan:
    """Returns the plan with its stop at `price` (quote asset). It is never moved down: then it stays where it is."""
    moved = raised(plan, price)
    return plan if moved is plan else replace(exposed(moved, now), change=move)


def as_at_exchange(plan: TradePlan, leg: Order, instrument: Instrument) -> TradePlan:
    """Returns the plan with its stop where `leg`, an order of it that the ledger had lost, has it: the stop had moved up."""
    at, stop = leg.terms.stop_price, plan.exits.stop
    if stop is None or at is None or leg.leg is None or leg.leg.kind is not LegKind.STOP:
        return plan
    usual = ceil_to_step(level_price(stop.level, plan.entry_price, -1), instrument.price_step)
    return raised(plan, at) if at > usual else plan


def raised(plan: TradePlan, price: Decimal) -> TradePlan:
    """Returns the plan with its stop at `price` (quote asset) if that is above where it is; nothing of it is placed anew."""
    stop = plan.exits.stop
    if stop is None or level_price(stop.level, plan.entry_price, -1) >= price:
        return plan
    return replace(plan, exits=replace(plan.exits, stop=replace(stop, level=Level(price=price))))
