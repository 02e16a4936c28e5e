"""The quality page: what execution cost beside the signals' prices, by what, when, and how long orders took."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import altair as alt
import pandas as pd
import streamlit as st

from core.domain.execution_quality import Latency, Quality, bps
from core.read_models import QualityReport, Selection
from dashboard.source import database_url
from dashboard.tables import rounded
from dashboard.view import quality

GROUPS = {"Day": "day", "Hour (UTC)": "hour", "Symbol": "symbol", "Strategy": "strategy", "Source": "source", "Role": "role"}
_PARTS = {"delay": "delay", "execution": "execution", "unsplit": "slippage, not split", "fees": "fees", "opportunity": "missed"}
_SCALE = alt.Scale(domain=list(_PARTS.values()), range=["#2b6cb0", "#805ad5", "#718096", "#d69e2e", "#d64545"])
_HEIGHT = 260


def show(selection: Selection) -> None:
    """Shows the sums of the selection, of each quote asset by itself. Raises LedgerUnavailable."""
    report = asyncio.run(quality(database_url(), selection, tuple(GROUPS.values())))
    st.subheader("Execution quality")
    st.caption(
        "Beside a paper that trades every signal at its own price, at once, without fees. Above 0 is a cost; 100 bps are 1%."
    )
    if not report.whole:
        st.write("No orders and no missed signals in this selection.")
        return
    for one in report.whole:
        _tiles(one)
    if report.newest is not None:
        st.caption(f"Only the newest {report.newest} orders and signals are measured.")
    for asset in [one.quote_asset for one in report.whole]:
        st.caption(f"Shortfall by day, {asset}")
        st.altair_chart(by_day([one for one in report.groups["day"] if one.quote_asset == asset]))
    _groups(report)
    st.caption("Time from one stage to the next")
    st.dataframe([latency_row(one) for one in report.latencies], hide_index=True)


def _tiles(one: Quality) -> None:
    """Shows the figures that matter, those of one quote asset in a row."""
    filled = one.fill_ratio
    shown = {
        f"Shortfall, {one.quote_asset}": rounded(one.shortfall, 2, signed=True),
        "Slippage": f"{bps(one.slippage, one.worth):+.1f} bps" if one.orders else "none",
        "Spread paid": f"{bps(one.spread, one.met):+.1f} bps" if one.met else "not known",
        "Fees": f"{bps(one.fees, one.worth):+.1f} bps" if one.orders else "none",
        "Filled": "nothing sent" if filled is None else f"{100 * filled:.1f}%",
        "Missed signals": str(one.missed),
    }
    for place, (name, value) in zip(st.columns(len(shown)), shown.items(), strict=True):
        place.metric(name, value)
    for count, words in (
        (one.unmeasured, "Orders not measured, as the ledger has no price of their signals"),
        (one.fees_unknown, "Orders whose fee is not in the sums, as it was paid in an asset whose price is not known"),
        (one.unpriced, "Missed signals that are in no sum, as their size, or what became of the price, is not known"),
    ):
        if count:
            st.caption(f"{words}: {count}")


def _groups(report: QualityReport) -> None:
    chosen = st.segmented_control("By", list(GROUPS), default="Symbol", key="quality_by", label_visibility="collapsed")
    st.dataframe([group_row(one) for one in report.groups[GROUPS[chosen or "Symbol"]]], hide_index=True)


def group_row(one: Quality) -> dict[str, str]:
    """Returns the cells of one group: amounts in quote asset, and the whole in basis points of what was wanted."""
    amounts = {words: rounded(getattr(one, name), 4, signed=True) for name, words in _PARTS.items()}
    return {
        "": one.name,
        "orders": str(one.orders),
        "missed signals": str(one.missed),
        "shortfall, bps": f"{one.shortfall_bps:+.1f}",
        f"shortfall, {one.quote_asset}": rounded(one.shortfall, 4, signed=True),
        **amounts,
        "worst order, bps": "" if one.single is None else f"{one.single.worst:+.1f}",
    }


def latency_row(one: Latency) -> dict[str, str]:
    """Returns the cells of one stage."""
    lengths = {"p50": one.median, "p90": one.p90, "p99": one.p99, "longest": one.longest}
    return {"until": one.stage, "orders": str(one.orders), **{name: _short(length) for name, length in lengths.items()}}


def by_day(days: Sequence[Quality]) -> alt.Chart:
    """Draws the parts of each day's shortfall on top of each other; what saved money is below zero."""
    frame = pd.DataFrame(
        [
            {"day": one.name, "part": words, "value": float(getattr(one, name)), "order": place}
            for one in days
            for place, (name, words) in enumerate(_PARTS.items())
        ]
    )
    chart: alt.Chart = (
        alt.Chart(frame, height=_HEIGHT)
        .mark_bar(size=max(2, min(40, 600 // len(days))))
        .encode(
            x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("value:Q", title=None),
            color=alt.Color("part:N", title=None, scale=_SCALE, legend=alt.Legend(orient="bottom", columns=3)),
            order="order:Q",
            tooltip=["day", "part", "value"],
        )
    )
    return chart


def _short(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{1000 * seconds:.1f} ms" if abs(seconds) < 1 else f"{seconds:.1f} s"
