"""The figure has what the chart says, and can be read: its numbers, marks, lines and labels."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any, cast

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text

from bot.reports.chart_candles import spread
from bot.reports.chart_canvas import THEMES, date_number
from bot.reports.chart_renderer import drawn
from bot.reports.charts import Bars, Candles, Chart, Curve, Head, Line, Mark, Style, Trip

START = datetime(2026, 3, 1, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEAD = Head("WIFUSDC, 1 h", "0.5500  +10.00%", 1.0, ("20 WIF at 0.5010: +0.96 USDC (+9.58%)", "2 closed trades: +0.40 USDC"))


def figure_of(chart: Chart) -> Any:
    """Returns the figure, drawn. Its types are the library's, which says `Any` of most."""
    figure = drawn(asdict(chart))
    FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
    return figure


def candles(count: int = 48, **changes: Any) -> Candles:
    prices = [0.5 + (number * 7 % 11 - 5) / 500 for number in range(count + 1)]
    chart = Candles(
        head=HEAD,
        style=Style(),
        seconds=3600,
        times=tuple((START + number * HOUR).isoformat() for number in range(count)),
        opens=tuple(prices[:-1]),
        closes=tuple(prices[1:]),
        highs=tuple(max(pair) + 0.003 for pair in pairwise(prices)),
        lows=tuple(min(pair) - 0.002 for pair in pairwise(prices)),
        volumes=tuple(1000.0 * (number % 9) for number in range(count)),
        volume_title="Volume, WIF",
    )
    return replace(chart, **changes)


def curve(*values: float, **changes: Any) -> Curve:
    tops = [max(values[: number + 1]) for number in range(len(values))]
    chart = Curve(
        head=replace(HEAD, tone=values[-1]),
        style=Style(),
        times=tuple((START + number * HOUR).isoformat() for number in range(len(values))),
        values=values,
        falls=tuple(value - top for value, top in zip(values, tops, strict=True)),
        until=(START + len(values) * HOUR).isoformat(),
        last=f"{values[-1]:+.2f}",
        fall_title="Drawdown",
        deepest="-25.00",
    )
    return replace(chart, **changes)


def bars(count: int) -> Bars:
    values = [float((day * 37) % 100 - 45) for day in range(count)]
    days = tuple((START.replace(hour=0) + timedelta(days=day)).isoformat() for day in range(count))
    return Bars(HEAD, Style(), days, tuple(values), tuple(f"{value:+.2f}" for value in values))


def numbers(line: Any) -> tuple[list[float], list[float]]:
    """Returns the numbers of a line, those of time first."""
    x, y = line.get_data()
    return list(map(float, x)), list(map(float, y))


def corners(boxes: Any) -> list[list[list[float]]]:
    """Returns the corners of each box."""
    return [path.vertices.tolist() for path in boxes.get_paths()]


def shown(figure: Any) -> list[Text]:
    """Returns the words that can be seen."""
    return [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_visible() and text.get_text().strip()]


def words(figure: Any) -> set[str]:
    return {text.get_text() for text in shown(figure)}


def test_candles_are_drawn_as_they_are() -> None:
    chart = candles()
    prices, volumes = figure_of(chart).axes
    (wicks,) = [one for one in prices.collections if isinstance(one, LineCollection)]
    assert [(line[0][1], line[1][1]) for line in wicks.get_segments()] == list(zip(chart.lows, chart.highs, strict=True))
    (bodies,) = [one for one in prices.collections if isinstance(one, PolyCollection)]
    ends = [(box[0][1], box[2][1]) for box in corners(bodies)]
    assert ends == list(zip(chart.opens, chart.closes, strict=True))
    middles = [(box[0][0] + box[1][0]) / 2 for box in corners(bodies)]
    assert middles == pytest.approx([date_number(datetime.fromisoformat(at) + HOUR / 2) for at in chart.times])
    (amounts,) = [one for one in volumes.collections if isinstance(one, PolyCollection)]
    assert [box[2][1] for box in corners(amounts)] == list(chart.volumes)


def test_rising_and_falling_candles_have_two_colours() -> None:
    figure = figure_of(candles(2, opens=(1.0, 2.0), closes=(2.0, 1.0), highs=(2.0, 2.0), lows=(1.0, 1.0)))
    (bodies,) = [one for one in figure.axes[0].collections if isinstance(one, PolyCollection)]
    assert len({to_hex(colour) for colour in cast("Any", bodies.get_facecolor())}) == 2


