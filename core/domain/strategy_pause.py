"""The pause of one strategy: its entries are refused, its exits go on."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StrategyPause:
    """Says whether the strategy is `paused`, who said so last, and when."""

    strategy: str
    paused: bool
    changed_by: str
    changed_at: datetime
