"""Reads the size that a record asks for: `quantity`, `quote_quantity`, `equity_pct`, `risk_pct` or `position_pct`. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.adapters.signals.json_parser import Refused, as_decimal, printable, shown
from core.domain.exit_plan import ExitPlan
from core.domain.money import EXACT, HUNDRED
from core.domain.reasons import reason
from core.domain.trade_size import SizeKind, TradeSize
from core.policy.exits.trailing import with_first_stop

SIZE_FIELDS = frozenset(SizeKind)

_OF_ENTRY = (SizeKind.QUANTITY, SizeKind.QUOTE, SizeKind.EQUITY, SizeKind.RISK)
_OF_EXIT = (SizeKind.POSITION, SizeKind.QUANTITY)
_AMOUNTS = {SizeKind.QUANTITY, SizeKind.QUOTE}

_MOST = Decimal(10) ** 15
_MOST_DECIMALS = 16


def read_size(fields: Mapping[str, Any], signal_type: str, plan: ExitPlan | None) -> TradeSize | None:
    """Returns the size in `fields`; None if they have none: then the settings decide. Raises Refused for one that is unreadable,
    out of range, on the wrong side or not alone, and for a risk without a stop in the `plan` that the record brings."""
    accepted = _OF_ENTRY if signal_type.startswith("BUY_") else _OF_EXIT
    _refuse_misspelled(fields, accepted)
    given = [kind for kind in SizeKind if fields.get(kind) is not None]
    for kind in given:
        if kind not in accepted:
            name = "size_of_entry" if kind in _OF_ENTRY else "size_of_exit"
            raise Refused(reason(name, name=kind, signal_type=signal_type, accepted=", ".join(accepted)))
    if len(given) > 1:
        one, other = given[:2]
        raise Refused(reason("two_sizes", one=one, found=shown(fields[one]), other=other, second=shown(fields[other])))
    if not given:
        return None
    size = TradeSize(given[0], read_amount(given[0], fields[given[0]]))
    if size.kind is SizeKind.RISK and plan is not None and with_first_stop(plan).stop is None:
        raise Refused(reason("size_without_stop", found=shown(fields[SizeKind.RISK])))
    return size


def _refuse_misspelled(fields: Mapping[str, Any], accepted: tuple[SizeKind, ...]) -> None:
    """Raises Refused for a size in another spelling: not to read it would trade another size than was asked for."""
    meant = {kind.replace("_", ""): kind for kind in accepted}
    for name, value in fields.items():
        kind = meant.get("".join(letter for letter in name.lower() if letter.isalnum()))
        if value is not None and kind is not None and name != kind:
            raise Refused(reason("size_misspelled", name=printable(name), meant=kind))


def read_amount(kind: SizeKind, found: Any) -> Decimal:
    """Returns the amount of a size of `kind`. Raises Refused for one that is unreadable or out of range."""
    try:
        amount = as_decimal(found)
    except ValueError:
        raise Refused(reason("size_no_number", name=kind, found=shown(found))) from None
    exponent = EXACT.normalize(amount).as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MOST_DECIMALS:
        raise Refused(reason("size_digits", name=kind, found=shown(found), limit=_MOST_DECIMALS))
    if kind in _AMOUNTS and not 0 < amount < _MOST:
        raise Refused(reason("size_out_of_range", name=kind, found=shown(found)))
    if kind not in _AMOUNTS and not 0 < amount <= HUNDRED:
        raise Refused(reason("size_pct_out_of_range", name=kind, found=shown(found)))
    return amount
