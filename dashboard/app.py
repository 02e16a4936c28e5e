"""The dashboard: trades, results, signals and health, of the ledger that DATABASE_URL, `.env` or a demo names. Reads only."""

import streamlit as st

from core.domain.errors import LedgerUnavailable
from dashboard import results, signals, trades
from dashboard.selecting import chosen
from dashboard.source import looking_at

REFRESH_SECONDS = 5


def show() -> None:
    """Everything, for the selection of the sidebar."""
    try:
        selection = chosen()
        trades.show(selection)
        results.show(selection)
        signals.show()
    except LedgerUnavailable as error:
        st.warning(f"{error}. Start MarketFlow once, or set DATABASE_URL.")


st.set_page_config("MarketFlow", page_icon="📈", layout="wide")
st.title("MarketFlow")
st.caption(looking_at())
st.fragment(show, run_every=REFRESH_SECONDS)()
