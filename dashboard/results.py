"""The results page: figures with their definitions, the equity curve, drawdown, each day, and what did how well."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from bot.texts import Texts, short
from bot.views.number_format import alike, share
from core.domain.money import ZERO
from core.domain.trading_figures import expectancy, win_rate
from core.read_models import Performance, Selection
from dashboard import charts
from dashboard.figures import Results, by_month, in_time
from dashboard.looks import Column, definitions, put, safe, table, tiles, title, toned
from dashboard.reading import answer
from dashboard.source import database_url
from dashboard.tiles import cost_tiles, result_tiles
from dashboard.view import Figures, compared


def show(selection: Selection, words: Texts) -> None:
    """Shows each quote asset by itself: amounts of two are never added. Raises LedgerUnavailable."""
    today = datetime.now(UTC).date()
    view = answer(compared(database_url(), selection, today))
    sold = [one for one in view.figures.results if one.exits]
    if not sold:
        put(safe(words("dash.nothing_sold")))
        return
    for one in sold:
        _show_one(view.figures, one, selection, words)
    for name, found in (
        ("by_strategy", view.by_strategy),
        ("by_symbol", view.by_symbol),
        ("by_signal_type", view.by_signal_type),
    ):
        put(title(words(f"dash.{name}")), performance_table(found, words))


def _show_one(figures: Figures, one: Results, selection: Selection, words: Texts) -> None:
    until = selection.until or datetime.now(UTC).date()
    found = [*result_tiles(figures, one, selection.since, until, words), *cost_tiles(figures, one, words)]
    put(title(one.quote), tiles(found), definitions(words("dash.definitions"), found))
    if one.capital is None:
        put(f'<span class="dim">{words("dash.no_capital", quote=one.quote)}</span>')
    left, right = st.columns(2)
    with left:
        put(title(words("dash.curve_amount" if one.capital is None else "dash.curve_pct")))
        st.altair_chart(charts.curve(one, words))
    with right:
        put(title(words("dash.fall_amount" if one.capital is None else "dash.fall_pct")))
        st.altair_chart(charts.fall(one, words))
    put(title(words("dash.monthly" if by_month(one.days) else "dash.daily")))
    st.altair_chart(charts.bars(in_time(one.days), one.quote, words))


def performance_table(found: Sequence[Performance], words: Texts) -> str:
    """Returns what did how well: exits, win rate, result, expectancy, and the result before fees."""
    columns = [
        Column("", is_word=True, is_first=True),
        *(Column(words(f"dash.{name}")) for name in ("exits", "win_rate", "net", "expectancy", "before_fees")),
    ]
    rows = []
    for one in found:
        own = [other.profit for other in found if other.quote_asset == one.quote_asset]
        written = alike(own)
        rows.append(
            [
                short(one.name),
                words.figure(f"{one.exits:,}"),
                words.figure(share(win_rate(one.wins, one.exits) or ZERO)),
                toned(f"{words.figure(written(one.profit))} {one.quote_asset}", one.profit),
                words.figure(written(expectancy(one.profit, one.exits) or ZERO)),
                words.figure(written(one.gross)),
            ]
        )
    return table(columns, rows)
