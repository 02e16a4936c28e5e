"""A status summary for one reader at one time: the morning, evening and heartbeat messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Occasion(StrEnum):
    """The occasion of a digest."""

    MORNING = "morning"
    EVENING = "evening"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    """The results of trading and of its shadow on paper in `quote` over `days`, the difference by stage, and both results at the
    end of each day (`YYYY-MM-DD`, trading, shadow), summed up since the first."""

    quote: str
    days: int
    traded: Decimal
    shadow: Decimal
    stages: Mapping[str, Decimal]
    curve: tuple[tuple[str, Decimal, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest for the chat `chat_id`. `today` and `unrealised` are net profits by quote asset, `exits` and `wins` of the current
    UTC day; `together` is `today` in `report`, without the assets that are `lacking` a rate; None if nothing is converted, or
    there is no rate; `troubles` names the parts that are not well; `days` are the last days' results in `quote` (day, profit),
    for the chart; `shadow` is empty unless SHADOW is on, and in the evening."""

    chat_id: int
    occasion: Occasion
    at: datetime
    pause: str
    mode: str
    trading_mode: str
    positions: int
    today: Mapping[str, Decimal]
    exits: int
    wins: int
    unrealised: Mapping[str, Decimal]
    questions: int
    troubles: tuple[str, ...] = ()
    quote: str = ""
    days: tuple[tuple[str, Decimal], ...] = ()
    together: Decimal | None = None
    lacking: tuple[str, ...] = ()
    report: str = ""
    shadow: tuple[ShadowFigures, ...] = ()
