"""The time and the candles of a chart, as people ask for them."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.commands.arguments.chart_spans import read_span
from core.domain.candle import MOST, Interval, Span, spanning

NOW = datetime(2026, 5, 28, 20, 27, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("said", "period", "interval"),
    [
        ("2h", None, Interval.H2),
        ("24h", DAY, Interval.M15),
        ("3d", 3 * DAY, Interval.H1),
        ("7d", 7 * DAY, Interval.H2),
        ("week", 7 * DAY, Interval.H2),
        ("30d", 30 * DAY, Interval.H6),
        ("month", 30 * DAY, Interval.H6),
        ("90d", 90 * DAY, Interval.D1),
        ("year", 365 * DAY, Interval.W1),
        ("3m", None, Interval.M3),
        ("5m", None, Interval.M5),
        ("30m", None, Interval.M30),
        ("1h", None, Interval.H1),
        ("8h", None, Interval.H8),
        ("4H", None, Interval.H4),
        ("1d", None, Interval.D1),
        ("1w", None, Interval.W1),
        ("7d 1h", 7 * DAY, Interval.H1),
        ("1h 7d", 7 * DAY, Interval.H1),
        ("2w 4h", 14 * DAY, Interval.H4),
        ("12h 15m", DAY / 2, Interval.M15),
    ],
)
def test_a_period_a_length_of_candles_or_both(said: str, period: timedelta | None, interval: Interval) -> None:
    span = read_span(said.split())
    assert span is not None
    assert span.interval is interval
    assert span.period == (period if period is not None else 120 * interval.length)


@pytest.mark.parametrize("said", ["", "soon", "0d", "7d 30d 1h", "7d 7m", "30d 1m", "1h 1h", "1h 2h", "9999d", "-1d", "7", "٣d"])
def test_anything_else(said: str) -> None:
    assert read_span(said.split()) is None


@pytest.mark.parametrize("hours", [0.01, 1, 2, 5, 24, 100, 1_000, 20_000])
def test_a_period_has_candles_that_a_phone_can_show(hours: float) -> None:
    span = spanning(timedelta(hours=hours))
    assert span.period <= MOST * span.interval.length


@pytest.mark.parametrize(
    ("span", "began"),
    [
        (Span(DAY, Interval.M15), datetime(2026, 5, 27, 20, 15, tzinfo=UTC)),
        (Span(7 * DAY, Interval.H2), datetime(2026, 5, 21, 20, tzinfo=UTC)),
        (Span(30 * DAY, Interval.H6), datetime(2026, 4, 28, 18, tzinfo=UTC)),
        (Span(90 * DAY, Interval.D1), datetime(2026, 2, 27, tzinfo=UTC)),
    ],
)
def test_the_first_candle_is_the_one_in_which_the_period_begins(span: Span, began: datetime) -> None:
    assert span.start(NOW) == began
