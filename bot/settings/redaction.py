"""Takes secrets out of text, however they were escaped on the way there. Knows no logging.

`hide` names the process's secrets once, as it starts; whatever leaves it for people (the terminal, the chat, `/readyz`) goes
through `shown`. Logs have a redactor of their own.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bot.settings.secret_places import in_a_place, names_a_secret, without_places

REDACTED = "[redacted]"

_SHORTEST = 8  # characters of a secret that is found by itself
_LONGEST_WORD = 16  # characters; what is longer is no ordinary word or number
_SHORTEST_OF_ALL = 4
"""Characters; what is shorter stands in half of all words, and hiding it everywhere would only tell where it is."""

_ORDINARY = re.compile(r"[^\W\d_]+|[\d.,:+-]+")  # a word, a number, a time
_SYMBOL = re.compile(r"[^\w\s.,:+-]")  # in no word and no number
_SHORTEST_WITH_SYMBOL = 5
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&(?:quot|#34);", "'": "&#(?:x27|39);"}  # as HTML has them
_DATABASE_URL = re.compile(r"(?:sqlite|postgres(?:ql)?)(?:\+[a-z0-9]+)?://", re.IGNORECASE)
_KEY_IN_CONNECTION_STRING = re.compile(r"SharedAccessKey=([^;]+)")
_TELEGRAM_TOKEN = re.compile(r"[0-9]+:([A-Za-z0-9_-]{8,})")


_LOGIN = re.compile(r"(?:^|//|[\s,;])[^\s/@:,]*:([^\s/@]+(?:/[^\s@]*)?)@")


def passwords_in(text: str) -> Iterator[str]:
    """The passwords of every `user:password@host` in a text that should have held none, such as the address of a proxy."""
    for found in _LOGIN.finditer(text):
        yield found[1]
        yield unquote(found[1])


def parts_of_secret(secret: str) -> Iterator[str]:
    """What of a secret must not be shown: the password alone of a database's URL, otherwise all of it, and what could be taken
    out of it."""
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
    except ValueError:  # brackets that are no address: hide it all
        passwords = [url]
    for password in filter(None, passwords):
        yield password
        yield unquote(password)


class Redactor:
    """Takes out what stands where secrets stand (`secret_places`), and `secrets` themselves: as they are, percent-encoded in
    a URL, or escaped in JSON or a Python repr. A secret that is short, a word or a number is left in sentences, which would be
    unreadable without it, and taken out where a login or a setting holds it."""

    def __init__(self, secrets: Collection[str], *, everywhere: bool = False) -> None:
        """`everywhere`: words and numbers too, of four characters or more, for texts into which one may have come by mistake."""
        longest_first = sorted(filter(None, secrets), key=len, reverse=True)
        found = [one for one in longest_first if _is_strange(one) or (everywhere and len(one) >= _SHORTEST_OF_ALL)]
        self._pattern = re.compile("|".join(map(_however_written, found))) if found else None
        held = "|".join(in_a_place(_in_any_way(one)) for one in longest_first if not _is_strange(one))
        self._held = re.compile(held, re.IGNORECASE) if held else None

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return without_places(self.known(text))

    def known(self, text: str) -> str:
        """Returns `text` without the secrets that were named; others stay."""
        text = self._pattern.sub(REDACTED, text) if self._pattern else text
        return self._held.sub(_but_for_what_holds_it, text) if self._held else text

    def value(self, value: Any) -> Any:
        """The same for anything that is logged: text is cleaned, containers are gone through, all else becomes text."""
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
        """Returns the value that goes by `name`, without secrets: nothing of it where the name is that of a secret."""
        return REDACTED if value and names_a_secret(name) else self.value(value)


_process = Redactor(())


def hide(secrets: Collection[str]) -> None:
    """From now on `shown` takes these out. The last call counts."""
    global _process  # noqa: PLW0603 - like the logs, it is one for the process
    _process = Redactor(secrets)


def shown(text: str) -> str:
    """`text` without the process's secrets."""
    return _process.text(text)


def shown_on_purpose(text: str) -> str:
    """Returns a text that holds a secret for who reads it, such as that of a new authenticator, without those of the process."""
    return _process.known(text)


def _is_strange(secret: str) -> bool:
    """Tells whether it is found by itself: nobody says it by chance."""
    shortest = _SHORTEST_WITH_SYMBOL if _SYMBOL.search(secret) else _SHORTEST
    return len(secret) >= _LONGEST_WORD or (len(secret) >= shortest and _ORDINARY.fullmatch(secret) is None)


def _but_for_what_holds_it(found: re.Match[str]) -> str:
    return f"{next(filter(None, found.groups()), '')}{REDACTED}"


def _however_written(secret: str) -> str:
    written = _in_any_way(secret)
    # A password that is a word stands within other words, and in the names of commands and bots.
    is_word = secret.isascii() and secret.isalpha() and len(secret) < _LONGEST_WORD
    return rf"(?<!\w){written}(?!\w)" if is_word else written


def _in_any_way(secret: str) -> str:
    return "".join(c if c in _PLAIN else _one_character(c) for c in secret)


def _one_character(c: str) -> str:
    """A pattern of `c` as itself, behind a backslash, percent-encoded (also twice), as `\\xHH`, `\\uHHHH`, as HTML has it, or
    `+` for a space."""
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
