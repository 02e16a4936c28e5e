"""The chart of a symbol, drawn: the same candles, marks, lines and shades that `/chart` has in the chat."""

from datetime import datetime, timedelta
from typing import Any

import altair as alt
import pandas as pd

from bot.reports.charts import Candles, Mark
from bot.texts import Texts
from dashboard.charts import colours, localised, time_axis, when

_HEIGHT = 420
_VOLUME_PART = 0.16  # of the height
_BODY = 0.72  # of an interval
_APART = 0.11  # of the time: a phone has room for so many profits
_FAR = 1.2  # a line further outside the candles than this part of their range is drawn at the edge
_LINES = {"stop": "down", "target": "up", "average": "average", "entry": "line", "price": "text"}


def drawn(chart: Candles, words: Texts) -> Any:
    """Returns the candles with everything of ours in them, and the volume below."""
    frame, low, high = _frame(chart), *_range(chart)
    x = alt.X("opened:T", title=None, axis=time_axis(words))
    prices = alt.layer(
        *_trips(chart),
        *_bodies(frame, x, _price_axis(low, high), chart, words),
        *_marks(chart, words),
        *_lines(chart, low, high),
    )
    return localised(alt.layer(_volume(frame, x, chart), prices).resolve_scale(y="independent").properties(height=_HEIGHT), words)


def _volume(frame: pd.DataFrame, x: alt.X, chart: Candles) -> alt.Chart:
    """Returns the volume, below the candles in the same picture: its greatest bar takes a part of the height."""
    scale = alt.Scale(domain=[0, (max(chart.volumes) or 1) / _VOLUME_PART])
    volume: alt.Chart = (
        alt.Chart(frame)
        .mark_bar(opacity=0.3, tooltip=None)
        .encode(
            x=x,
            x2="closed:T",
            y=alt.Y("volume:Q", title=None, axis=None, scale=scale),
            y2="ground:Q",
            color=alt.Color("tone:N", scale=_tones(), legend=None),
        )
    )
    return volume


def _price_axis(low: float, high: float) -> alt.Y:
    axis = alt.Axis(orient="left", tickCount=6, format=",~r")
    return alt.Y("low:Q", title=None, scale=alt.Scale(domain=[low, high], nice=False, zero=False, clamp=True), axis=axis)


def _frame(chart: Candles) -> pd.DataFrame:
    length, opened = timedelta(seconds=chart.seconds), [datetime.fromisoformat(at) for at in chart.times]
    return pd.DataFrame(
        {
            "opened": opened,
            "closed": [at + length * _BODY for at in opened],
            "middle": [at + length * _BODY / 2 for at in opened],
            "open": chart.opens,
            "high": chart.highs,
            "low": chart.lows,
            "close": chart.closes,
            "volume": chart.volumes,
            "ground": 0.0,
            "tone": ["up" if close >= first else "down" for first, close in zip(chart.opens, chart.closes, strict=True)],
        }
    )


def _range(chart: Candles) -> tuple[float, float]:
    """Returns the lowest and the highest price shown: of candles and fills, and of the lines that are near enough."""
    shown = [*chart.lows, *chart.highs, *(mark.price for mark in chart.marks)]
    low, high = min(shown), max(shown)
    far = (high - low) * _FAR or high * 0.02
    near = [line.value for line in chart.lines if low - far <= line.value <= high + far]
    low, high = min([low, *near]), max([high, *near])
    room = (high - low) * 0.06 or high * 0.01
    return low - room, high + room


def _tones() -> alt.Scale:
    found = colours()
    return alt.Scale(domain=["up", "down"], range=[found["up"], found["down"]])


def _bodies(frame: pd.DataFrame, x: alt.X, y: alt.Y, chart: Candles, words: Texts) -> list[alt.Chart]:
    names = {"open": "opened", "high": "high", "low": "low", "close": "close"}
    told = [when(words, "opened")]
    told += [alt.Tooltip(f"{column}:Q", title=words(f"dash.{name}"), format=",~r") for column, name in names.items()]
    told.append(alt.Tooltip("volume:Q", title=chart.volume_title, format=",.4~s"))
    colour = alt.Color("tone:N", scale=_tones(), legend=None)
    base = alt.Chart(frame)
    wicks = base.mark_rule(size=1.3).encode(x=alt.X("middle:T", title=None), y=y, y2="high:Q", color=colour, tooltip=told)
    bodies = base.mark_bar(minBandSize=1).encode(
        x=x, x2="closed:T", y=alt.Y("open:Q", title=None), y2="close:Q", color=colour, tooltip=told
    )
    flat = base.mark_tick(thickness=1.3, orient="horizontal", size=4).encode(
        x=alt.X("middle:T"), y=alt.Y("close:Q"), color=colour
    )
    return [wicks, bodies, flat]


