"""The looks of the pages: figures, tables and words as HTML that is readable on a phone, in light and dark. Pure but for `put`.

Values that come from outside are escaped here or by the texts; nothing else makes HTML.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path

import streamlit as st

from bot.texts import Html
from core.domain.money import ZERO

STYLE = Path(__file__).with_name("style.css")


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure: its name, its value and a note below, in words; `tone` colours it by its sign. `help` says how it is counted."""

    name: str
    value: str
    note: str = ""
    tone: Decimal | None = None
    help: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, and whether it holds words; on a phone the first one is a row's title, and a whole one has a
    line of its own."""

    name: str
    is_word: bool = False
    is_first: bool = False
    is_whole: bool = False

    @property
    def classes(self) -> str:
        """Returns its classes of the style."""
        named = {"word": self.is_word, "first": self.is_first, "whole": self.is_whole}
        return " ".join(name for name, is_so in named.items() if is_so)


def is_dark() -> bool:
    """Tells whether the visitor sees the pages in dark colours."""
    return getattr(st.context.theme, "type", None) == "dark"


def put(*parts: str) -> None:
    """Shows HTML."""
    st.html(f'<div class="mf{" dark" if is_dark() else ""}">{"".join(parts)}</div>')


def safe(value: object) -> Html:
    """Returns any value as HTML; what is HTML already as it is."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def _quoted(value: object) -> str:
    """Returns any value for an attribute."""
    return safe(value).replace('"', "&quot;")


def title(words: str) -> str:
    """Returns a headline."""
    return f"<h3>{safe(words)}</h3>"


def sign(value: Decimal | None) -> str:
    """Returns the class of a result's colour: none for zero, or where it is not known."""
    return "" if not value else "up" if value > ZERO else "down"


def toned(words: str, value: Decimal | None) -> Html:
    """Returns words in the colour of a result."""
    return Html(f'<span class="{sign(value)}">{safe(words)}</span>')


def pill(words: str, tone: str) -> Html:
    """Returns words in a frame; `tone` is `up`, `down` or `dim`."""
    return Html(f'<span class="pill {tone}">{safe(words)}</span>')


def tiles(found: Iterable[Tile]) -> str:
    """Returns figures beside each other, as many as there is room for."""
    each = [
        f'<div class="tile" data-figure="{_quoted(one.name)}"><div class="name">{safe(one.name)}</div>'
        f'<div class="value {sign(one.tone)}">{safe(one.value)}</div><div class="note">{safe(one.note)}</div></div>'
        for one in found
    ]
    return f'<div class="tiles">{"".join(each)}</div>'


def definitions(headline: str, found: Iterable[Tile]) -> str:
    """Returns how each of the figures is counted, behind a headline to tap."""
    seen = {one.name: one.help for one in found if one.help}
    lines = [f"<dt>{safe(name)}</dt><dd>{safe(words)}</dd>" for name, words in seen.items()]
    return f"<details><summary>{safe(headline)}</summary><dl>{''.join(lines)}</dl></details>"


def table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table; on a phone each row is a block."""
    head = "".join(f'<th class="{one.classes}">{safe(one.name)}</th>' for one in columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{column.classes}" data-name="{_quoted(column.name)}">{safe(cell)}</td>'
            for column, cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table class="narrow"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def card(headline: str, figure: str, state: str, pairs: Mapping[str, str]) -> str:
    """Returns a thing with its headline, a figure beside that, its state below, and named values; empty ones are left out."""
    lines = "".join(f"<span>{safe(name)}</span><span>{safe(value)}</span>" for name, value in pairs.items() if value)
    top = f'<div class="top"><b>{safe(headline)}</b>{safe(figure)}</div><div class="state">{safe(state)}</div>'
    return f'<div class="card">{top}<div class="pairs">{lines}</div></div>'


def cards(found: Iterable[str]) -> str:
    """Returns cards beside each other."""
    return f'<div class="cards">{"".join(found)}</div>'
