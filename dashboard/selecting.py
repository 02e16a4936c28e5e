"""The selection: from when on, which symbol, strategy and trading mode; in the address, too; and its download."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import streamlit as st

from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard.source import database_url
from dashboard.tables import EXECUTION_COLUMNS, as_csv
from dashboard.view import known, newest

DOWNLOADED = 10_000

# Today is one of the days.
_PERIODS = {"all": None, "today": timedelta(0), "7 days": timedelta(days=6), "30 days": timedelta(days=29)}
_MODES = ("paper", "testnet", "live")
_ANY = "all"
_KEYS = ("period", "symbol", "strategy", "mode")
_LONGEST = 60


def choose() -> None:
    """Shows the selection above every page, the same on all."""
    state = st.session_state
    try:
        state["known"] = asyncio.run(known(database_url()))
    except LedgerUnavailable:
        state.setdefault("known", ((), ()))  # a selection stays when the list changes
    symbols, strategies = state["known"]
    named = {"period": list(_PERIODS)[1:], "symbol": symbols, "strategy": strategies, "mode": _MODES}
    columns = st.columns([2, 2, 2, 2, 1.4], vertical_alignment="bottom")
    for place, key, label in zip(columns, _KEYS, ("Time", "Symbol", "Strategy", "Mode"), strict=False):
        _from_address(key, named[key])
        place.selectbox(label, _options(key, named[key]), key=key)
    _to_address()
    # Outside the page, which is refreshed all the time: a redrawn button loses the file that was just requested.
    columns[4].download_button(
        "Trades as CSV",
        partial(_file, *_words()),
        "executions.csv",
        "text/csv",
        on_click="ignore",
        help=f"The newest {DOWNLOADED:,} of what is chosen",
    )


def _from_address(key: str, named: Sequence[str]) -> None:
    """Begins with what the address says. A symbol or a strategy that the ledger does not know yet may be meant, too: it shows
    nothing, rather than what others did."""
    if key in st.session_state:
        return
    said = st.query_params.get(key, _ANY)[:_LONGEST]
    st.session_state[key] = said if said in named or key in ("symbol", "strategy") else _ANY


def _options(key: str, named: Sequence[str]) -> list[str]:
    chosen = st.session_state[key]
    return [_ANY, *named, *([] if chosen in (_ANY, *named) else [chosen])]


def _to_address() -> None:
    """Puts the selection into the address, which can be kept or sent to somebody."""
    said = {key: st.session_state[key] for key in _KEYS if st.session_state[key] != _ANY}
    if st.query_params.to_dict() != said:
        st.query_params.from_dict(said)


def _file(*words: str) -> bytes:
    # "Today" is computed when the file is requested: the page may have been open since yesterday.
    return as_csv(asyncio.run(newest(database_url(), _selection(*words), DOWNLOADED)), EXECUTION_COLUMNS)


def chosen() -> Selection:
    """Returns the current selection. Raises LedgerUnavailable."""
    if asyncio.run(known(database_url())) != st.session_state["known"]:
        st.rerun()  # another symbol or strategy can be selected now
    return _selection(*_words())


def _words() -> tuple[str, str, str, str]:
    state = st.session_state
    return state["period"], state["symbol"], state["strategy"], state["mode"]


def _selection(period: str, symbol: str, strategy: str, mode: str) -> Selection:
    back = _PERIODS[period]
    return Selection(
        since=None if back is None else datetime.now(UTC).date() - back,
        symbol=None if symbol == _ANY else symbol,
        strategy=None if strategy == _ANY else strategy,
        mode=None if mode == _ANY else mode,
    )
