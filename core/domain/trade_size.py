"""The size that a signal asks for, and how a size that is computed came about."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.domain.money import HUNDRED


class SizeKind(StrEnum):
    """The ways to say a size, by the names of their fields in a signal: an amount of base or quote asset, or per cent of the
    equity: spent, or at risk until the stop. POSITION is of an exit: per cent of what is held."""

    QUANTITY = "quantity"
    QUOTE = "quote_quantity"
    EQUITY = "equity_pct"
    RISK = "risk_pct"
    POSITION = "position_pct"

    @property
    def is_computed(self) -> bool:
        """Tells whether it is computed from the equity, and not given outright."""
        return self in {SizeKind.EQUITY, SizeKind.RISK}


@dataclass(frozen=True, slots=True)
class TradeSize:
    """A size as it was asked for: `amount` in base asset, quote asset or per cent, as its `kind` says."""

    kind: SizeKind
    amount: Decimal

    @property
    def is_whole_position(self) -> bool:
        """Tells whether it is all that is held."""
        return self.kind is SizeKind.POSITION and self.amount >= HUNDRED


class SizeCap(StrEnum):
    """The bounds of a computed size: MAX_ORDER_NOTIONAL, and what is free to be spent."""

    NOTIONAL = "notional"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Sizing:
    """The computation of a size from the equity: `pct` per cent of `equity`, spent or at risk as `kind` says. `wanted` is what it
    came to, the worth of the order; both in the asset `report`. `stop_pct` is how far the stop is below the worst price of the
    entry, in per cent, where the risk counts. `cap` made it smaller, to `most` of the asset `report`."""

    kind: SizeKind
    pct: Decimal
    equity: Decimal
    wanted: Decimal
    report: str
    stop_pct: Decimal | None = None
    cap: SizeCap | None = None
    most: Decimal | None = None
