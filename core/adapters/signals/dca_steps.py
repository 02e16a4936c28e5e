"""Reads the steps that the record of an entry brings: `dca_steps`. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.adapters.signals.json_parser import Refused, as_decimal, printable, shown
from core.adapters.signals.trade_size import read_amount
from core.domain.dca_step import MOST_STEPS, DcaStep
from core.domain.reasons import reason
from core.domain.trade_size import SizeKind, TradeSize
from core.policy.entries.step_check import check_steps

STEPS = "dca_steps"
STEP_FIELDS = frozenset({STEPS})

_PCT, _FACTOR = "pct", "size_factor"
_SIZES = (SizeKind.QUANTITY, SizeKind.QUOTE)
_KEYS = (_PCT, *(kind.value for kind in _SIZES), _FACTOR)


def read_steps(fields: Mapping[str, Any], signal_type: str) -> tuple[DcaStep, ...] | None:
    """Returns the steps in `fields`; None if they have none: then the settings decide. Raises Refused for steps that are
    unreadable, contradict themselves, or come with an exit."""
    is_entry = signal_type.startswith("BUY_")
    if is_entry:
        _refuse_misspelled(fields)
    found = fields.get(STEPS)
    if found is None:
        return None
    if not is_entry:
        raise Refused(reason("plan_of_exit", name=STEPS, signal_type=signal_type))
    if not isinstance(found, list):
        raise Refused(reason("steps_no_list", found=shown(found), limit=MOST_STEPS))
    steps = tuple(map(_step, found))
    if (why := check_steps(steps)) is not None:
        raise Refused(why)
    return steps


def _refuse_misspelled(fields: Mapping[str, Any]) -> None:
    """Raises Refused for steps in another spelling: without them another position would be bought than was asked for."""
    for name, value in fields.items():
        meant = "".join(letter for letter in name.lower() if letter.isalnum()) == STEPS.replace("_", "")
        if value is not None and meant and name != STEPS:
            raise Refused(reason("steps_misspelled", name=printable(name)))


def _step(found: Any) -> DcaStep:
    if not isinstance(found, dict):
        raise Refused(reason("steps_no_list", found=f"a list with {shown(found)}", limit=MOST_STEPS))
    for key in found:
        if key not in _KEYS:
            raise Refused(reason("plan_unknown_key", name=STEPS, key=printable(key), accepted=", ".join(_KEYS)))
    pct = _number(_PCT, found.get(_PCT))
    given = [name for name in _KEYS[1:] if found.get(name) is not None]
    if len(given) > 1:
        one, other = given[:2]
        raise Refused(reason("two_sizes", one=one, found=shown(found[one]), other=other, second=shown(found[other])))
    if not given:
        return DcaStep(pct)
    if given == [_FACTOR]:
        return DcaStep(pct, _number(_FACTOR, found[_FACTOR]))
    kind = SizeKind(given[0])
    return DcaStep(pct, size=TradeSize(kind, read_amount(kind, found[kind])))


def _number(name: str, found: Any) -> Decimal:
    try:
        return as_decimal(found)
    except ValueError:
        raise Refused(reason("plan_no_number", name=f"{STEPS}.{name}", found=shown(found))) from None