def _trips(chart: Candles) -> list[alt.Chart]:
    """Returns the shades of closed trades, from their beginning to their end."""
    if not chart.trips:
        return []
    frame = pd.DataFrame(
        [
            {
                "since": datetime.fromisoformat(trip.since),
                "until": datetime.fromisoformat(trip.until),
                "tone": "up" if trip.tone >= 0 else "down",
            }
            for trip in chart.trips
        ]
    )
    colour = alt.Color("tone:N", scale=_tones(), legend=None)
    return [alt.Chart(frame).mark_rect(opacity=0.1).encode(x=alt.X("since:T", title=None), x2="until:T", color=colour)]


def _marks(chart: Candles, words: Texts) -> list[alt.Chart]:
    """Returns our fills at their time and price; an exit that closed a trade has its profit above."""
    found, named = colours(), _named(chart)
    layers: list[alt.Chart] = []
    for is_entry, shape, colour in ((True, "triangle-up", "line"), (False, "triangle-down", "average")):
        rows = [
            {
                "at": datetime.fromisoformat(mark.at),
                "price": mark.price,
                "profit": mark.label,
                "shown": mark.label if mark in named else "",
            }
            for mark in chart.marks
            if mark.is_entry is is_entry
        ]
        if not rows:
            continue
        base = alt.Chart(pd.DataFrame(rows))
        what = alt.Tooltip("profit:N", title=words("dash.profit"))
        told = [
            when(words),
            alt.Tooltip("price:Q", title=words("dash.for_entry" if is_entry else "dash.for_exit"), format=",~r"),
        ]
        place = {"x": alt.X("at:T", title=None), "y": alt.Y("price:Q", title=None)}
        layers.append(
            base.mark_point(
                shape=shape, size=95, filled=True, opacity=1, color=found[colour], stroke="white", strokeWidth=0.8
            ).encode(**place, tooltip=told if is_entry else [*told, what])
        )
        if not is_entry:
            layers.append(base.mark_text(dy=-13, fontWeight="bold", color=found["text"]).encode(**place, text="shown:N"))
    return layers


def _named(chart: Candles) -> list[Mark]:
    """Returns the exits whose profit is written: the greatest, as far as they stand apart from each other."""
    named: list[Mark] = []
    apart = timedelta(seconds=chart.seconds * len(chart.times)) * _APART
    for mark in sorted((mark for mark in chart.marks if mark.label), key=lambda mark: -abs(mark.tone)):
        at = datetime.fromisoformat(mark.at)
        if all(abs(at - datetime.fromisoformat(other.at)) >= apart for other in named):
            named.append(mark)
    return named


def _lines(chart: Candles, low: float, high: float) -> list[alt.Chart]:
    """Returns a line at each price that matters now, with its name; one beyond the edge has an arrow there."""
    found = colours()
    rows = []
    for line in chart.lines:
        beyond = "↓ " if line.value < low else "↑ " if line.value > high else ""
        rows.append(
            {
                "value": min(max(line.value, low), high),
                "words": f"{beyond}{line.name} {line.price}".strip(),
                "colour": found[_LINES[line.kind]],
                "dash": "dotted" if line.kind == "price" or beyond else "dashed",
            }
        )
    base = alt.Chart(pd.DataFrame(rows))
    colour = alt.Color("colour:N", scale=None, legend=None)
    dash = alt.StrokeDash("dash:N", scale=alt.Scale(domain=["dashed", "dotted"], range=[[6, 3], [1, 3]]), legend=None)
    y = alt.Y("value:Q", title=None)
    rules = base.mark_rule(size=1.3).encode(y=y, color=colour, strokeDash=dash)
    place: dict[str, Any] = {"x": alt.value(0), "y": y, "text": "words:N"}
    name: dict[str, Any] = {"align": "left", "baseline": "bottom", "dx": 4, "dy": -2, "fontWeight": "bold"}
    halo = base.mark_text(**name, stroke=found["ground"], strokeWidth=3, strokeJoin="round").encode(**place)
    names = base.mark_text(**name).encode(**place, color=colour)
    return [rules, halo, names]
