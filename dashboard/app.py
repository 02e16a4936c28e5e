"""The dashboard's pages, run anew for each visitor and each click. Reads only."""

from collections.abc import Callable

import streamlit as st

from bot.texts import Texts
from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard import health, now, quality, results, signals, symbol
from dashboard.looks import STYLE, pill, put
from dashboard.reading import answer
from dashboard.selecting import choose, chosen, reader_texts
from dashboard.source import chosen_source, database_url
from dashboard.view import pulse

REFRESH_SECONDS = 5
Show = Callable[[Selection, Texts], None]


def head(words: Texts) -> None:
    """Shows whose money it is, and whether the program is alive."""
    try:
        found = answer(pulse(database_url()))
    except LedgerUnavailable:
        put('<div class="head"><b>MarketFlow</b></div>')
        return
    mode = found.trading_mode or "none"
    demo = pill(words("dash.demo"), "dim") if chosen_source().is_demo else ""
    badge = f'<span class="badge {mode}">{words(f"dash.mode_{mode}")}</span>'
    put(f'<div class="head"><b>MarketFlow</b>{badge}{health.in_a_word(found, words)}{demo}</div>')


def page(name: str, path: str, show: Show) -> "st.Page":
    """Returns one page, which reads the ledger again every few seconds. Its name is in the reader's language."""
    words = reader_texts()

    def run() -> None:
        try:
            show(chosen(), words)
        except LedgerUnavailable as error:
            st.warning(words("dash.no_ledger", problem=str(error)))

    # Only the open page is read, so the first page appears sooner.
    return st.Page(st.fragment(run, run_every=REFRESH_SECONDS), title=words(name), url_path=path, default=not path)


st.set_page_config("MarketFlow", page_icon="📈", layout="wide")
st.html(STYLE)
PAGES: dict[str, tuple[str, Show, Callable[[Texts], None] | None]] = {
    "": ("dash.now", now.show, None),
    "results": ("dash.results", results.show, None),
    "quality": ("dash.quality", quality.show, None),
    "chart": ("dash.chart", symbol.show, symbol.choose),
    "signals": ("dash.signals", signals.show, signals.choose),
    "health": ("dash.health", health.show, None),
}
pages = {path: page(name, path, show) for path, (name, show, _) in PAGES.items()}
shown = st.navigation(list(pages.values()), position="hidden")
texts = reader_texts()
st.fragment(head, run_every=REFRESH_SECONDS)(texts)
with st.container(horizontal=True, gap="small", key="pages"):
    for each in pages.values():
        st.page_link(each)
choose()
own = PAGES[shown.url_path][2]
if own is not None:
    own(texts)
shown.run()
put(f'<p class="dim">{texts("dash.zone", zone=str(texts.zone))}</p>')
