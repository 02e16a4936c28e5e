"""The results page: equity curve, daily results, drawdown, and performance."""

import asyncio
from decimal import Decimal

import streamlit as st

from core.domain.money import ZERO
from core.read_models import Performance, Selection
from dashboard import charts
from dashboard.source import database_url
from dashboard.tables import rounded
from dashboard.view import CURVE_EXITS, results


def show(selection: Selection) -> None:
    """Shows curves of net profit in quote asset, one line for each asset. Raises LedgerUnavailable."""
    view = asyncio.run(results(database_url(), selection))
    st.subheader("Results")
    gains, days = view.gains, view.days
    if not gains or not days:
        st.write("Nothing was sold yet.")
        return
    steps = gains if len(gains) <= CURVE_EXITS else days
    left, right = st.columns(2)
    left.caption("Equity: net profit so far")
    left.altair_chart(charts.curve(steps))
    right.caption("Drawdown: below the highest so far")
    right.altair_chart(charts.drawdown(steps))
    left.caption("Profit by day (UTC)")
    left.altair_chart(charts.by_day(days))
    totals: dict[str, Decimal] = {}
    for day in days:
        totals[day.quote_asset] = totals.get(day.quote_asset, ZERO) + day.profit
    right.caption("Net profit in all")
    for asset, total in sorted(totals.items()):
        right.metric(asset, f"{total:+.2f}")
    for title, performance in (
        ("By strategy", view.by_strategy),
        ("By symbol", view.by_symbol),
        ("By signal type", view.by_signal_type),
    ):
        st.caption(title)
        st.dataframe([_row(one) for one in performance], hide_index=True)


def _row(one: Performance) -> dict[str, str]:
    return {
        "": one.name,
        "exits": str(one.exits),
        "with a profit": f"{one.wins} ({100 * one.wins / one.exits:.0f}%)",
        "net profit": f"{rounded(one.profit, 4, signed=True)} {one.quote_asset}",
        "before fees": f"{rounded(one.gross, 4, signed=True)} {one.quote_asset}",
    }
