"""Charts ready to be drawn: `bot.views` makes them, `bot.reports.chart_renderer` draws them in a process of its own.

Numbers are floats for the eye: nothing is computed with them. Every text is in the reader's language already.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

THEMES = ("dark", "light")


@dataclass(frozen=True, slots=True)
class Style:
    """The reader's way of seeing it: `theme` is one of THEMES, `zone` the time zone of the axis (IANA name), `group` and
    `decimal` are the marks of numbers; `day`, `month` and `date` are how strftime writes a day of this year, a month with its
    year, and a day with its year."""

    theme: str = "dark"
    zone: str = "UTC"
    group: str = ","
    decimal: str = "."
    day: str = "%d %b"
    month: str = "%b %Y"
    date: str = "%d %b %Y"


@dataclass(frozen=True, slots=True)
class Head:
    """The words above a chart: `figure` is its main number, green above zero `tone`, red below; `details` are lines of text."""

    title: str
    figure: str
    tone: float
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """A result that changes in steps, and below it how far it is under its highest so far (`falls`, at most 0), both in quote
    asset. `times` are ISO 8601; the last value holds until `until`. `last` and `deepest` are the last value and the lowest fall
    in words."""

    head: Head
    style: Style
    times: tuple[str, ...]
    values: tuple[float, ...]
    falls: tuple[float, ...]
    until: str
    last: str
    fall_title: str
    deepest: str
    kind: str = "curve"


@dataclass(frozen=True, slots=True)
class Bars:
    """A result of each UTC day, in quote asset; `days` are ISO 8601, `labels` the values in words."""

    head: Head
    style: Style
    days: tuple[str, ...]
    values: tuple[float, ...]
    labels: tuple[str, ...]
    kind: str = "bars"


@dataclass(frozen=True, slots=True)
class Mark:
    """A fill of ours at its time (ISO 8601) and price; `label` is the profit of the round trip that it closed, if it closed one,
    `tone` its sign."""

    at: str
    price: float
    is_entry: bool
    label: str = ""
    tone: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A price that matters now: `kind` is `stop`, `target`, `average`, `entry` (an order that waits) or `price` (the last one).
    `name` and `price` are in words."""

    kind: str
    value: float
    name: str
    price: str


@dataclass(frozen=True, slots=True)
class Trip:
    """A round trip from one time to another (ISO 8601); `tone` is the sign of its profit."""

    since: str
    until: str
    tone: float


@dataclass(frozen=True, slots=True)
class Candles:
    """The candles of a symbol, each of `seconds` from its time (ISO 8601) on, with our fills and the prices that matter."""

    head: Head
    style: Style
    seconds: float
    times: tuple[str, ...]
    opens: tuple[float, ...]
    highs: tuple[float, ...]
    lows: tuple[float, ...]
    closes: tuple[float, ...]
    volumes: tuple[float, ...]
    volume_title: str
    marks: tuple[Mark, ...] = ()
    lines: tuple[Line, ...] = ()
    trips: tuple[Trip, ...] = ()
    kind: str = "candles"


Chart = Curve | Bars | Candles

Draw = Callable[[Chart], Awaitable[bytes | None]]
"""Returns a chart as PNG; None where it could not be drawn in time."""
