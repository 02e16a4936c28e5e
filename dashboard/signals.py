"""What came in and what became of it, how quickly, and how the program does."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.adapters.ledger.analytics import Delay, Pulse
from dashboard.source import database_url
from dashboard.tables import shown
from dashboard.view import signals

SILENT_SECONDS = 30  # without a sign of life


def show() -> None:
    """Signals with their reasons; latency of the newest orders; health. Raises LedgerUnavailable."""
    view = asyncio.run(signals(database_url()))
    st.subheader("Signals")
    rows = [
        {
            "received_at": shown(one.received_at),
            "source": one.signal.source,
            "signal": one.signal.signal_type,
            "symbol": one.signal.symbol,
            "close": shown(one.signal.close),
            "outcome": one.outcome or "waits its turn",
            "why": "" if one.reason is None else str(one.reason),
            "id": one.signal.signal_id,
        }
        for one in view.stories
    ]
    st.dataframe(rows, hide_index=True, height=280)
    left, right = st.columns(2)
    left.subheader("Latency")
    _latency(left, view.delays)
    right.subheader("Health")
    _health(right, view.pulse)


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
        place.write(f"{name}: half within {1000 * half:.1f} ms, 99 of 100 within {1000 * most:.1f} ms ({len(ordered)} orders)")


def _health(place: "st.delta_generator.DeltaGenerator", pulse: Pulse) -> None:
    now = datetime.now(UTC)
    silent = None if pulse.seen_at is None else (now - pulse.seen_at).total_seconds()
    if silent is None:
        place.write("❔ never started")
    elif silent > SILENT_SECONDS:
        place.write(f"❌ no sign of life since {shown(pulse.seen_at)} UTC ({pulse.holder})")
    else:
        place.write(f"✅ alive ({pulse.holder})")
    place.write(f"{'⏸ paused: ' + pulse.pause if pulse.pause != 'off' else '▶️ not paused'}; mode {pulse.mode or 'as set'}")
    for count, words in (
        (pulse.unsettled, "orders are not settled"),
        (pulse.undecided, "messages wait their turn"),
        (pulse.unsent, "alerts wait to be sent"),
    ):
        place.write(f"{'✅' if not count else '⏳'} {count} {words}")
    if pulse.held:
        place.write(f"❌ held: {', '.join(pulse.held)}: ledger and exchange disagree, see /accept")
