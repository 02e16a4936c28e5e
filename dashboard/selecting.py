"""The selection: from when on, which symbol, which trading mode; and its download."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard.source import database_url
from dashboard.tables import EXECUTION_COLUMNS, as_csv
from dashboard.view import newest, symbols

DOWNLOADED = 10_000

# Today is one of the days.
_PERIODS = {"all": None, "today": timedelta(0), "7 days": timedelta(days=6), "30 days": timedelta(days=29)}
_ANY = "all"


def choose() -> None:
    """Shows the selection above every page, the same on all."""
    try:
        known = list(asyncio.run(symbols(database_url())))
    except LedgerUnavailable:
        known = st.session_state.get("known", [])  # a selection stays when the list changes
    st.session_state["known"] = known
    columns = st.columns([2, 2, 2, 1], vertical_alignment="bottom")
    columns[0].selectbox("Time", list(_PERIODS), key="period")
    columns[1].selectbox("Symbol", [_ANY, *known], key="symbol")
    columns[2].selectbox("Mode", [_ANY, "paper", "testnet", "live"], key="mode")
    # Outside the page, which is refreshed all the time: a redrawn button loses the file that was just requested.
    columns[3].download_button(
        "Trades as CSV",
        partial(_file, *_words()),
        "executions.csv",
        "text/csv",
        on_click="ignore",
        help=f"The newest {DOWNLOADED:,} of what is chosen",
    )


def _file(*words: str) -> bytes:
    # "Today" is computed when the file is requested: the page may have been open since yesterday.
    return as_csv(asyncio.run(newest(database_url(), _selection(*words), DOWNLOADED)), EXECUTION_COLUMNS)


def chosen() -> Selection:
    """Returns the current selection. Raises LedgerUnavailable."""
    if list(asyncio.run(symbols(database_url()))) != st.session_state["known"]:
        st.rerun()  # another symbol can be selected now
    return _selection(*_words())


def _words() -> tuple[str, str, str]:
    state = st.session_state
    return state["period"], state["symbol"], state["mode"]


def _selection(period: str, symbol: str, mode: str) -> Selection:
    back = _PERIODS[period]
    return Selection(
        since=None if back is None else datetime.now(UTC).date() - back,
        symbol=None if symbol == _ANY else symbol,
        mode=None if mode == _ANY else mode,
    )
