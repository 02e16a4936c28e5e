"""Results by UTC day and quote asset."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DayResult:
    """Net profit of the exits of one UTC day in one quote asset."""

    day: str
    quote_asset: str
    profit: Decimal
    exits: int
    wins: int
