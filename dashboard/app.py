"""The dashboard: trades, results, signals and health, of the ledger given by DATABASE_URL, `.env` or a demo. Reads only."""

from collections.abc import Callable

import streamlit as st

from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard import quality, results, signals, trades
from dashboard.selecting import choose, chosen
from dashboard.source import looking_at

REFRESH_SECONDS = 5


def page(show: Callable[[Selection], None], title: str, icon: str) -> "st.Page":
    """Returns one page, which reads the ledger again every few seconds."""

    def run() -> None:
        try:
            show(chosen())
        except LedgerUnavailable as error:
            st.warning(f"{error}. Start MarketFlow once, or set DATABASE_URL.")

    # Only the open page is read, so the first page appears sooner.
    return st.Page(st.fragment(run, run_every=REFRESH_SECONDS), title=title, icon=icon, url_path=title.lower())


st.set_page_config("MarketFlow", page_icon="📈", layout="wide")
shown = st.navigation(
    [
        page(trades.show, "Trades", "💱"),
        page(results.show, "Results", "📈"),
        page(quality.show, "Quality", "🎯"),
        page(signals.show, "Signals", "📡"),
    ],
    position="top",
)
st.title("MarketFlow")
st.caption(looking_at())
choose()
shown.run()
