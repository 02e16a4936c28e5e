"""The dashboard: the last trades and the last profit, from the ledger that DATABASE_URL names. Reads only."""

import asyncio
import os
from collections.abc import Sequence

import streamlit as st
from dotenv import dotenv_values

from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.reader import open_reader
from core.domain.errors import LedgerUnavailable
from core.domain.position import Execution

SHOWN = 100
REFRESH_SECONDS = 5


def database_url() -> str:
    """From the environment, else from `.env`, else the default."""
    # No interpolation: passwords hold dollar signs.
    return (
        os.environ.get("DATABASE_URL")
        or dotenv_values(interpolate=False).get("DATABASE_URL")
        or "sqlite+aiosqlite:///marketflow.db"
    )


async def newest() -> Sequence[Execution]:
    """The last executed orders, the newest first."""
    reader = open_reader(database_url())
    try:
        return await LedgerQueries(reader).recent_executions(SHOWN)
    finally:
        await reader.close()


def show() -> None:
    """The two things, refreshed by themselves."""
    try:
        executions = asyncio.run(newest())
    except LedgerUnavailable as error:
        st.warning(f"{error}. Start MarketFlow once, or set DATABASE_URL.")
        return
    exits = [one for one in executions if one.profit_pct is not None]
    st.metric("Last Profit", f"{exits[0].profit_pct:+.2f}%" if exits else "none yet")
    columns = ("executed_at", "symbol", "side", "qty", "price", "profit_pct", "profit_quote", "signal_type", "trading_mode")
    # As text: a table of numbers would round them.
    st.dataframe([{name: str(getattr(one, name) or "") for name in columns} for one in executions])


st.set_page_config("MarketFlow", layout="wide")
st.title("MarketFlow: last trades")
st.fragment(show, run_every=REFRESH_SECONDS)()
