"""The equity as it was last measured, and the point from which losing exits count: what protections remember."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Protection(StrEnum):
    """The protections that stop entries until a person starts them anew."""

    DRAWDOWN = "drawdown"
    LOSSES = "losses"


@dataclass(frozen=True, slots=True)
class EquityMark:
    """The equity at a moment, and its highest value so far as `peak`, both in the asset `report`. The peak follows deposits and
    withdrawals in proportion: they are no profit and no loss. `external` is what each quote asset has had from outside, in that
    asset: what is there less what trading brought."""

    at: datetime
    report: str
    equity: Decimal
    peak: Decimal
    external: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class LossReset:
    """Losing exits count from `at` on: a person said so."""

    at: datetime
    who: str
