"""The sidebar: from when on, which symbol, which trading mode."""

import asyncio
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.adapters.ledger.analytics import Selection
from dashboard.source import database_url
from dashboard.view import symbols

_PERIODS = {"all": None, "today": timedelta(0), "7 days": timedelta(days=7), "30 days": timedelta(days=30)}
_ANY = "all"


def chosen() -> Selection:
    """What is selected at the moment. Raises LedgerUnavailable."""
    columns = st.columns(3)
    period = columns[0].selectbox("Time", list(_PERIODS), key="period")
    symbol = columns[1].selectbox("Symbol", [_ANY, *asyncio.run(symbols(database_url()))], key="symbol")
    mode = columns[2].selectbox("Mode", [_ANY, "paper", "testnet", "live"], key="mode")
    back = _PERIODS[period]
    today = datetime.now(UTC).date()
    return Selection(
        since=None if back is None else today - back,
        symbol=None if symbol == _ANY else symbol,
        mode=None if mode == _ANY else mode,
    )
