"""The signals page: what became of each signal and why, down to the story of one."""

from collections.abc import Sequence

import streamlit as st

from bot.texts import Html, Texts, short
from bot.views.number_format import price
from bot.views.signal_story import story_lines, what_became
from core.read_models import Selection, SignalStory
from dashboard.looks import Column, pill, put, safe, table
from dashboard.now import story_link
from dashboard.reading import answer
from dashboard.selecting import address
from dashboard.source import database_url
from dashboard.view import signals, story

_DONE, _LOST = frozenset({"executed"}), frozenset({"denied", "failed", "expired", "declined"})
_LONGEST = 80  # characters of a signal's name in the address


def choose(words: Texts) -> None:
    """Shows the choice between all signals and those that led to no trade; nothing above a story."""
    if "signal" in st.query_params:
        return
    labels = {False: words("dash.all_signals"), True: words("dash.not_traded")}
    st.session_state.setdefault("not_traded", "untraded" in st.query_params)
    st.segmented_control(
        words("dash.outcome"),
        list(labels),
        format_func=labels.__getitem__,
        key="not_traded",
        required=True,
        label_visibility="collapsed",
    )
    if st.session_state["not_traded"]:
        st.query_params["untraded"] = "1"
    else:
        st.query_params.pop("untraded", None)


def show(selection: Selection, words: Texts) -> None:
    """Shows the story that the address names, else the signals. Raises LedgerUnavailable."""
    name = st.query_params.get("signal", "")[:_LONGEST]
    if name:
        _show_story(name, words)
        return
    before = st.query_params.get("before", "")[:18]
    number = int(before) if before.isascii() and before.isdigit() else None
    not_traded = bool(st.session_state.get("not_traded"))
    view = answer(signals(database_url(), selection, before=number, not_traded=not_traded))
    put(signals_table(view.stories, words) if view.stories else safe(words("dash.no_signals")))
    links = []
    if number is not None:
        links.append(f'<a href="signals?{safe(address())}" target="_self">{words("dash.newest")}</a>')
    if view.older is not None:
        more = {"before": str(view.older), **({"untraded": "1"} if not_traded else {})}
        links.append(f'<a href="signals?{safe(address(**more))}" target="_self">{words("dash.older")}</a>')
    put("<p>", " · ".join(links), "</p>")


def signals_table(stories: Sequence[SignalStory], words: Texts) -> str:
    """Returns signals with their outcomes and reasons, each with the way to its story."""
    columns = [
        Column(words("dash.signal"), is_word=True, is_first=True),
        Column(words("dash.outcome"), is_word=True),
        Column(words("dash.price")),
        Column(words("dash.why"), is_word=True, is_whole=True),
        Column(words("dash.strategy"), is_word=True),
        Column(words("dash.at"), is_word=True),
        Column(words("dash.source"), is_word=True, is_whole=True),
    ]
    rows = [
        [
            story_link(str(one.seq), f"{short(one.signal.signal_type)} {short(one.signal.symbol)}"),
            outcome_pill(one, words),
            words.figure(price(one.signal.close)),
            "" if one.reason is None else words.reason(one.reason),
            short(one.signal.strategy),
            words.moment(one.received_at),
            short(one.signal.source),
        ]
        for one in stories
    ]
    return table(columns, rows)


def outcome_pill(one: SignalStory, words: Texts) -> Html:
    """Returns a signal's outcome in a word."""
    outcome = one.outcome or "waiting"
    key = f"outcome.{outcome}"
    return pill(
        words(key) if words.has(key) else safe(outcome), "up" if outcome in _DONE else "down" if outcome in _LOST else "dim"
    )


def _show_story(name: str, words: Texts) -> None:
    back = f'<a href="signals?{safe(address())}" target="_self">← {words("dash.back")}</a>'
    found = answer(story(database_url(), name))
    if found is None:
        put(f"<p>{back}</p>", words("dash.no_story", name=short(name)))
        return
    lines = "".join(f"<div>{line}</div>" for line in story_lines(found, words, full=True))
    put(f"<p>{back}</p>", f'<div class="story" data-outcome="{what_became(found)}">{lines}</div>')
