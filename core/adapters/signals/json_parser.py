"""Parses bytes from outside into a small JSON object, or refuses them. All work here is proportional to the bytes, and the bytes
are limited before anything is done with them."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from core.domain.money import parse_decimal
from core.domain.reasons import Reason, reason

MAX_BYTES = 16 * 1024
"""The maximum size in bytes. A signal is some hundred bytes, and TradingView sends at most 4,096 characters. Accepted records are
stored with the signal, its order and each alert, so they are kept small; larger ones are refused before parsing."""

MOST_VALUES = 500
"""Fields and items of lists, at any depth."""

LONGEST_NAME = 200
"""Characters of a field's name: each is examined closely, and some letters stand for eighteen others."""

DEEPEST = 20
"""Levels of objects and lists."""

_LONGEST_INTEGER = 40  # digits; Python itself stops at 4,300 and is slow long before
_SHOWN = 40  # characters of a refused value that are shown to the owner

# PostgreSQL stores no NUL in text, and half a surrogate pair cannot be encoded.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Refused(ValueError):
    """Carries the reason from where it is found up to `decode`."""

    def __init__(self, why: Reason) -> None:
        self.why = why
        super().__init__(str(why))


def parse(value: bytes | None) -> dict[str, Any]:
    """Returns the object that `value` holds: within MAX_BYTES, MOST_VALUES, LONGEST_NAME and DEEPEST, no name twice in an object,
    numbers with a point or an exponent as Decimal. Raises Refused."""
    if not value or value.isspace():
        raise Refused(reason("record_empty"))
    if len(value) > MAX_BYTES:
        raise Refused(reason("record_too_long", length=f"{len(value):,}", limit=f"{MAX_BYTES:,}"))
    try:
        text = value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(reason("record_not_text", position=error.start)) from None
    try:
        parsed = json.loads(
            text, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as error:
        where = {"problem": error.msg, "line": error.lineno, "column": error.colno}
        raise Refused(reason("record_not_json", **where)) from None
    except RecursionError:
        raise Refused(reason("record_too_deep", limit=DEEPEST)) from None
    if not isinstance(parsed, dict):
        raise Refused(reason("record_not_object", found=shown(parsed)))
    for _ in entries(parsed):  # counts as it goes
        pass
    return parsed


def entries(fields: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields every field and every list item, at any depth, with the names that lead to it; items have the list's. Raises Refused
    if there are more than MOST_VALUES, or any deeper than DEEPEST."""
    count = 0
    waiting: list[tuple[tuple[str, ...], int, dict[str, Any] | list[Any]]] = [((), 0, fields)]
    while waiting:
        path, depth, inside = waiting.pop()
        if depth > DEEPEST:
            raise Refused(reason("record_too_deep", limit=DEEPEST))
        count += len(inside)
        if count > MOST_VALUES:
            raise Refused(reason("record_too_many", limit=f"{MOST_VALUES:,}"))
        named = inside.items() if isinstance(inside, dict) else ((None, item) for item in inside)
        for name, value in named:
            if name is not None and len(name) > LONGEST_NAME:
                raise Refused(reason("record_long_name", name=shown(name), limit=LONGEST_NAME))
            here = path if name is None else (*path, name)
            yield here, value
            if isinstance(value, dict | list):
                waiting.append((here, depth + 1, value))


def kept(value: Any) -> Any:
    """Returns a parsed value in a form that any JSON column accepts."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): kept(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [kept(inner) for inner in value]
    return value


def storable(text: str) -> str:
    """Returns `text` with unstorable characters replaced."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def as_decimal(found: Any) -> Decimal:
    """Reads a parsed number, or a decimal text. Raises ValueError."""
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        raise ValueError("not a number")
    return parse_decimal(str(found))


def shown(value: Any) -> str:
    """Returns a value from outside, fit for a sentence: cut, on one line, control characters escaped."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f"'{printable(value)}'"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _cut(str(value))


def printable(text: str) -> str:
    """Returns a name from outside, fit for a sentence."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in _cut(text))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Refused(reason("record_number_range", found=shown(text))) from None


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise Refused(reason("record_number_digits", digits=f"{len(text):,}", limit=_LONGEST_INTEGER))
    return int(text)


def _no_constant(text: str) -> None:
    raise Refused(reason("record_no_number", found=text))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Refused(reason("record_named_twice", name=shown(name)))
            seen.add(name)
    return found
