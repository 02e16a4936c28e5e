"""Lists that are paged in place: buttons repeat the command with the next position. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands.base import Args
from bot.texts import Texts
from bot.views.chat_message import Button, Keyboard
from core.read_models import NEWEST, Page

_OF_THREE = 10  # characters that a third of a phone's width takes
_PLACE = re.compile(r"([ba])(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested page of a list: by a button, `b123` behind the row of that number, `a123` before it."""

    args: tuple[str, ...]
    page: Page


def read_page(args: Args) -> PageRequest:
    """Takes the position out of the arguments."""
    match = _PLACE.fullmatch(args[-1]) if args else None
    if match is None:
        return PageRequest(tuple(args), NEWEST)
    number = int(match[2])
    return PageRequest(tuple(args[:-1]), Page(before=number) if match[1] == "b" else Page(after=number))


def page_buttons(command: str, request: PageRequest, seqs: Sequence[int], limit: int, texts: Texts) -> Keyboard:
    """Returns the buttons Newer, Refresh and Older. `seqs` are the numbers of the rows shown, the newest first; `limit` is the
    page size."""
    line = " ".join([f"/{command}", *request.args])
    older = len(seqs) == limit or request.page.after is not None
    row = [Button(texts("list.newest"), line)] if request.page != NEWEST else [refresh(line, texts)]
    if request.page != NEWEST and seqs:
        row.insert(0, Button(texts("list.newer"), f"{line} a{seqs[0]}"))
    if older and seqs:
        row.append(Button(texts("list.older"), f"{line} b{seqs[-1]}"))
    return (tuple(row),)


def refresh(line: str, texts: Texts) -> Button:
    """Returns a button that repeats the command in place."""
    return Button(texts("list.refresh"), line)


def choices(present: str, options: Sequence[tuple[str, str]]) -> Keyboard:
    """Returns a button for each of (label, command line), three in a row where their labels fit a phone, else two; a dot marks
    the one with the label `present`."""
    buttons = [Button(f"● {label}" if label == present else label, line) for label, line in options]
    count = 3 if all(len(label) <= _OF_THREE for label, _ in options) else 2
    return tuple(tuple(buttons[start : start + count]) for start in range(0, len(buttons), count))
