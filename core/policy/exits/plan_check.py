"""Checks an exit plan before anything is bought: whether it contradicts itself, or the price that it starts from. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from core.domain.exit_plan import ExitPlan, StopLoss, Target, Trailing
from core.domain.money import HUNDRED, ZERO, plain
from core.domain.reasons import Reason, reason
from core.policy.exits.breakeven_check import breakeven_faults

MOST_PARTS = 5
"""The most targets of a plan, and the most parts that a position is sold in: each is an order list with a number of its own."""

LONGEST_TIME = timedelta(days=365)
"""The longest time limit."""

LONGEST_SECONDS = int(LONGEST_TIME.total_seconds())

MOST_TARGET_PCT = Decimal(1000)
"""The most per cent that a target may be above the entry."""


def check_plan(plan: ExitPlan, reference: Decimal | None = None) -> Reason | None:
    """Returns why the plan is refused, None if it is sound. Fixed prices are compared with `reference` (quote asset), the price
    that the entry is expected at; without one they are not."""
    return next(_faults(plan, reference), None)


def _faults(plan: ExitPlan, reference: Decimal | None) -> Iterator[Reason]:
    if plan.stop is not None:
        yield from _stop_faults(plan.stop, reference)
    if len(plan.targets) > MOST_PARTS:
        yield reason("plan_targets", found=len(plan.targets), limit=MOST_PARTS)
    for target in plan.targets:
        yield from _target_faults(target, reference)
    yield from _share_faults(plan)
    yield from breakeven_faults(plan, reference)
    if plan.trailing is not None:
        yield from _trailing_faults(plan.trailing)
    if plan.time_limit is not None and not timedelta() < plan.time_limit <= LONGEST_TIME:
        yield reason("plan_time_limit", found=f"{plan.time_limit.total_seconds():.12g}", limit=LONGEST_SECONDS)


def _trailing_faults(trailing: Trailing) -> Iterator[Reason]:
    if not 0 < trailing.pct < HUNDRED:
        yield reason("plan_trailing_pct", found=plain(trailing.pct))
    after = trailing.activation_pct
    if after is not None and not 0 < after <= MOST_TARGET_PCT:
        yield reason("plan_trailing_activation", found=plain(after), limit=plain(MOST_TARGET_PCT))


def _stop_faults(stop: StopLoss, reference: Decimal | None) -> Iterator[Reason]:
    price, pct, offset = stop.level.price, stop.level.pct, stop.limit_offset_pct
    if pct is not None and not 0 < pct < HUNDRED:
        yield reason("plan_stop_pct", found=plain(pct))
    if price is not None and reference is not None and not 0 < price < reference:
        yield reason("plan_stop_price", found=plain(price), reference=plain(reference))
    if offset is not None and not 0 <= offset < HUNDRED:
        yield reason("plan_stop_offset", found=plain(offset))


def _target_faults(target: Target, reference: Decimal | None) -> Iterator[Reason]:
    price, pct = target.level.price, target.level.pct
    if pct is not None and not 0 < pct <= MOST_TARGET_PCT:
        yield reason("plan_target_pct", found=plain(pct), limit=plain(MOST_TARGET_PCT))
    if price is not None and reference is not None and not reference < price:
        yield reason("plan_target_price", found=plain(price), reference=plain(reference))
    if not 0 < target.share <= HUNDRED:
        yield reason("plan_share", found=plain(target.share))


def _share_faults(plan: ExitPlan) -> Iterator[Reason]:
    shares = sum((target.share for target in plan.targets), ZERO)
    if shares > HUNDRED:
        yield reason("plan_shares", found=plain(shares))
    has_stop = plan.stop is not None or plan.trailing is not None
    if has_stop and len(plan.targets) == MOST_PARTS and shares < HUNDRED:
        yield reason("plan_parts", found=len(plan.targets), rest=plain(HUNDRED - shares), limit=MOST_PARTS)
