"""Removes secrets from text, however they were escaped on the way. Knows nothing of logging.

`hide` registers the process's secrets once at start; everything shown to people (the terminal, the chat, `/readyz`) passes
through `shown`. Logs have their own redactor.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bot.settings.secret_places import in_a_place, names_a_secret, without_places

REDACTED = "[redacted]"

_SHORTEST = 8  # characters of a secret that is searched for anywhere
_LONGEST_WORD = 16  # characters; anything longer is no ordinary word or number
_SHORTEST_OF_ALL = 4
"""Characters; a shorter text occurs in half of all words, and hiding it everywhere would only reveal where it is."""

_ORDINARY = re.compile(r"[^\W\d_]+|[\d.,:+-]+")  # a word, a number, a time
_SYMBOL = re.compile(r"[^\w\s.,:+-]")  # not part of a word or a number
_SHORTEST_WITH_SYMBOL = 5
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&(?:quot|#34);", "'": "&#(?:x27|39);"}  # as HTML escapes them
_DATABASE_URL = re.compile(r"(?:sqlite|postgres(?:ql)?)(?:\+[a-z0-9]+)?://", re.IGNORECASE)
_KEY_IN_CONNECTION_STRING = re.compile(r"SharedAccessKey=([^;]+)")
_TELEGRAM_TOKEN = re.compile(r"[0-9]+:([A-Za-z0-9_-]{8,})")


_LOGIN = re.compile(r"(?:^|//|[\s,;])[^\s/@:,]*:([^\s/@]+(?:/[^\s@]*)?)@")


def passwords_in(text: str) -> Iterator[str]:
    """Yields the passwords of every `user:password@host` in a text that should contain none, such as a proxy's address."""
    for found in _LOGIN.finditer(text):
        yield found[1]
        yield unquote(found[1])


def parts_of_secret(secret: str) -> Iterator[str]:
    """Yields the parts of a secret that must not be shown: the password alone of a database URL, otherwise all of it, and
    every secret inside it."""
    if _DATABASE_URL.match(secret):
        yield from _parts_of_url(secret)
        return
    yield secret
    if "://" in secret and not secret.startswith("Endpoint="):
        yield from _parts_of_url(secret)
    for pattern in (_KEY_IN_CONNECTION_STRING, _TELEGRAM_TOKEN):
        if found := pattern.search(secret):
            yield found[1]


def _parts_of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        passwords = [parts.password or "", *parse_qs(parts.query).get("password", [])]
    except ValueError:  # brackets that are not an address: hide it all
        passwords = [url]
    for password in filter(None, passwords):
        yield password
        yield unquote(password)


class Redactor:
    """Removes values in places where secrets stand (`secret_places`), and `secrets` themselves: literal, percent-encoded in a
    URL, or escaped in JSON or a Python repr. A secret that is short, a word or a number stays in sentences, which would be
    unreadable without it, and is removed where a login or a setting contains it."""

    def __init__(self, secrets: Collection[str], *, everywhere: bool = False) -> None:
        """Takes `everywhere` to remove words and numbers of four characters or more too, for texts that may contain one by
        mistake."""
        longest_first = sorted(filter(None, secrets), key=len, reverse=True)
        found = [one for one in longest_first if _is_strange(one) or (everywhere and len(one) >= _SHORTEST_OF_ALL)]
        self._pattern = re.compile("|".join(map(_however_written, found))) if found else None
        held = "|".join(in_a_place(_in_any_way(one)) for one in longest_first if not _is_strange(one))
        self._held = re.compile(held, re.IGNORECASE) if held else None

    def text(self, text: str) -> str:
        """Returns `text` without secrets."""
        return without_places(self.known(text))

    def known(self, text: str) -> str:
        """Returns `text` without the registered secrets; others stay."""
        text = self._pattern.sub(REDACTED, text) if self._pattern else text
        return self._held.sub(_but_for_what_holds_it, text) if self._held else text

    def value(self, value: Any) -> Any:
        """Redacts any logged value: cleans text, walks containers and turns everything else into text."""
        match value:
            case None | bool() | int():
                return value
            case float() if math.isfinite(value):
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(key)): self.named(str(key), inner) for key, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(inner) for inner in value]
            case _:
                return self.text(str(value))

    def named(self, name: str, value: Any) -> Any:
        """Redacts the value called `name`: entirely where the name is that of a secret."""
        return REDACTED if value and names_a_secret(name) else self.value(value)


_process = Redactor(())


def hide(secrets: Collection[str]) -> None:
    """Makes `shown` remove these from now on. The last call counts."""
    global _process  # noqa: PLW0603 - like the logs, it is one for the process
    _process = Redactor(secrets)


def shown(text: str) -> str:
    """Returns `text` without the process's secrets."""
    return _process.text(text)


def shown_on_purpose(text: str) -> str:
    """Returns a text that contains a secret meant for its reader, such as that of a new authenticator, without those of the
    process."""
    return _process.known(text)


def _is_strange(secret: str) -> bool:
    """Tells whether a secret is searched for anywhere: it never occurs by chance."""
    shortest = _SHORTEST_WITH_SYMBOL if _SYMBOL.search(secret) else _SHORTEST
    return len(secret) >= _LONGEST_WORD or (len(secret) >= shortest and _ORDINARY.fullmatch(secret) is None)


def _but_for_what_holds_it(found: re.Match[str]) -> str:
    return f"{next(filter(None, found.groups()), '')}{REDACTED}"


def _however_written(secret: str) -> str:
    written = _in_any_way(secret)
    # A password that is a word occurs within other words, and in the names of commands and bots.
    is_word = secret.isascii() and secret.isalpha() and len(secret) < _LONGEST_WORD
    return rf"(?<!\w){written}(?!\w)" if is_word else written


def _in_any_way(secret: str) -> str:
    return "".join(c if c in _PLAIN else _one_character(c) for c in secret)


def _one_character(c: str) -> str:
    r"""Returns a pattern of `c` as itself, after a backslash, percent-encoded (also twice), as `\xHH`, `\uHHHH`, as an HTML
    entity, or `+` for a space."""
    octets = c.encode("utf-8", "surrogatepass")
    ways = [
        r"\\{0,4}" + re.escape(c),
        "".join(f"(?i:%(?:25){{0,3}}{octet:02x})" for octet in octets),
        rf"(?i:\\{{1,32}}(?:x{ord(c):02x}|u{ord(c):04x}|U{ord(c):08x}))",
    ]
    if ord(c) > 0xFFFF:
        high, low = divmod(ord(c) - 0x10000, 0x400)
        ways.append(rf"(?i:\\{{1,32}}u{0xD800 + high:04x}\\{{1,32}}u{0xDC00 + low:04x})")
    if c == " ":
        ways.append(r"\+")
    if entity := _ENTITIES.get(c):
        ways.append(entity)
    escape = {"\n": "n", "\r": "r", "\t": "t"}.get(c)
    if escape:
        ways.append(r"\\{1,32}" + escape)
    return f"(?:{'|'.join(ways)})"
