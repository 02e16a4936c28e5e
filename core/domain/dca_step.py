"""Steps of an entry: what is bought again, at fixed distances below it, while its position is open."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.trade_size import TradeSize

MOST_STEPS = 9
"""The most steps of an entry."""


@dataclass(frozen=True, slots=True)
class DcaStep:
    """A purchase `pct` per cent below the average price of the first entry: of `size`, or if that is None, of `factor` times what
    the first entry has bought."""

    pct: Decimal
    factor: Decimal = Decimal(1)
    size: TradeSize | None = None


@dataclass(frozen=True, slots=True)
class StepPlace:
    """The step that a signal stands for: `number` of `count`, of the entry with the client order id `entry_id`, whose position
    was opened at `opened_at`."""

    entry_id: str
    number: int
    count: int
    opened_at: datetime
