"""Charts of results: what stands in them, in the reader's language. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from bot.reports.charts import Bars, Curve, Head, Style
from bot.texts import Html, Texts
from bot.views.chat_message import plain_text
from bot.views.number_format import money, percent_of
from core.domain.money import ZERO
from core.domain.trading_figures import falls
from core.read_models import Gain

_POINTS = 2_000
_MOST_DAYS = 400
_BEFORE = timedelta(minutes=1)
_BETWEEN = " · "


def style_of(texts: Texts, theme: str) -> Style:
    """Returns how charts look for a reader of `texts` who has chosen `theme`."""
    marks = {"group": texts.figure(","), "decimal": texts.figure(".")}
    dates = {name: texts(f"chart.{name}") for name in ("day", "month", "date")}
    return Style(theme=theme, zone=str(texts.zone), **marks, **dates)


@dataclass(frozen=True, slots=True)
class Results:
    """The net results of exits (at least one) up to `until`, in one quote asset; `before` is what the result was before the first
    of them, and `capital` what there was before all of it; None if that is unknown."""

    gains: Sequence[Gain]
    before: Decimal
    capital: Decimal | None
    until: datetime


def equity(title: str, results: Results, texts: Texts, theme: str) -> Curve:
    """Returns the cumulative net result in quote asset, and how far it is below its highest so far."""
    gains, capital = results.gains, results.capital
    totals = list(accumulate((gain.profit for gain in gains), initial=results.before))
    peaks, below = zip(*falls(totals), strict=True)
    deepest, last = below.index(min(below)), totals[-1]
    share, trades = Html(""), [texts("chart.trades", count=len(gains))]
    if capital is not None and capital > 0:
        trades.insert(0, texts("chart.of_capital", share=percent_of(last, capital)))
        share = texts("chart.share", share=percent_of(below[deepest], capital + peaks[deepest]))
    details: list[str] = [_BETWEEN.join(trades)]
    if below[deepest]:
        details.append(texts("chart.deepest", amount=money(below[deepest]), share=share))
    times = [gains[0].at - _BEFORE, *(gain.at for gain in gains)][-_POINTS:]
    return Curve(
        head=_head(title, last, details, texts),
        style=style_of(texts, theme),
        times=tuple(at.isoformat() for at in times),
        values=tuple(map(float, totals[-_POINTS:])),
        falls=tuple(map(float, below[-_POINTS:])),
        until=results.until.isoformat(),
        last=texts.figure(money(last, signed=True)),
        fall_title=plain_text(texts("chart.fall")),
        deepest=texts.figure(money(below[deepest])),
    )


def daily(title: str, days: Sequence[Gain], texts: Texts, theme: str) -> Bars:
    """Returns the net result of each UTC day (at least one), in their quote asset."""
    shown = days[-_MOST_DAYS:]
    profits = [day.profit for day in shown]
    total, up, down = sum(profits, ZERO), sum(one > 0 for one in profits), sum(one < 0 for one in profits)
    details: list[str] = [texts("chart.days", up=up, down=down)]
    if len(shown) > 1:
        best, worst = max(shown, key=lambda day: day.profit), min(shown, key=lambda day: day.profit)
        details.append(_BETWEEN.join([texts("chart.best", **_day(best, texts)), texts("chart.worst", **_day(worst, texts))]))
    return Bars(
        head=_head(title, total, details, texts),
        style=style_of(texts, theme),
        days=tuple(day.at.isoformat() for day in shown),
        values=tuple(map(float, profits)),
        labels=tuple(texts.figure(money(one, signed=True)) for one in profits),
    )


def _head(title: str, result: Decimal, details: Sequence[str], texts: Texts) -> Head:
    figure = texts.figure(money(result, signed=True))
    return Head(plain_text(title), figure, float(result), tuple(plain_text(line) for line in details))


def _day(gain: Gain, texts: Texts) -> dict[str, str]:
    return {"profit": money(gain.profit, signed=True), "day": texts.day(gain.at)}
