"""The chart of a symbol, drawn: the same candles, marks, lines and shades that `/chart` has in the chat.

As Vega-Lite's own JSON (https://vega.github.io/vega-lite/docs/spec.html): to build so many layers by Altair takes half a second.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.reports.charts import Candles, Mark
from bot.texts import Texts
from dashboard.charts import colours, locale_of, time_formats

Json = dict[str, Any]

_HEIGHT = 420
_VOLUME_PART = 0.16  # of the height
_BODY = 0.72  # of an interval
_APART = 0.11  # of the time: a phone has room for so many profits
_FAR = 1.2  # a line further outside the candles than this part of their range is drawn at the edge
_LINES = {"stop": "down", "target": "up", "average": "average", "entry": "line", "price": "text"}
_DASHES = {"domain": ["dashed", "dotted"], "range": [[6, 3], [1, 3]]}


def drawn(chart: Candles, words: Texts) -> Json:
    """Returns the candles with everything of ours in them, and the volume below in the same picture."""
    low, high = _range(chart)
    prices = [*_trips(chart), *_bodies(chart, words, (low, high)), *_marks(chart, words), *_lines(chart, low, high)]
    axis = {"format": time_formats(words), "formatType": "time", "labelOverlap": True, "tickCount": 6, "grid": False}
    return {
        "height": _HEIGHT,
        "encoding": {"x": {"type": "temporal", "title": None, "axis": axis}},
        "layer": [_volume(chart), {"layer": prices}],
        "resolve": {"scale": {"y": "independent"}},
        "config": {"locale": locale_of(words)},
    }


def _rows(chart: Candles) -> list[Json]:
    length, found = timedelta(seconds=chart.seconds), []
    columns = zip(chart.times, chart.opens, chart.highs, chart.lows, chart.closes, chart.volumes, strict=True)
    for at, first, high, low, close, volume in columns:
        opened = datetime.fromisoformat(at)
        found.append(
            {
                "opened": at,
                "closed": (opened + length * _BODY).isoformat(),
                "middle": (opened + length * _BODY / 2).isoformat(),
                "open": first,
                "high": high,
                "low": low,
                "close": close,
                "volume": volume,
                "ground": 0,
                "tone": "up" if close >= first else "down",
            }
        )
    return found


def _range(chart: Candles) -> tuple[float, float]:
    """Returns the lowest and the highest price shown: of candles and fills, and of the lines that are near enough."""
    shown = [*chart.lows, *chart.highs, *(mark.price for mark in chart.marks)]
    low, high = min(shown), max(shown)
    far = (high - low) * _FAR or high * 0.02
    near = [line.value for line in chart.lines if low - far <= line.value <= high + far]
    low, high = min([low, *near]), max([high, *near])
    room = (high - low) * 0.06 or high * 0.01
    return low - room, high + room


def _at(field: str, kind: str = "quantitative", **more: Any) -> Json:
    return {"field": field, "type": kind, "title": None, **more}


def _told(field: str, name: str, kind: str = "quantitative", written: str = ",~r") -> Json:
    return {"field": field, "type": kind, "title": name, **({"format": written} if kind != "nominal" else {})}


def _tone() -> Json:
    found = colours()
    return _at("tone", "nominal", scale={"domain": ["up", "down"], "range": [found["up"], found["down"]]}, legend=None)


def _layer(rows: Sequence[Mapping[str, Any]], mark: Json, **encoding: Any) -> Json:
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}


def _volume(chart: Candles) -> Json:
    """Returns the volume: its greatest bar takes a part of the height."""
    scale = {"domain": [0, (max(chart.volumes) or 1) / _VOLUME_PART]}
    y = _at("volume", axis=None, scale=scale)
    mark = {"type": "bar", "opacity": 0.3, "tooltip": None}
    return _layer(
        _rows(chart), mark, x=_at("opened", "temporal"), x2={"field": "closed"}, y=y, y2={"field": "ground"}, color=_tone()
    )


def _bodies(chart: Candles, words: Texts, between: tuple[float, float]) -> list[Json]:
    rows, middle, colour = _rows(chart), _at("middle", "temporal"), _tone()
    names = {"open": "opened", "high": "high", "low": "low", "close": "close"}
    told = [_told("opened", words("dash.at"), "temporal", "%x %X")]
    told += [_told(column, words(f"dash.{name}")) for column, name in names.items()]
    told.append(_told("volume", chart.volume_title, written=",.4~s"))
    scale = {"domain": between, "nice": False, "zero": False, "clamp": True}
    y = _at("low", scale=scale, axis={"tickCount": 6, "format": ",~r"})
    x, x2 = _at("opened", "temporal"), {"field": "closed"}
    body = {"x": x, "x2": x2, "y": _at("open"), "y2": {"field": "close"}}
    at_close = {"x": middle, "y": _at("close"), "color": colour}
    return [
        _layer(rows, {"type": "rule", "size": 1.3}, x=middle, y=y, y2={"field": "high"}, color=colour, tooltip=told),
        _layer(rows, {"type": "bar", "minBandSize": 1}, **body, color=colour, tooltip=told),
        _layer(rows, {"type": "tick", "thickness": 1.3, "orient": "horizontal", "size": 4}, **at_close),
    ]


def _trips(chart: Candles) -> list[Json]:
    """Returns the shades of closed trades, from their beginning to their end."""
    rows = [{"since": trip.since, "until": trip.until, "tone": "up" if trip.tone >= 0 else "down"} for trip in chart.trips]
    shade = {"type": "rect", "opacity": 0.1}
    return [_layer(rows, shade, x=_at("since", "temporal"), x2={"field": "until"}, color=_tone())] if rows else []


def _marks(chart: Candles, words: Texts) -> list[Json]:
    """Returns our fills at their time and price; an exit that closed a trade has its profit above."""
    found, named = colours(), _named(chart)
    place = {"x": _at("at", "temporal"), "y": _at("price")}
    layers = []
    for is_entry, shape, colour in ((True, "triangle-up", "line"), (False, "triangle-down", "average")):
        rows = [
            {"at": mark.at, "price": mark.price, "profit": mark.label, "shown": mark.label if mark in named else ""}
            for mark in chart.marks
            if mark.is_entry is is_entry
        ]
        point = {"type": "point", "shape": shape, "size": 95, "filled": True, "opacity": 1, "color": found[colour]}
        told = [_told("at", words("dash.at"), "temporal", "%x %X")]
        told.append(_told("price", words("dash.for_entry" if is_entry else "dash.for_exit")))
        told += [] if is_entry else [_told("profit", words("dash.profit"), "nominal")]
        layers.append(_layer(rows, point | {"stroke": "white", "strokeWidth": 0.8}, **place, tooltip=told))
        if not is_entry:
            text = {"type": "text", "dy": -13, "fontWeight": "bold", "color": found["text"]}
            layers.append(_layer(rows, text, **place, text={"field": "shown", "type": "nominal"}))
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


def _lines(chart: Candles, low: float, high: float) -> list[Json]:
    """Returns a line at each price that matters now, with its name; one beyond the edge has an arrow there."""
    found, rows = colours(), []
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
    colour, y = _at("colour", "nominal", scale=None, legend=None), _at("value")
    name = {"type": "text", "align": "left", "baseline": "bottom", "dx": 4, "dy": -2, "fontWeight": "bold"}
    halo = {"stroke": found["ground"], "strokeWidth": 3, "strokeJoin": "round"}
    place = {"x": {"value": 0}, "y": y, "text": {"field": "words", "type": "nominal"}}
    dash = _at("dash", "nominal", scale=_DASHES, legend=None)
    return [
        _layer(rows, {"type": "rule", "size": 1.3}, x=None, y=y, color=colour, strokeDash=dash),
        _layer(rows, name | halo, **place),
        _layer(rows, name, **place, color=colour),
    ]
