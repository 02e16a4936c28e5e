"""The dashboard: trades, results, signals and health, of the ledger that DATABASE_URL, `.env` or a demo names. Reads only."""

import asyncio

import streamlit as st

from core.domain.errors import LedgerUnavailable
from dashboard import results, signals, trades
from dashboard.selecting import chosen
from dashboard.source import database_url, looking_at
from dashboard.view import load

REFRESH_SECONDS = 5


def show() -> None:
    """Everything, for the selection of the sidebar."""
    try:
        selection = chosen()
        # Streamlit runs each refresh in a thread of its own, so no connection can be kept between them.
        view = asyncio.run(load(database_url(), selection))
    except LedgerUnavailable as error:
        st.warning(f"{error}. Start MarketFlow once, or set DATABASE_URL.")
    else:
        trades.show(view, selection)
        results.show(view)
        signals.show(view)


st.set_page_config("MarketFlow", page_icon="📈", layout="wide")
st.title("MarketFlow")
st.caption(looking_at())
st.fragment(show, run_every=REFRESH_SECONDS)()
