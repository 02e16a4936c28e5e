"""The program's health, as far as the ledger knows."""

from datetime import UTC, datetime

import streamlit as st

from core.adapters.ledger.analytics import Pulse
from dashboard.tables import shown

SILENT_SECONDS = 30  # without a sign of life


def in_a_word(pulse: Pulse) -> str:
    """Returns the most serious finding in a word."""
    if pulse.seen_at is None:
        return "❔ never started"
    if _silent(pulse):
        return f"❌ silent since {pulse.seen_at:%H:%M} UTC"
    if pulse.held:
        return f"❌ held: {', '.join(pulse.held)}"
    return "⏸ paused" if pulse.pause != "off" else "✅ alive"


def is_alive(pulse: Pulse) -> bool:
    """Tells whether the program gave a sign of life just now."""
    return pulse.seen_at is not None and not _silent(pulse)


def show(place: "st.delta_generator.DeltaGenerator", pulse: Pulse) -> None:
    """Shows the last sign of life, pause and mode, and the backlog."""
    if pulse.seen_at is None:
        place.write("❔ never started")
    elif _silent(pulse):
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


def _silent(pulse: Pulse) -> bool:
    return pulse.seen_at is not None and (datetime.now(UTC) - pulse.seen_at).total_seconds() > SILENT_SECONDS
