"""Chat messages before they are Telegram's: text with HTML, buttons, sound or none. Pure; knows nothing of Telegram."""

import re
from dataclasses import dataclass
from html import unescape
from typing import BinaryIO

MAX_UNITS = 4096  # of UTF-16, https://core.telegram.org/bots/api#sendmessage: "1-4096 characters after entities parsing"

MAX_CAPTION_UNITS = 1024  # https://core.telegram.org/bots/api#sendphoto: "0-1024 characters after entities parsing"

_TOKEN = re.compile(r"<(?P<close>/?)(?P<name>[a-z][a-z0-9-]*)[^>]*>|&[#a-z0-9]+;|\n|[^<&\n]", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Button:
    """An inline button; `data` (at most 64 bytes) comes back when it is tapped."""

    label: str
    data: str


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file to send: read from its beginning as it is sent, then closed."""

    name: str
    file: BinaryIO


@dataclass(frozen=True, slots=True)
class Expiry:
    """The end of a question: at `at`, in monotonic seconds, an unanswered one becomes `text`, with `keyboard`."""

    at: float
    text: str
    keyboard: Keyboard = ()


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message. `text` is Telegram's HTML with all foreign text escaped; `silent` makes no sound. With a `photo` (PNG) or a
    `document` the text is its caption. `keys` are the labels of the keyboard below the input field, which stays. A message
    that `passes` is deleted after so many seconds; one with an `expiry` is a question."""

    text: str
    keyboard: Keyboard = ()
    silent: bool = False
    keys: tuple[tuple[str, ...], ...] = ()
    photo: bytes = b""
    document: Document | None = None
    passes: float = 0.0
    expiry: Expiry | None = None


def units(text: str) -> int:
    """Returns the length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def plain_text(text: str) -> str:
    """Returns `text` without its tags and entities, for when Telegram refuses the formatting."""
    return unescape(_TAG.sub("", text))


def split(text: str, limit: int = MAX_UNITS) -> list[str]:
    """Returns pieces of at most `limit` units each (tags counted too, to be safe), cut at the end of a line where there is
    one, never inside a tag or an entity; a tag that is open at a cut is closed there and opened again in the next piece."""
    if units(text) <= limit:
        return [text]
    pieces = _Pieces(limit)
    for token in _TOKEN.finditer(text):
        pieces.add(token)
    return pieces.done()


class _Pieces:
    """The finished pieces, and the one being filled: whole tokens, and at each the tags that were open after it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._done: list[str] = []
        self._tokens: list[str] = []
        self._open: list[str] = []  # opening tags
        self._size = 0
        self._newline: tuple[int, list[str]] | None = None  # how many tokens make whole lines, and the tags open there

    def add(self, token: re.Match[str]) -> None:
        text = token[0]
        after = self._open_after(token)
        while self._size + units(text) + _closing_size(after) > self._limit and self._says_something():
            self._cut()
        self._append(text)
        self._open = self._open_after(token)
        if text == "\n":
            self._newline = (len(self._tokens), list(self._open))

    def done(self) -> list[str]:
        if self._tokens:
            self._finish(self._tokens, self._open)
        return self._done

    def _open_after(self, token: re.Match[str]) -> list[str]:
        if not token["name"]:
            return list(self._open)
        return self._open[:-1] if token["close"] else [*self._open, token[0]]

    def _says_something(self) -> bool:
        return any(not _TAG.fullmatch(token) for token in self._tokens)

    def _append(self, text: str) -> None:
        self._tokens.append(text)
        self._size += units(text)

    def _cut(self) -> None:
        end, tags = self._newline or (len(self._tokens), list(self._open))
        rest = self._tokens[end:]
        self._finish(self._tokens[:end], tags)
        self._tokens = [*tags, *rest]
        self._size = sum(map(units, self._tokens))
        self._newline = None

    def _finish(self, tokens: list[str], tags: list[str]) -> None:
        piece = "".join(tokens).strip("\n") + "".join(_closing(tag) for tag in reversed(tags))
        if plain_text(piece).strip():
            self._done.append(piece)


def _closing(tag: str) -> str:
    return f"</{tag[1:-1].split(maxsplit=1)[0]}>"


def _closing_size(tags: list[str]) -> int:
    return sum(units(_closing(tag)) for tag in tags)
