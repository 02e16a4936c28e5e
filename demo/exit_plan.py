"""The exit plan of the toy strategy's entries: near enough that this market hits its stops and targets within a minute or two."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_STOP, _FIRST, _LAST = Decimal(2), Decimal("1.5"), Decimal(3)  # per cent from the entry
_BREAKEVEN = Decimal("0.2")  # the fees of both sides
_HUNDRED = Decimal(100)
_ABOUT = Decimal("0.1")
"""Per cent by which the market has to pass a price before the strategy takes its order for filled: it sees no fills."""

FIELDS: dict[str, Any] = {
    "stop_loss": f"{_STOP}%",
    "take_profit": [{"pct": str(_FIRST), "position_pct": 50}, {"pct": str(_LAST), "position_pct": 50}],
    "breakeven": {"after": "target"},
}
"""The plan as a record says it."""


def is_carried_out(bought_at: Decimal, bids: Iterable[Decimal]) -> bool:
    """Tells whether the plan of what was bought at that price must have sold all of it, as the market went along `bids`."""

    def level(per_cent: Decimal) -> Decimal:
        return bought_at * (1 + per_cent / _HUNDRED)

    stop = level(-_STOP - _ABOUT)
    for bid in bids:
        if bid <= stop or bid >= level(_LAST + _ABOUT):
            return True
        if bid >= level(_FIRST + _ABOUT):
            stop = level(_BREAKEVEN - _ABOUT)
    return False
