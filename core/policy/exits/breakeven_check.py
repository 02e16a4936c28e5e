"""Checks the breakeven of an exit plan: whether there is a stop to move, and room above what the fees take. Pure."""

from collections.abc import Iterator
from decimal import ROUND_UP, Decimal

from core.domain.exit_plan import Breakeven, ExitPlan, Level
from core.domain.money import HUNDRED, ZERO, divide, multiply, plain
from core.domain.reasons import Reason, reason
from core.policy.sizing.fees import TAKER_FEE

_HUNDREDTH = Decimal("0.01")


def breakeven_faults(plan: ExitPlan, reference: Decimal | None) -> Iterator[Reason]:
    """Yields what is wrong with the plan's breakeven. Fixed prices are compared with `reference` (quote asset), the price that
    the entry is expected at; without one they are not."""
    breakeven = plan.breakeven
    if breakeven is None:
        return
    if not 0 <= breakeven.offset_pct < HUNDRED:
        yield reason("plan_breakeven_offset", found=plain(breakeven.offset_pct))
    if plan.stop is None:
        yield reason("plan_breakeven_stop")
    if breakeven.after_pct is None:
        yield from _first_target_faults(plan, breakeven, reference)
        return
    least, last = _least(breakeven), _last(plan, reference)
    if breakeven.after_pct <= least:
        yield reason("plan_breakeven_low", found=plain(breakeven.after_pct), least=_shown(least))
    elif last is not None and breakeven.after_pct >= last:
        yield reason("plan_breakeven_late", found=plain(breakeven.after_pct), last=_shown(last))


def _first_target_faults(plan: ExitPlan, breakeven: Breakeven, reference: Decimal | None) -> Iterator[Reason]:
    if not plan.targets:
        yield reason("plan_breakeven_target")
        return
    if plan.targets[0].share >= HUNDRED:
        yield reason("plan_breakeven_all", found=plain(plan.targets[0].share))
    distances = [away for target in plan.targets if (away := _distance(target.level, reference)) is not None]
    least = _least(breakeven)
    if distances and min(distances) <= least:
        yield reason("plan_breakeven_near", found=_shown(min(distances)), least=_shown(least))


def _least(breakeven: Breakeven) -> Decimal:
    """Returns how far above the entry a stop at breakeven is, in per cent: as far as the fees of both sides and the offset take
    it."""
    kept = multiply(1 - TAKER_FEE, 1 - TAKER_FEE)
    return multiply(divide(1 + divide(breakeven.offset_pct, HUNDRED), kept) - 1, HUNDRED)


def _shown(pct: Decimal) -> str:
    return plain(pct.quantize(_HUNDREDTH, rounding=ROUND_UP))


def _last(plan: ExitPlan, reference: Decimal | None) -> Decimal | None:
    """Returns how far above the entry everything is sold, in per cent; None if something stays, or that is unknown."""
    distances = [_distance(target.level, reference) for target in plan.targets]
    known = [away for away in distances if away is not None]
    if sum((target.share for target in plan.targets), ZERO) < HUNDRED or len(known) < len(distances):
        return None
    return max(known)


def _distance(level: Level, reference: Decimal | None) -> Decimal | None:
    if level.pct is not None:
        return level.pct
    if level.price is None or not reference:
        return None
    return multiply(divide(level.price, reference) - 1, HUNDRED)
