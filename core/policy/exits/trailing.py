"""Trailing: a stop that follows the market up, at a distance. Pure."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Trailing
from core.domain.instrument import Instrument
from core.domain.money import HUNDRED, ZERO, ceil_to_step, divide, multiply, plain
from core.domain.plan_leg import MOST_GENERATIONS
from core.domain.reasons import Reason, reason
from core.domain.trade_plan import ChangeCause, PlanChange, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.protection import exposed

_STEPS = 10
"""The stop is moved once it can rise by this part of its distance: each move takes off what protects for a moment."""

LEAST_STEP_PCT = Decimal("0.05")
"""A move raises the stop by at least this, in per cent of the price: each one uses up ids."""

KEPT_GENERATIONS = 1296
"""The generations of a plan that moves leave for placing its orders again."""


def with_first_stop(exits: ExitPlan, market: Decimal | None = None) -> ExitPlan:
    """Returns the exits with the stop that a trailing one starts from, where it follows from the start and none is given: below
    the `market` (quote asset), or where that is None, below the entry."""
    trailing = exits.trailing
    if trailing is None or trailing.activation_pct is not None or exits.stop is not None:
        return exits
    return replace(exits, stop=StopLoss(_first_level(trailing, market)))


def with_later_stop(exits: ExitPlan) -> ExitPlan:
    """Returns the exits with the stop that a trailing one will have at the latest once it is active."""
    if exits.trailing is None or exits.stop is not None:
        return exits
    return replace(exits, stop=StopLoss(Level(pct=exits.trailing.pct)))


def bare_before(exits: ExitPlan) -> Reason | None:
    """Returns why a plan has no stop at first: one that follows begins at its activation, and there is no other. None if it
    has."""
    after = exits.trailing.activation_pct if exits.trailing is not None else None
    return reason("no_stop_before", pct=plain(after)) if after is not None and exits.stop is None else None


def wants_to_move(plan: TradePlan, bid: Decimal, instrument: Instrument) -> bool:
    """Tells whether the stop is to follow the market, now at `bid` (quote asset)."""
    return _next_stop(plan, bid, instrument) is not None


def trailed(plan: TradePlan, bid: Decimal, instrument: Instrument, now: datetime) -> TradePlan:
    """Returns the plan once the market was at `bid` (quote asset): its stop follows, up only; from the first move on it goes on
    to. What a person changed stays to be told, if it was not yet carried out."""
    trailing, stop, price = plan.exits.trailing, plan.exits.stop, _next_stop(plan, bid, instrument)
    if trailing is None or price is None:
        return plan
    moved = StopLoss(Level(price=price)) if stop is None else replace(stop, level=Level(price=price))
    exits = replace(plan.exits, stop=moved, trailing=replace(trailing, activation_pct=None))
    return replace(exposed(plan, now), exits=exits, change=_change(plan, trailing))


def follows_less(before: Trailing | None, after: Trailing | None) -> bool:
    """Tells whether a stop that followed the market does so no more, from further away, or later."""
    if before is None:
        return False
    return after is None or after.pct > before.pct or (after.activation_pct or ZERO) > (before.activation_pct or ZERO)


def _first_level(trailing: Trailing, market: Decimal | None) -> Level:
    return Level(pct=trailing.pct) if market is None else Level(price=_behind(trailing, market))


def _next_stop(plan: TradePlan, bid: Decimal, instrument: Instrument) -> Decimal | None:
    """Returns where the stop goes, on the symbol's step; None if it stays: it is not active, or would not rise enough."""
    trailing, stop = plan.exits.trailing, plan.exits.stop
    if trailing is None or not _is_active(plan, trailing, bid) or plan.generation >= MOST_GENERATIONS - KEPT_GENERATIONS:
        return None
    step = instrument.price_step
    price = ceil_to_step(_behind(trailing, bid), step)
    before = ZERO if stop is None else ceil_to_step(level_price(stop.level, plan.entry_price, -1), step)
    rise_pct = max(divide(trailing.pct, Decimal(_STEPS)), LEAST_STEP_PCT)
    least = multiply(bid, divide(rise_pct, HUNDRED)) if trailing.activation_pct is None else ZERO
    return price if price < bid and price > before and price - before >= least else None


def _change(plan: TradePlan, trailing: Trailing) -> PlanChange:
    waiting = plan.change
    if waiting is not None and waiting.cause is ChangeCause.PERSON:
        return waiting
    begins = waiting is not None and waiting.cause is ChangeCause.TRAILING and waiting.is_new
    return PlanChange(ChangeCause.TRAILING, is_new=begins or trailing.activation_pct is not None)


def _is_active(plan: TradePlan, trailing: Trailing, bid: Decimal) -> bool:
    return trailing.activation_pct is None or bid >= level_price(Level(pct=trailing.activation_pct), plan.entry_price, 1)


def _behind(trailing: Trailing, market: Decimal) -> Decimal:
    return multiply(market, 1 - divide(trailing.pct, HUNDRED))
