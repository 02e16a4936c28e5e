"""The quality page: what execution cost beside the signals' prices, by what, when, and how long orders took."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import altair as alt
import pandas as pd
import streamlit as st

from bot.texts import Texts, short
from bot.views.execution_quality import length
from bot.views.number_format import basis_points, money, share
from core.domain.execution_quality import Latency, Quality, bps
from core.domain.money import HUNDRED, multiply
from core.read_models import Selection
from dashboard.charts import HEIGHT, localised
from dashboard.looks import Column, Tile, definitions, put, safe, table, tiles, title, toned
from dashboard.reading import answer
from dashboard.source import database_url
from dashboard.view import quality

GROUPS = ("symbol", "strategy", "source", "role", "hour")
_DAY = "day"
_STAGES = ("received", "decided", "sent", "answered", "settled")
PARTS = {"delay": "#2b6cb0", "execution": "#805ad5", "unsplit": "#718096", "fees": "#d69e2e", "opportunity": "#d64545"}
"""The parts of a shortfall, each with its colour, which is readable in light and dark."""


def show(selection: Selection, words: Texts) -> None:
    """Shows the sums of the selection, of each quote asset by itself. Raises LedgerUnavailable."""
    report = answer(quality(database_url(), selection, (*GROUPS, _DAY)))
    if not report.whole:
        put(safe(words("quality.none")))
        return
    for one in report.whole:
        shown = list(_tiles(one, words))
        put(title(one.quote_asset), tiles(shown), definitions(words("dash.definitions"), shown), *_left_out(one, words))
        days = [day for day in report.groups[_DAY] if day.quote_asset == one.quote_asset]
        put(title(words("dash.quality_by_day", quote=one.quote_asset)))
        st.altair_chart(by_day(days, words))
    if report.newest is not None:
        put(words("quality.newest", count=report.newest))
    for by in GROUPS:
        put(title(words(f"dash.quality_by_{by}")), group_table(report.groups[by], words))
    put(title(words("dash.quality_stages")), latency_table(report.latencies, words))


def _tiles(one: Quality, words: Texts) -> Iterator[Tile]:
    """Yields the figures that matter."""
    filled, none = one.fill_ratio, words("dash.quality_nothing")
    yield _tile("shortfall", words.figure(money(one.shortfall, signed=True)), words, one.shortfall)
    yield _tile("slippage", _bps(one.slippage, one.worth, words) if one.orders else none, words)
    yield _tile("spread", _bps(one.spread, one.met, words) if one.met else words("dash.unknown"), words)
    yield _tile("fees", _bps(one.fees, one.worth, words) if one.orders else none, words)
    yield _tile("filled", none if filled is None else words.figure(share(multiply(filled, HUNDRED))), words)
    yield _tile("missed", words.figure(f"{one.missed:,}"), words)


def _tile(name: str, value: str, words: Texts, cost: Decimal | None = None) -> Tile:
    tone = None if cost is None else -cost  # what costs is no gain
    return Tile(words(f"dash.quality_{name}"), value, tone=tone, help=words(f"dash.quality_{name}_help"))


def _bps(amount: Decimal, whole: Decimal, words: Texts) -> str:
    return words("dash.quality_bps", bps=basis_points(bps(amount, whole)))


def _left_out(one: Quality, words: Texts) -> list[str]:
    """Returns what is in no sum, and why."""
    counts = {"unmeasured": one.unmeasured, "fees_unknown": one.fees_unknown, "unpriced": one.unpriced}
    return [f'<p class="dim">{words(f"dash.quality_{name}", count=count)}</p>' for name, count in counts.items() if count]


def group_table(found: Sequence[Quality], words: Texts) -> str:
    """Returns a row for each value of a group: the parts in quote asset, and their sum in basis points of what was wanted."""
    columns = [
        Column("", is_word=True, is_first=True),
        *(Column(words(f"dash.quality_{name}")) for name in ("orders", "missed", "shortfall_bps", "shortfall")),
        *(Column(words(f"dash.quality_{name}")) for name in PARTS),
    ]
    rows = []
    for one in found:
        whole = toned(f"{words.figure(money(one.shortfall, signed=True))} {one.quote_asset}", -one.shortfall)
        parts = [words.figure(money(getattr(one, name), signed=True)) for name in PARTS]
        counts = [words.figure(f"{count:,}") for count in (one.orders, one.missed)]
        rows.append([short(one.name, 24), *counts, words.figure(basis_points(one.shortfall_bps)), whole, *parts])
    return table(columns, rows)


def latency_table(found: Sequence[Latency], words: Texts) -> str:
    """Returns how long orders took from each stage to the next."""
    columns = [
        Column(words("dash.quality_until"), is_word=True, is_first=True),
        *(Column(words(f"dash.quality_{name}")) for name in ("orders", "median")),
        *(Column(name) for name in ("p90", "p99")),
        Column(words("dash.quality_longest")),
    ]
    named = {one.stage: one for one in found}
    rows = [
        [
            words(f"dash.quality_stage_{stage}"),
            words.figure(f"{one.orders:,}"),
            *(length(each, words) for each in (one.median, one.p90, one.p99, one.longest)),
        ]
        for stage in _STAGES
        if (one := named.get(stage)) is not None
    ]
    return table(columns, rows)


def by_day(days: Sequence[Quality], words: Texts) -> alt.Chart:
    """Draws the parts of each day's shortfall on top of each other; what saved money is below zero."""
    named = {name: words(f"dash.quality_{name}") for name in PARTS}
    frame = pd.DataFrame(
        [
            {"day": one.name, "part": named[name], "value": float(getattr(one, name)), "order": place}
            for one in days
            for place, name in enumerate(PARTS)
        ]
    )
    scale = alt.Scale(domain=list(named.values()), range=list(PARTS.values()))
    chart: alt.Chart = (
        alt.Chart(frame, height=HEIGHT)
        .mark_bar(size=max(2, min(40, 600 // len(days))))
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("value:Q", title=None),
            color=alt.Color("part:N", title=None, scale=scale, legend=alt.Legend(orient="bottom", columns=3)),
            order="order:Q",
            tooltip=["day", "part", "value"],
        )
    )
    drawn: alt.Chart = localised(chart, words)
    return drawn
