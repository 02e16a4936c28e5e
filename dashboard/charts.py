"""Charts of results. Sums are exact; the drawing uses their nearest float. Times are those of the reader's browser."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import altair as alt
import pandas as pd
from babel import Locale

from bot.texts import Texts
from core.domain.money import per_cent
from core.domain.trading_figures import drawdowns, falls
from dashboard.figures import Results
from dashboard.looks import is_dark

HEIGHT = 240
_BARS = 600  # pixels that all bars share
_WIDTHS = ("wide", "abbreviated")  # of Babel's names
_SOON = timedelta(minutes=1)


def colours() -> Mapping[str, str]:
    """Returns the colours of the visitor's theme."""
    if is_dark():
        return {
            "up": "#4ade80",
            "down": "#f87171",
            "line": "#60a5fa",
            "average": "#fbbf24",
            "text": "#cbd5e1",
            "ground": "#0e1117",
        }
    return {"up": "#15803d", "down": "#c62828", "line": "#2563eb", "average": "#b45309", "text": "#475569", "ground": "#ffffff"}


def curve(one: Results, words: Texts) -> Any:
    """Draws the cumulative result in steps from zero: in per cent of the capital where that is known, else in quote asset."""
    return _steps(one, _scaled(one, one.totals), words, "line")


def fall(one: Results, words: Texts) -> Any:
    """Draws how far the result is below its highest so far: in per cent of the equity there, else in quote asset."""
    below = drawdowns(one.totals, one.capital) if one.capital is not None else [fall for _, fall in falls(one.totals)]
    return _steps(one, below, words, "down")


def _scaled(one: Results, totals: Sequence[Decimal]) -> list[Decimal]:
    capital = one.capital
    return list(totals) if capital is None else [per_cent(total, capital) for total in totals]


def _steps(one: Results, values: Sequence[Decimal], words: Texts, colour: str) -> Any:
    times = [step.at for step in one.steps]
    frame = pd.DataFrame({"at": [times[0] - _SOON, *times], "value": [0.0, *map(float, values)]})
    unit = one.quote if one.capital is None else "%"
    chart: alt.Chart = (
        alt.Chart(frame, height=HEIGHT)
        .mark_area(line={"color": colours()[colour]}, color=colours()[colour], opacity=0.18, interpolate="step-after")
        .encode(
            x=alt.X("at:T", title=None, axis=time_axis(words)),
            y=alt.Y("value:Q", title=unit, stack=False, axis=alt.Axis(tickCount=5)),  # stacked, gains and losses part ways
            tooltip=[
                alt.Tooltip("at:T", title=words("dash.at"), format="%x %X"),
                alt.Tooltip("value:Q", title=unit, format=",.4~f"),
            ],
        )
    )
    return localised(chart, words)


def time_axis(words: Texts) -> alt.Axis:
    """Returns an axis of times as the reader writes them."""
    return alt.Axis(labelOverlap=True, tickCount=5, grid=False, format=time_formats(words), formatType="time")


def time_formats(words: Texts) -> dict[str, str]:
    """Returns how times are written below an axis: hours of 24, and the day where one begins."""
    day = words("chart.day")
    return {"hours": "%H:%M", "minutes": "%H:%M", "seconds": "%H:%M:%S", "day": day, "date": day, "month": "%b", "year": "%Y"}


def when(words: Texts, field: str = "at") -> alt.Tooltip:
    """Returns the time of what one points at."""
    return alt.Tooltip(f"{field}:T", title=words("dash.at"), format="%x %X")


def bars(profits: Mapping[str, Decimal], quote: str, words: Texts) -> Any:
    """Draws a bar for the profit (quote asset) of each day or month."""
    frame = pd.DataFrame([{"day": day, "value": float(profit)} for day, profit in profits.items()])
    colour: Any = alt.when(alt.datum.value >= 0).then(alt.value(colours()["up"])).otherwise(alt.value(colours()["down"]))
    chart: alt.Chart = (
        alt.Chart(frame, height=HEIGHT)
        .mark_bar(size=max(1, min(40, _BARS // len(frame))))
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("value:Q", title=quote, axis=alt.Axis(tickCount=5)),
            color=colour,
            tooltip=[alt.Tooltip("day", title="UTC"), alt.Tooltip("value", title=quote, format=",.4~f")],
        )
    )
    return localised(chart, words)


def localised(chart: Any, words: Texts) -> Any:
    """Returns a chart that writes numbers and days in the reader's language."""
    return chart.configure(locale=locale_of(words))


def locale_of(words: Texts) -> dict[str, Any]:
    """Returns how the reader's language writes numbers and days."""
    return {"number": _numbers(words), "time": _times(words.language)}


def _numbers(words: Texts) -> dict[str, Any]:
    return {"decimal": words.figure("."), "thousands": words.figure(","), "grouping": [3], "currency": ["", ""]}


@cache
def _times(language: str) -> dict[str, Any]:
    """Returns the names of days and months as d3 wants them: weeks begin on Sunday."""
    locale = Locale(language)
    days = {
        width: [locale.days["stand-alone"][width][(number + 6) % 7] for number in range(7)] for width in ("wide", "abbreviated")
    }
    months = {width: list(locale.months["stand-alone"][width].values()) for width in ("wide", "abbreviated")}
    return {
        "dateTime": "%x %X",
        "date": "%d.%m.%Y" if language == "ru" else "%d %b %Y",
        "time": "%H:%M:%S",
        "periods": ["AM", "PM"],
        "days": days["wide"],
        "shortDays": days["abbreviated"],
        "months": months["wide"],
        "shortMonths": months["abbreviated"],
    }
