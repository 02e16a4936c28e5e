"""What is looked at: from when on, which symbol, which trading mode."""

import asyncio
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.adapters.ledger.analytics import Selection
from core.domain.errors import LedgerUnavailable
from dashboard.source import database_url
from dashboard.view import symbols

# Today is one of the days.
_PERIODS = {"all": None, "today": timedelta(0), "7 days": timedelta(days=6), "30 days": timedelta(days=29)}
_ANY = "all"


def choose() -> None:
    """The choice, above every page and the same on all."""
    try:
        known = list(asyncio.run(symbols(database_url())))
    except LedgerUnavailable:
        known = st.session_state.get("known", [])  # what was chosen stays chosen
    st.session_state["known"] = known
    columns = st.columns(3)
    columns[0].selectbox("Time", list(_PERIODS), key="period")
    columns[1].selectbox("Symbol", [_ANY, *known], key="symbol")
    columns[2].selectbox("Mode", [_ANY, "paper", "testnet", "live"], key="mode")


def chosen() -> Selection:
    """What is chosen at the moment. Raises LedgerUnavailable."""
    if list(asyncio.run(symbols(database_url()))) != st.session_state["known"]:
        st.rerun()  # another symbol can be chosen now
    period, symbol, mode = (st.session_state[name] for name in ("period", "symbol", "mode"))
    back = _PERIODS[period]
    return Selection(
        since=None if back is None else datetime.now(UTC).date() - back,
        symbol=None if symbol == _ANY else symbol,
        mode=None if mode == _ANY else mode,
    )
