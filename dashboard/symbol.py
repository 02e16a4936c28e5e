"""The chart page: a symbol's candles with our entries, exits, stop and targets, and the last trades in it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import streamlit as st

from bot.texts import Texts, short
from bot.views.price_chart import SymbolHistory, price_chart
from core.domain.candle import Candle, Span, covering, spanning
from core.domain.errors import ExchangeUnavailable, SymbolUnknown
from core.domain.signal import Side
from core.read_models import Selection
from dashboard import health
from dashboard.looks import cards, is_dark, put, safe, title, toned
from dashboard.market import candles, market_host
from dashboard.now import position_card, trades_table
from dashboard.price_chart import drawn
from dashboard.reading import answer
from dashboard.source import database_url
from dashboard.view import Traded, last_symbol, pulse, traded

_SPANS = {"auto": None, "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_LAST = 10  # executions that a chart shows where no period is named


def choose(words: Texts) -> None:
    """Shows the choice of the time that the candles cover; it stands in the address."""
    state = st.session_state
    if "span" not in state:
        said = st.query_params.get("span", "auto")
        state["span"] = said if said in _SPANS else "auto"
    labels = {"auto": words("dash.span_auto")} | {name: words(f"period.{name}") for name in list(_SPANS)[1:]}
    st.segmented_control(
        words("dash.time"), list(_SPANS), format_func=labels.__getitem__, key="span", required=True, label_visibility="collapsed"
    )
    if state["span"] == "auto":
        st.query_params.pop("span", None)
    else:
        st.query_params["span"] = state["span"]


def show(selection: Selection, words: Texts) -> None:
    """Shows the selected symbol, else the one that was traded last. Raises LedgerUnavailable."""
    symbol = selection.symbol or answer(last_symbol(database_url()))
    if symbol is None:
        put(safe(words("dash.which_symbol")))
        return
    seen, is_watched = answer(traded(database_url(), symbol, selection)), health.is_alive(answer(pulse(database_url())))
    span = _span(seen)
    try:
        found = candles(symbol, span)
    except SymbolUnknown:
        put(words("chart.no_symbol", symbol=symbol))
    except ExchangeUnavailable as error:
        put(words("chart.no_prices", symbol=symbol, problem=short(str(error), 200)))
    else:
        _show_chart(symbol, span, found, seen, words)
    if seen.held:
        put(title(words("dash.open_positions")))
        put(cards(position_card(one, words, is_watched=is_watched) for one in seen.held))
    put(title(words("dash.last_trades")), trades_table(seen.executions[:_LAST], words))


def _span(seen: Traded) -> Span:
    period = _SPANS[st.session_state["span"]]
    if period is not None:
        return spanning(period)
    opened = [one.position.opened_at for one in seen.held if one.position.opened_at is not None]
    return covering([*opened, *(one.executed_at for one in seen.executions[:_LAST])], datetime.now(UTC))


def _show_chart(symbol: str, span: Span, found: Sequence[Candle], seen: Traded, words: Texts) -> None:
    if not found:
        put(words("chart.no_candles", symbol=symbol))
        return
    history = history_of(symbol, span, found, seen)
    chart = price_chart(history, words, "dark" if is_dark() else "light")
    host = market_host()
    source = words("dash.from_demo") if host is None else words("dash.from_exchange", host=host)
    length = words.length(int(span.interval.length.total_seconds()))
    change = toned(chart.head.figure, history.candles[-1].close - history.candles[0].open)
    put(
        f'<div class="head"><b>{safe(symbol)}</b>{change}</div>',
        *(f"<div>{safe(line)}</div>" for line in chart.head.details),
    )
    st.vega_lite_chart(spec=drawn(chart, words))
    put(
        f'<div class="dim">{words("dash.candles_of", count=len(found), length=length, source=source)} {words("dash.marks")}</div>'
    )


def history_of(symbol: str, span: Span, found: Sequence[Candle], seen: Traded) -> SymbolHistory:
    """Returns what the chart shows: of the time of the candles, which are at least one."""
    first = found[0].opened_at
    assets = next(((one.base_asset, one.quote_asset) for one in seen.executions), (symbol, ""))
    return SymbolHistory(
        symbol=symbol,
        base=assets[0],
        quote=assets[1],
        interval=span.interval,
        candles=found,
        executions=[one for one in seen.executions if one.executed_at >= first],
        trades=[one for one in seen.trades if one.closed_at >= first],
        positions=[one.position for one in seen.held],
        plans=[one.plan for one in seen.held if one.plan is not None],
        entries=[one.order for one in seen.resting if one.order.side is Side.BUY],
        market=next((one.bid for one in seen.held), None),
    )
