"""The trades page: the last trades, the last profit, and the open positions."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from core.adapters.ledger.guards import OpenPosition
from core.domain.money import ZERO, multiply, per_cent, plain
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution
from core.read_models import Selection
from dashboard import guards, health
from dashboard.source import database_url
from dashboard.tables import EXECUTION_SHOWN, rounded, shown
from dashboard.view import trades

PRICE_DECIMALS = 8  # Binance's finest precision
_ROW, _TALLEST = 35, 318  # pixels


def show(selection: Selection) -> None:
    """Shows the last profit and the last trades first. Raises LedgerUnavailable."""
    view = asyncio.run(trades(database_url(), selection))
    last, is_watched = view.last_exit, health.is_alive(view.pulse)
    held = [one for one in view.held if selection.has(one.position.book)]
    resting = [one for one in view.resting if selection.has(one.order.book)]
    exits = [one for one in view.exits if selection.has(one.book)]
    metrics = st.columns(4)
    profit = None if last is None else last.profit_pct
    metrics[0].metric("Last Profit", "none yet" if profit is None else f"{profit:+.2f}%")
    metrics[1].metric("Open positions", len(held))
    quotes = sorted({_quote(one) for one in held})
    unrealised = [unrealised_words([_unrealised(one) for one in held if _quote(one) == quote], quote) for quote in quotes]
    metrics[2].metric("Unrealised", ", ".join(unrealised) or "nothing held")
    metrics[3].metric("Program", health.in_a_word(view.pulse))
    st.subheader("Recent trades")
    st.dataframe([_trade(one) for one in view.executions], hide_index=True, height=_height(len(view.executions)))
    st.subheader("Open positions")
    if held:
        st.dataframe([_row(one, is_watched=is_watched) for one in held], hide_index=True)
    else:
        st.write("No open positions.")
    _hidden(len(view.held) - len(held))
    st.subheader("Resting orders")
    if resting:
        st.dataframe([guards.order_row(one) for one in resting], hide_index=True)
    else:
        st.write("No order rests on the exchange.")
    _hidden(len(view.resting) - len(resting))
    if view.exits:
        st.subheader("Exits that are tried again")
        st.dataframe([exit_row(one) for one in exits], hide_index=True)
        _hidden(len(view.exits) - len(exits))


def unrealised_words(values: Sequence[Decimal | None], quote: str) -> str:
    """Returns the sum of what is known, and says so if some is not: no price was ever recorded."""
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    return f"{sum(known, ZERO):+.2f} {quote}" + (" and unknown" if len(known) < len(values) else "")


def _height(rows: int) -> int:
    """Returns the pixels of a table that scrolls only where it is long."""
    return min(_TALLEST, _ROW * (rows + 1) + 3)


def _hidden(count: int) -> None:
    """Says how many the selection leaves out, so that nobody takes a part for the whole."""
    if count:
        st.caption(f"Not shown: {count} of another symbol or strategy")


def _trade(one: Execution) -> dict[str, str]:
    cells = {column: shown(getattr(one, column)) for column in EXECUTION_SHOWN}
    return cells | {
        "price": rounded(one.price, PRICE_DECIMALS),
        "profit_pct": rounded(one.profit_pct, 2, signed=True),
        "profit_quote": rounded(one.profit_quote, 4, signed=True),
    }


def _row(one: OpenPosition, *, is_watched: bool) -> dict[str, str]:
    position, gain = one.position, _unrealised(one)
    return {
        "symbol": position.symbol,
        "strategy": position.strategy,
        "since": shown(position.opened_at),
        "quantity": plain(position.qty),
        "average cost": rounded(position.average_cost, PRICE_DECIMALS),
        "price": shown(one.bid),
        "unrealised": "" if gain is None else f"{gain:+.4f}",
        "%": "" if gain is None else f"{per_cent(gain, position.cost):+.2f}",
        **guards.guard_cells(one, is_watched=is_watched),
        "cost": rounded(position.cost, 4),
        "price of": shown(one.marked_at),
    }


def exit_row(one: PendingExit) -> dict[str, str]:
    """Returns the cells of a pending exit."""
    gives_up = "when it is sold" if one.signal.is_panic else shown(one.until)
    return {
        "symbol": one.symbol,
        "strategy": one.book.strategy,
        "quantity": plain(one.qty),
        "since": shown(one.since),
        "until": gives_up,
        "attempt": str(one.number),
        "not done because": "" if one.why is None else str(one.why),
    }


def _unrealised(one: OpenPosition) -> Decimal | None:
    """Returns what selling it all at the last bid would bring over its cost, in quote asset, before the fee."""
    return None if one.bid is None else multiply(one.position.qty, one.bid) - one.position.cost


def _quote(one: OpenPosition) -> str:
    """Returns the symbol's quote asset, by its ending."""
    return next(
        (quote for quote in ("USDC", "USDT", "FDUSD", "EUR", "BTC", "ETH", "BNB") if one.position.symbol.endswith(quote)), ""
    )
