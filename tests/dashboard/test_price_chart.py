"""The drawn chart has the candles, the fills, the lines and the shades of the chat's chart, and nothing between two fills."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.reports.charts import Candles, Line, Mark
from bot.views.price_chart import price_chart
from dashboard.price_chart import drawn
from dashboard.texts import texts
from tests.bot.views.test_price_chart import SEEN, START

EN = texts("en")
CHART = price_chart(SEEN, EN, "light")


def layers(chart: Candles) -> list[dict[str, Any]]:
    """Returns the layers of the drawing, each with its rows."""
    volume, prices = drawn(chart, EN)["layer"]
    return [layer | {"rows": layer["data"]["values"]} for layer in (volume, *prices["layer"])]


def of_kind(chart: Candles, kind: str) -> list[dict[str, Any]]:
    return [layer for layer in layers(chart) if layer["mark"]["type"] == kind]


def test_candles_and_volume_are_drawn_as_they_came() -> None:
    volume, bodies = of_kind(CHART, "bar")
    assert volume["rows"] == bodies["rows"]
    assert [(row["open"], row["high"], row["low"], row["close"]) for row in bodies["rows"]] == list(
        zip(CHART.opens, CHART.highs, CHART.lows, CHART.closes, strict=True)
    )
    assert [row["tone"] for row in bodies["rows"]] == ["up", "down", "up"]
    assert not [layer for layer in layers(CHART) if layer["mark"]["type"] in ("line", "area", "trail")]


def test_fills_stand_at_their_time_and_price() -> None:
    entries, exits = of_kind(CHART, "point")
    assert (entries["mark"]["shape"], exits["mark"]["shape"]) == ("triangle-up", "triangle-down")
    assert [row["price"] for row in entries["rows"]] == [0.51, 0.50]
    assert [(row["price"], row["profit"]) for row in exits["rows"]] == [(0.53, "+0.40")]


def test_every_price_that_matters_has_its_line_and_its_name() -> None:
    dashed = [layer for layer in of_kind(CHART, "rule") if "words" in layer["rows"][0]]
    assert len(dashed) == 1
    words = {row["words"] for row in dashed[0]["rows"]}
    assert {f"{line.name} {line.price}".strip() for line in CHART.lines} == {one.lstrip("↓↑ ") for one in words}
    far = replace(CHART, lines=(Line("stop", 0.1, "Stop", "0.1000"),))
    (rule,) = [layer for layer in of_kind(far, "rule") if "words" in layer["rows"][0]]
    assert rule["rows"][0]["words"] == "↓ Stop 0.1000"
    assert rule["rows"][0]["value"] > 0.1


def test_a_closed_trade_is_a_shade_behind() -> None:
    (shade,) = of_kind(CHART, "rect")
    assert [row["tone"] for row in shade["rows"]] == ["up"]
    assert layers(CHART).index(shade) < layers(CHART).index(of_kind(CHART, "point")[0])


def test_of_profits_that_would_stand_on_each_other_the_greatest_is_written() -> None:
    marks = tuple(Mark(START.isoformat(), 0.5, False, f"+{tone}", float(Decimal(tone))) for tone in ("1", "3", "2"))
    _, exits = of_kind(replace(CHART, marks=marks), "point")
    assert [(row["profit"], row["shown"]) for row in exits["rows"]] == [("+1", ""), ("+3", "+3"), ("+2", "")]
