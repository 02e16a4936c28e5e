"""Charts of results. Sums are exact; the drawing uses their nearest float. Times are UTC, wherever the browser is."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import altair as alt
import pandas as pd

from core.domain.money import ZERO
from core.read_models import Gain

_HEIGHT = 260
_GAIN, _LOSS, _LINE = "#2e9e5b", "#d64545", "#2b6cb0"
_BARS = 600  # pixels that all bars share


def curve(gains: Sequence[Gain]) -> alt.Chart:
    """Draws the cumulative sum of each quote asset, starting at zero."""
    return _over_time(_sums(gains), "line")


def drawdown(gains: Sequence[Gain]) -> alt.Chart:
    """Draws how far each sum is below its peak."""
    sums = _sums(gains)
    sums["value"] -= sums.groupby("asset")["value"].cummax()
    return _over_time(sums, "area")


def by_day(days: Sequence[Gain]) -> alt.Chart:
    """Draws bars of each day's profit; those of two assets stand side by side."""
    frame = pd.DataFrame([{"day": f"{day.at:%Y-%m-%d}", "asset": day.quote_asset, "value": float(day.profit)} for day in days])
    colour: Any = alt.when(alt.datum.value >= 0).then(alt.value(_GAIN)).otherwise(alt.value(_LOSS))
    size = max(1, min(40, _BARS // len(frame)))
    chart: alt.Chart = (
        alt.Chart(frame, height=_HEIGHT)
        .mark_bar(size=size)
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            xOffset=alt.XOffset("asset:N"),
            y=alt.Y("value:Q", title=None),
            color=colour,
            tooltip=["day", "asset", "value"],
        )
    )
    return chart


def _sums(gains: Sequence[Gain]) -> pd.DataFrame:
    sums: dict[str, Decimal] = {}
    points = []
    for gain in gains:
        if gain.quote_asset not in sums:
            points.append({"at": gain.at, "asset": gain.quote_asset, "value": 0.0})
        sums[gain.quote_asset] = sums.get(gain.quote_asset, ZERO) + gain.profit
        points.append({"at": gain.at, "asset": gain.quote_asset, "value": float(sums[gain.quote_asset])})
    return pd.DataFrame(points)


def _over_time(frame: pd.DataFrame, mark: str) -> alt.Chart:
    span = frame["at"].max() - frame["at"].min()
    time_format = "%H:%M:%S" if span < timedelta(minutes=5) else "%H:%M" if span < timedelta(days=2) else "%d %b"
    chart = alt.Chart(frame, height=_HEIGHT)
    drawn = chart.mark_area(line=True, opacity=0.4) if mark == "area" else chart.mark_line()
    alone = frame["asset"].nunique() == 1
    encoded: alt.Chart = drawn.encode(
        x=alt.X("at:T", title="UTC", scale=alt.Scale(type="utc"), axis=alt.Axis(format=time_format)),
        y=alt.Y("value:Q", title=None, stack=False),
        color=alt.value(_LINE) if alone else alt.Color("asset:N", title=None),
        tooltip=[alt.Tooltip("utcyearmonthdatehoursminutesseconds(at):T", title="UTC"), "asset", "value"],
    )
    return encoded
