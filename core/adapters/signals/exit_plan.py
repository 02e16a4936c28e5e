"""Reads the exit plan that a record brings: `stop_loss`, `take_profit`, `trailing`, `breakeven` and `time_limit`. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from core.adapters.signals.json_parser import Refused, as_decimal, printable, shown
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.money import ZERO
from core.domain.reasons import reason
from core.policy.exits.plan_check import LONGEST_SECONDS, check_plan

T = TypeVar("T")

STOP, TARGET, BREAKEVEN, TIME, TRAILING = "stop_loss", "take_profit", "breakeven", "time_limit", "trailing"
PLAN_FIELDS = frozenset({STOP, TARGET, BREAKEVEN, TIME, TRAILING})

_MEANT = {"stoploss": STOP, "takeprofit": TARGET, "breakeven": BREAKEVEN, "timelimit": TIME, "trailing": TRAILING}

_STOP_KEYS = ("price", "pct", "limit_offset_pct")
_TARGET_KEYS = ("price", "pct", "position_pct")
_BREAKEVEN_KEYS = ("after", "offset_pct")
_TRAILING_KEYS = ("pct", "activation_pct")


def read_plan(fields: Mapping[str, Any], signal_type: str, entry_price: Decimal) -> ExitPlan | None:
    """Returns the exit plan in `fields`; None if they have none: then the settings decide. Raises Refused for a plan that is
    unreadable, contradicts itself or the `entry_price` that is expected (quote asset), or comes with an exit."""
    if signal_type.startswith("BUY_"):
        _refuse_unread(fields)
    given = [name for name in (STOP, TARGET, BREAKEVEN, TIME, TRAILING) if fields.get(name) is not None]
    if not given:
        return None
    if not signal_type.startswith("BUY_"):
        raise Refused(reason("plan_of_exit", name=given[0], signal_type=signal_type))
    plan = _read(fields)
    refused = check_plan(plan, entry_price)
    if refused is not None:
        raise Refused(refused)
    return plan


def _read(fields: Mapping[str, Any]) -> ExitPlan:
    return ExitPlan(
        _if_given(_stop, fields.get(STOP)),
        _if_given(_targets, fields.get(TARGET)) or (),
        _if_given(_breakeven, fields.get(BREAKEVEN)),
        _if_given(_time_limit, fields.get(TIME)),
        _if_given(_trailing, fields.get(TRAILING)),
    )


def _if_given(read: Callable[[Any], T], found: Any) -> T | None:
    return None if found is None else read(found)


def _refuse_unread(fields: Mapping[str, Any]) -> None:
    """Raises Refused for an entry that asks for what is not done: to trade it otherwise would cost its owner money."""
    for name, value in fields.items():
        meant = _MEANT.get("".join(letter for letter in name.lower() if letter.isalnum()))
        if value is not None and meant is not None and name != meant:
            raise Refused(reason("plan_misspelled", name=printable(name), meant=meant))


def _stop(found: Any) -> StopLoss:
    if not isinstance(found, dict):
        return StopLoss(_level(STOP, found))
    level = _level_of(STOP, found, _STOP_KEYS)
    return StopLoss(level, _if_given(partial(_number, f"{STOP}.limit_offset_pct"), found.get("limit_offset_pct")))


def _targets(found: Any) -> tuple[Target, ...]:
    if not isinstance(found, list):
        return (_target(found),)
    if not found:
        raise Refused(reason("plan_no_target", name=TARGET))
    return tuple(map(_target, found))


def _target(found: Any) -> Target:
    if not isinstance(found, dict):
        return Target(_level(TARGET, found))
    level = _level_of(TARGET, found, _TARGET_KEYS)
    share = _if_given(partial(_number, f"{TARGET}.position_pct"), found.get("position_pct"))
    return Target(level) if share is None else Target(level, share)


def _breakeven(found: Any) -> Breakeven:
    values = _object(BREAKEVEN, found, _BREAKEVEN_KEYS)
    offset_pct = _if_given(partial(_number, f"{BREAKEVEN}.offset_pct"), values.get("offset_pct")) or ZERO
    after = values.get("after")
    if after == "target":
        return Breakeven(None, offset_pct)
    try:
        return Breakeven(as_decimal(after.removesuffix("%").rstrip() if isinstance(after, str) else after), offset_pct)
    except ValueError:
        raise Refused(reason("plan_breakeven_after", found=shown(after))) from None


def _trailing(found: Any) -> Trailing:
    values = _object(TRAILING, found, _TRAILING_KEYS)
    activation = _if_given(partial(_number, f"{TRAILING}.activation_pct"), values.get("activation_pct"))
    return Trailing(_number(f"{TRAILING}.pct", values.get("pct")), activation)


def _object(name: str, found: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """Returns what is to be an object with no other keys than `keys`."""
    if not isinstance(found, dict):
        raise Refused(reason(f"plan_{name}_object", found=shown(found)))
    _refuse_unknown(name, found, keys)
    return found


def _time_limit(found: Any) -> timedelta:
    try:
        seconds = as_decimal(found)
    except ValueError:
        seconds = None
    if seconds is None or not 0 < seconds <= LONGEST_SECONDS:  # before it is rounded to microseconds
        raise Refused(reason("plan_time_limit", found=shown(found), limit=LONGEST_SECONDS))
    return timedelta(seconds=float(seconds))


def _level(name: str, found: Any) -> Level:
    """Reads a level that stands alone: a number is a price, a text that ends in % a distance from the entry."""
    try:
        if isinstance(found, str) and found.endswith("%"):
            return Level(pct=as_decimal(found.removesuffix("%").rstrip()))
        return Level(price=as_decimal(found))
    except ValueError:
        raise Refused(reason("plan_no_level", name=name, found=shown(found))) from None


def _level_of(name: str, found: dict[str, Any], keys: tuple[str, ...]) -> Level:
    """Reads the level of an object, which has no other keys than `keys`."""
    _refuse_unknown(name, found, keys)
    price, pct = found.get("price"), found.get("pct")
    if (price is None) == (pct is None):
        raise Refused(reason("plan_one_level", name=name))
    if price is None:
        return Level(pct=_number(f"{name}.pct", pct))
    return Level(price=_number(f"{name}.price", price))


def _refuse_unknown(name: str, found: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in found:
        if key not in keys:
            raise Refused(reason("plan_unknown_key", name=name, key=printable(key), accepted=", ".join(keys)))


def _number(name: str, found: Any) -> Decimal:
    try:
        return as_decimal(found)
    except ValueError:
        raise Refused(reason("plan_no_number", name=name, found=shown(found))) from None
