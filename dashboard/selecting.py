"""The selection: time, symbol, strategy, mode and language; in the address, too; and its download."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from bot.texts import LANGUAGES, Texts
from bot.texts.figures import grouped
from core.domain.errors import LedgerUnavailable
from core.read_models import Selection
from dashboard.reading import answer
from dashboard.source import database_url
from dashboard.tables import EXECUTION_COLUMNS, as_csv
from dashboard.texts import language_of, texts
from dashboard.view import known, newest

DOWNLOADED = 10_000

PERIODS = {"all": None, "today": timedelta(0), "7d": timedelta(days=6), "30d": timedelta(days=29)}
"""The length that each period goes back; today is one of the days."""
OWN_DAYS = "days"
_MODES = ("paper", "testnet", "live")
_ANY = "all"
_KEYS = ("period", "symbol", "strategy", "mode", "lang")
_KEPT = "kept_"  # Streamlit forgets a widget that one page did not come to show before the visitor went on to another
_LONGEST = 60
_NEW_SECONDS = 2.0  # in which what is known was read just now
_FIRST_DAY = date(2017, 1, 1)


def reader_texts() -> Texts:
    """Returns the texts in the language that the address names, else in the browser's, with times in the browser's zone."""
    state = st.session_state
    language = state.get("lang") or state.get(_KEPT + "lang") or st.query_params.get("lang", "")
    zone = st.context.timezone or "UTC"
    return texts(language if language in LANGUAGES else language_of(st.context.locale), zone)


def choose() -> None:
    """Shows the selection above every page, the same on all."""
    words, state = reader_texts(), st.session_state
    try:
        state["known"], state["known_at"] = answer(known(database_url())), time.monotonic()
    except LedgerUnavailable:
        state.setdefault("known", ((), ()))  # a selection stays when the list changes
    symbols, strategies = state["known"]
    named = {"period": [*PERIODS, OWN_DAYS], "symbol": symbols, "strategy": strategies, "mode": _MODES, "lang": LANGUAGES}
    for key in _KEYS:
        _from_address(key, named[key], words.language if key == "lang" else _ANY)
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    labels = {name: words(f"dash.{name}") for name in (*PERIODS, OWN_DAYS)}
    with row:
        st.segmented_control(
            words("dash.time"),
            list(labels),
            format_func=labels.__getitem__,
            key="period",
            required=True,
            label_visibility="collapsed",
        )
        _days(words)
        with st.popover(_filtered(words), type="tertiary"):
            _boxes(words, named)
    _to_address()


def _boxes(words: Texts, named: Mapping[str, Sequence[str]]) -> None:
    """Shows what one selects less often, and the download."""
    for key in ("symbol", "strategy", "mode"):
        st.selectbox(words(f"dash.{key}"), _options(key, named[key]), format_func=partial(_shown, words), key=key)
    st.selectbox(words("dash.language"), LANGUAGES, format_func={"en": "English", "ru": "Русский"}.__getitem__, key="lang")
    # Outside the page, which is refreshed all the time: a redrawn button loses the file that was just requested.
    st.download_button(
        words("dash.download"),
        partial(_file, *_words()),
        "executions.csv",
        "text/csv",
        on_click="ignore",
        help=words("dash.download_help", count=grouped(str(DOWNLOADED))),
    )


def _days(words: Texts) -> None:
    """Asks for the first and the last day where they are to be chosen."""
    state = st.session_state
    if state["period"] != OWN_DAYS:
        return
    today = datetime.now(UTC).date()
    if "own_days" not in state:
        said = [_day_of(st.query_params.get(name, "")) for name in ("since", "until")]
        state["own_days"] = (said[0] or today - timedelta(days=29), max(said[1] or today, said[0] or today))
    st.date_input(
        words("dash.days"),
        key="own_days",
        min_value=_FIRST_DAY,
        max_value=max(today, *state["own_days"]),
        label_visibility="collapsed",
    )


def _filtered(words: Texts) -> str:
    """Returns the name of the filters, or what they let through."""
    chosen = [st.session_state[key] for key in ("symbol", "strategy", "mode") if st.session_state[key] != _ANY]
    return " · ".join(_unmarked(one) for one in chosen) or words("dash.filters")


def _unmarked(text: str) -> str:
    """Returns a foreign name without what Streamlit would take for marks of emphasis, links or colours."""
    return "".join(letter if letter.isalnum() or letter in " .-" else f"\\{letter}" for letter in text)


def _shown(words: Texts, option: str) -> str:
    return words("dash.any") if option == _ANY else option


def _from_address(key: str, named: Sequence[str], otherwise: str) -> None:
    """Begins with what was chosen, or what the address says. A symbol or a strategy that the ledger does not know yet may be
    meant, too: it shows nothing, rather than what others did."""
    if key in st.session_state:
        return
    said = (st.session_state.get(_KEPT + key) or st.query_params.get(key, otherwise))[:_LONGEST]
    st.session_state[key] = said if said in named or key in ("symbol", "strategy") else otherwise


def _options(key: str, named: Sequence[str]) -> list[str]:
    chosen = st.session_state[key]
    return [_ANY, *named, *([] if chosen in (_ANY, *named) else [chosen])]


def address(**more: str) -> str:
    """Returns the selection as the query of an address, with `more` parameters."""
    return urlencode(_said() | more)


def _said() -> dict[str, str]:
    state, usual = st.session_state, language_of(st.context.locale)
    said = {key: state[key] for key in _KEYS if state[key] != (usual if key == "lang" else _ANY)}
    if state["period"] == OWN_DAYS and len(days := state["own_days"]) == 2:
        said |= {"since": days[0].isoformat(), "until": days[1].isoformat()}
    return said


def _to_address() -> None:
    """Puts the selection into the address, which can be kept or sent to somebody; what a page itself has there stays."""
    for key in _KEYS:
        st.session_state[_KEPT + key] = st.session_state[key]
    said, there = _said(), st.query_params.to_dict()
    wanted = {key: value for key, value in there.items() if key not in (*_KEYS, "since", "until")} | said
    if there != wanted:
        st.query_params.from_dict(wanted)


def _file(period: str, days: Sequence[date], symbol: str, strategy: str, mode: str) -> bytes:
    # "Today" is computed when the file is requested: the page may have been open since yesterday.
    return as_csv(answer(newest(database_url(), _selection(period, days, symbol, strategy, mode), DOWNLOADED)), EXECUTION_COLUMNS)


def chosen() -> Selection:
    """Returns the current selection. Raises LedgerUnavailable."""
    state = st.session_state
    is_old = time.monotonic() - state.get("known_at", 0.0) > _NEW_SECONDS
    if is_old and answer(known(database_url())) != state["known"]:
        st.rerun()  # another symbol or strategy can be selected now
    return _selection(*_words())


def _words() -> tuple[str, Sequence[date], str, str, str]:
    state = st.session_state
    return state["period"], state.get("own_days", ()), state["symbol"], state["strategy"], state["mode"]


def _selection(period: str, days: Sequence[date], symbol: str, strategy: str, mode: str) -> Selection:
    back, own = PERIODS.get(period), period == OWN_DAYS and len(days) == 2
    since = days[0] if own else None if back is None else datetime.now(UTC).date() - back
    return Selection(
        since=since,
        until=days[1] if own else None,
        symbol=None if symbol == _ANY else symbol,
        strategy=None if strategy == _ANY else strategy,
        mode=None if mode == _ANY else mode,
    )


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
