"""The exit plan of an entry: where its owner wants out, at a loss and at a profit.

A plan is the owner's will; the orders that rest on the exchange are how it is carried out. All prices in quote asset.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from core.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Level:
    """A price of a plan: either fixed as `price`, or `pct` per cent away from the average price of the entry."""

    price: Decimal | None = None
    pct: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.price is None) == (self.pct is None):
            raise ValueError("a level has a price or a distance, and not both")


@dataclass(frozen=True, slots=True)
class Target:
    """A take profit: `share` per cent of the position are sold at `level`, above the entry."""

    level: Level
    share: Decimal = Decimal(100)


@dataclass(frozen=True, slots=True)
class StopLoss:
    """A stop below the entry. `limit_offset_pct` is how far below its trigger it may fill, in per cent, where the exchange only
    has stops with a limit; None: the setting's. `above_cost_pct` is set once it is at breakeven: at least so many per cent above
    what the position has cost it stays, whatever is bought later."""

    level: Level
    limit_offset_pct: Decimal | None = None
    above_cost_pct: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Breakeven:
    """Moves the stop to what the position has cost with all fees, and `offset_pct` per cent above that: once the market is
    `after_pct` per cent above the entry, or if that is None, once the first target has sold its share."""

    after_pct: Decimal | None = None
    offset_pct: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Trailing:
    """Has the stop follow the market up, `pct` per cent below it: from the start, or once the market is `activation_pct` per cent
    above the entry; None again from then on."""

    pct: Decimal
    activation_pct: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """The plan of one entry: a stop, up to five targets (their shares add up to at most 100 per cent), or both. `breakeven` is
    None where the stop stays, and again once it has moved. After `time_limit` the position is sold at any price."""

    stop: StopLoss | None = None
    targets: tuple[Target, ...] = ()
    breakeven: Breakeven | None = None
    time_limit: timedelta | None = None
    trailing: Trailing | None = None

    @property
    def is_empty(self) -> bool:
        """Tells whether it asks for nothing."""
        return not self.rests and self.time_limit is None and self.trailing is None

    @property
    def rests(self) -> bool:
        """Tells whether it asks for orders on the exchange."""
        return self.stop is not None or bool(self.targets)