def test_fills_are_marked_at_their_time_and_price() -> None:
    marks = (Mark((START + HOUR).isoformat(), 0.501, True), Mark((START + 5 * HOUR).isoformat(), 0.507, False, "+0.40", 0.4))
    figure = figure_of(candles(marks=marks, trips=(Trip(START.isoformat(), (START + 5 * HOUR).isoformat(), 0.4),)))
    found = [one for one in figure.axes[0].collections if isinstance(one, PathCollection)]
    places = [tuple(cast("Any", one.get_offsets())[0].tolist()) for one in found]
    assert places == [(date_number(START + HOUR), 0.501), (date_number(START + 5 * HOUR), 0.507)]
    assert "+0.40" in words(figure)


def test_nothing_joins_our_fills() -> None:
    marks = tuple(Mark((START + number * HOUR).isoformat(), 0.5, bool(number % 2)) for number in range(9))
    assert not figure_of(candles(marks=marks)).axes[0].lines


def test_lines_stand_at_the_prices_that_matter() -> None:
    lines = (Line("stop", 0.48, "Stop", "0.4800"), Line("target", 0.52, "Target", "0.5200"), Line("price", 0.5, "", "0.5000"))
    figure = figure_of(candles(lines=lines))
    assert sorted(numbers(line)[1][0] for line in figure.axes[0].lines) == [0.48, 0.5, 0.52]
    assert words(figure) >= {"Stop", "0.4800", "Target", "0.5200", "0.5000"}


def test_a_price_far_away_is_named_at_the_edge_and_does_not_flatten_the_candles() -> None:
    near, far = candles(), candles(lines=(Line("target", 5.0, "Target", "5.0000"), Line("stop", 0.001, "Stop", "0.0010")))
    figure = figure_of(far)
    assert figure.axes[0].get_ylim() == figure_of(near).axes[0].get_ylim()
    assert not figure.axes[0].lines
    assert words(figure) >= {"↑ Target", "5.0000", "↓ Stop", "0.0010"}


@pytest.mark.parametrize("wanted", [[1.0, 1.0, 1.0], [0.0, 0.1, 5.0], [9.9, 9.95, 10.0], [0.0, 10.0], [3.0]])
def test_labels_are_spread_within_their_room(wanted: list[float]) -> None:
    placed = spread(wanted, 1.0, 0.0, 10.0)
    assert all(after - before >= 1.0 - 1e-9 for before, after in pairwise(placed))
    assert min(placed) >= 0.0
    assert max(placed) <= 10.0


def test_a_step_holds_until_the_next_and_the_last_until_now() -> None:
    chart = curve(0.0, 10.0, -15.0)
    upper, lower = figure_of(chart).axes
    line = upper.lines[0]
    assert line.get_drawstyle() == "steps-post"
    x, y = numbers(line)
    assert y == [0.0, 10.0, -15.0, -15.0]
    assert x[-1] == date_number(START + 3 * HOUR)
    assert numbers(lower.lines[-1])[1] == [0.0, 0.0, -25.0, -25.0]
    assert words(figure_of(chart)) >= {"-15.00", "-25.00", "Drawdown"}


def test_every_day_has_its_bar() -> None:
    for count in (1, 5, 100):
        chart = bars(count)
        boxes = figure_of(chart).axes[0].patches
        assert [box.get_height() for box in boxes] == list(chart.values)


def test_few_bars_have_their_values_and_many_the_best_and_the_worst() -> None:
    assert words(figure_of(bars(5))) >= set(bars(5).labels)
    many = bars(100)
    labelled = words(figure_of(many)) & set(many.labels)
    assert labelled == {f"{max(many.values):+.2f}", f"{min(many.values):+.2f}"}


def test_the_bar_of_a_first_day_leaves_room_for_those_to_come() -> None:
    (box,) = figure_of(bars(1)).axes[0].patches
    low, high = figure_of(bars(1)).axes[0].get_xlim()
    assert box.get_width() < (high - low) / 5


