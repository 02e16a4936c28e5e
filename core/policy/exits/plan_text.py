"""The parts of an exit plan as texts, as settings and /set write them: `5` or `5:50,10:50`, per cent from the entry and share.
Pure."""

from datetime import timedelta
from decimal import Decimal

from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.money import HUNDRED, parse_decimal, plain
from core.policy.exits.plan_check import MOST_TARGET_PCT, check_plan

OFF = "off"
"""Turns a stop or a target of the settings off."""

_TARGET = "target"
_ANY_STOP = StopLoss(Level(pct=Decimal(1)))


def stop_pct(text: str) -> Decimal | None:
    """Parses the distance of a stop below the entry, in per cent; None for `off`. Raises ValueError."""
    if _is_off(text):
        return None
    pct = parse_decimal(text.strip())
    _check(ExitPlan(StopLoss(Level(pct=pct))))
    return pct


def targets(text: str) -> tuple[Target, ...]:
    """Parses targets; none for `off`. A single one sells everything where it names no share. Raises ValueError, also for five
    targets that leave something: with a stop for that there would be a sixth part."""
    if _is_off(text):
        return ()
    parts = [part.partition(":") for part in text.split(",")]
    found = tuple(_target(pct, share if colon else None, alone=len(parts) == 1) for pct, colon, share in parts)
    _check(ExitPlan(_ANY_STOP, found))
    return found


def breakeven(text: str) -> Breakeven | None:
    """Parses when a stop moves to breakeven: `target` for after the first target, or per cent above the entry; None for `off`.
    Raises ValueError."""
    if _is_off(text):
        return None
    if text.strip().casefold() == _TARGET:
        return Breakeven()
    found = Breakeven(parse_decimal(text.strip()))
    if found.after_pct is None or found.after_pct > MOST_TARGET_PCT:
        raise ValueError("too far above the entry")
    _check(ExitPlan(_ANY_STOP, breakeven=found))
    return found


def written_breakeven(found: Breakeven) -> str:
    """Returns when a stop moves to breakeven, as `breakeven` parses it."""
    return _TARGET if found.after_pct is None else plain(found.after_pct)


def activation_pct(text: str) -> Decimal | None:
    """Parses how far above the entry a stop begins to follow, in per cent; None for `off`. Raises ValueError."""
    if _is_off(text):
        return None
    found = parse_decimal(text.strip())
    _check(ExitPlan(trailing=Trailing(Decimal(1), found)))
    return found


def time_limit(text: str) -> timedelta | None:
    """Parses after how many seconds a position is sold; None for `off`. Raises ValueError."""
    if _is_off(text):
        return None
    found = timedelta(seconds=float(min(parse_decimal(text.strip()), Decimal(10**9))))
    _check(ExitPlan(time_limit=found))
    return found


def written(plan_targets: tuple[Target, ...]) -> str:
    """Returns targets by distance as `targets` parses them; empty for none."""
    whole = [target.share == HUNDRED for target in plan_targets] == [True]
    return ",".join(
        plain(target.level.pct or Decimal(0)) + ("" if whole else f":{plain(target.share)}") for target in plan_targets
    )


def _target(pct: str, share: str | None, *, alone: bool) -> Target:
    if share is None and not alone:
        raise ValueError("a target without a share")
    level = Level(pct=parse_decimal(pct.strip()))
    return Target(level) if share is None else Target(level, parse_decimal(share.strip()))


def _is_off(text: str) -> bool:
    return text.strip().casefold() == OFF


def _check(plan: ExitPlan) -> None:
    """Raises ValueError if the plan is not sound."""
    why = check_plan(plan)
    if why is not None:
        raise ValueError(str(why))
