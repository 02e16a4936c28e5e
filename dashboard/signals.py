"""The signals page: signals, their outcomes and latency, and the program's health."""

import asyncio
from collections.abc import Sequence

import streamlit as st

from core.adapters.ledger.analytics import Delay
from core.read_models import Selection
from dashboard import health
from dashboard.source import database_url
from dashboard.tables import shown
from dashboard.view import signals


def show(selection: Selection) -> None:
    """Shows signals with their reasons and latency of the newest orders, of the selected symbol; health. Raises
    LedgerUnavailable."""
    view = asyncio.run(signals(database_url(), selection))
    st.subheader("Signals")
    rows = [
        {
            "received_at": shown(one.received_at),
            "source": one.signal.source,
            "signal": one.signal.signal_type,
            "symbol": one.signal.symbol,
            "strategy": one.signal.strategy,
            "close": shown(one.signal.close),
            "outcome": one.outcome or "waits its turn",
            "why": "" if one.reason is None else str(one.reason),
            "id": one.signal.signal_id,
        }
        for one in view.stories
        if selection.strategy in (None, one.signal.strategy)
    ]
    st.dataframe(rows, hide_index=True, height=280)
    left, right = st.columns(2)
    left.subheader("Latency")
    _latency(left, view.delays)
    right.subheader("Health")
    health.show(right, view.pulse)


def _latency(place: "st.delta_generator.DeltaGenerator", delays: Sequence[Delay]) -> None:
    if not delays:
        place.write("No order was placed yet.")
        return
    for name, values in (
        ("from signal to order", [one.to_order for one in delays]),
        ("from order to settled", [one.to_settled for one in delays]),
    ):
        ordered = sorted(values)
        half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        place.write(f"{name}: p50 {_short(half)}, p99 {_short(most)} ({len(ordered)} orders)")


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