LINES = tuple(Line("target", 0.5 + step / 4000, f"Target {step}", f"{0.5 + step / 4000:.4f}") for step in range(6))
MARKS = tuple(Mark((START + number * HOUR).isoformat(), 0.5, False, f"+{number}.00", number) for number in range(1, 48))
LONG = Head(
    "1000SATSFDUSD, 30 min", "0.00001234  +123.45%", 1.0, ("1,234,567.8 1000SATS at 0.00001234: +1,234.56 USDC (+123.45%), open",)
)
STILL = {"opens": (1.0,) * 3, "closes": (1.0,) * 3, "highs": (1.0,) * 3, "lows": (1.0,) * 3, "volumes": (0.0,) * 3}
LARGE = {"opens": (104e3, 105e3), "closes": (105e3, 103e3), "highs": (106e3, 106e3), "lows": (100e3, 100e3)}
SMALL = {"opens": (1.2e-5, 1.3e-5), "closes": (1.3e-5, 1.1e-5), "highs": (1.4e-5, 1.4e-5), "lows": (1e-5, 1e-5)}
CROWDED: dict[str, Chart] = {
    "candles": candles(lines=LINES, marks=MARKS),
    "a few candles": candles(4, lines=LINES),
    "one candle": candles(1),
    "a price that stood still": candles(3, **STILL),
    "large prices": candles(2, head=LONG, lines=(Line("stop", 101e3, "Stop @a strategy", "101,234.56"),), **LARGE),
    "small prices": candles(2, lines=(Line("target", 1.3e-5, "Target 2", "0.00001234"),), **SMALL),
    "a curve": curve(*(float(number * 13 % 40) for number in range(200))),
    "a result of one exit": curve(0.0, -3.22),
    "no result": curve(0.0, 0.0),
    **{f"{count} days": bars(count) for count in (1, 2, 7, 8, 12, 30, 45, 60, 100, 400)},
}


@pytest.mark.parametrize("name", CROWDED)
@pytest.mark.parametrize("theme", THEMES)
def test_no_words_stand_on_others_or_outside_and_none_is_tiny(name: str, theme: str) -> None:
    chart = CROWDED[name]
    figure = figure_of(replace(chart, style=replace(chart.style, theme=theme)))
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown(figure)]
    for (one, here), (other, there) in combinations(boxes, 2):
        overlap = min(here.x1, there.x1) - max(here.x0, there.x0), min(here.y1, there.y1) - max(here.y0, there.y0)
        assert min(overlap) <= 3, (one, other)
    for text, box in boxes:
        assert 0 <= box.x0 < box.x1 <= figure.bbox.width, text
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height, text
    assert all(float(text.get_fontsize()) >= 10 for text in shown(figure))


def luminance(colour: str) -> float:
    """Returns the relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
def test_words_have_the_contrast_that_wcag_asks_for(theme: str) -> None:
    colours = THEMES[theme]
    pairs = [(name, getattr(colours, name), colours.back) for name in ("text", "muted", "up", "down", "line", "average")]
    pairs += [(f"on {name}", colours.on_tag, getattr(colours, name)) for name in ("up", "down", "line", "average")]
    for name, one, other in pairs:
        low, high = sorted((luminance(one), luminance(other)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def test_the_axis_of_time_is_the_readers() -> None:
    labels = {}
    for zone in ("UTC", "Asia/Kolkata"):
        chart = curve(*[1.0] * 3, until=(START + 2 * HOUR).isoformat(), style=Style(zone=zone))
        axes = figure_of(chart).axes[-1]
        labels[zone] = {tick.get_text() for tick in axes.get_xticklabels()}, axes.get_xlabel()
    assert "22:30" in labels["UTC"][0]
    assert "04:00" in labels["Asia/Kolkata"][0]  # 22:30 UTC
    assert labels["Asia/Kolkata"][1] == "02 Mar 2026, Asia/Kolkata"


def test_days_begin_at_the_readers_midnight() -> None:
    chart = candles(96, style=Style(zone="Europe/Moscow"))
    labels = [tick.get_text() for tick in figure_of(chart).axes[-1].get_xticklabels()]
    assert labels == ["03 Mar", "04 Mar", "05 Mar"]


def test_numbers_and_days_are_written_in_the_readers_language() -> None:
    russian = Style(group="\u00a0", decimal=",", day="%d.%m", date="%d.%m.%Y")
    figure = figure_of(replace(bars(30), values=tuple(value * 100.5 for value in bars(30).values), style=russian))
    ticks = {tick.get_text() for tick in figure.axes[0].get_yticklabels()}
    assert "2\u00a0000" in ticks
    assert {tick.get_text() for tick in figure.axes[0].get_xticklabels()} >= {"30.03"}
    assert figure.axes[0].get_xlabel() == "01.03.2026 – 30.03.2026, UTC"
