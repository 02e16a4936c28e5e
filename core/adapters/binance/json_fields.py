"""Reads single fields of Binance's JSON, and raises Unreadable for anything undocumented. Treats all input as hostile."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import ParamSpec, TypeGuard, TypeVar

from core.domain.errors import ExchangeUnavailable
from core.domain.money import parse_decimal
from core.domain.signal import Side

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST_TEXT = 200
_EARLIEST, _LATEST = 1_000_000_000_000, 32_503_680_000_000  # ms: 2001 to 3000; anything else is no order time


class Unreadable(ValueError):
    """An answer deviates from the documentation. The text names the field, never its content."""


def read(parse: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Returns what `parse` makes of an answer to a question. Raises ExchangeUnavailable if it cannot be read."""
    try:
        return parse(*args, **kwargs)
    except Unreadable as error:
        raise ExchangeUnavailable(f"unreadable answer: {error}") from error


def json_object(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Unreadable(f"{what}: not an object")
    return value


def json_array(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise Unreadable(f"{what}: not an array")
    return value


def text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT or not value.isprintable():
        raise Unreadable(f"{name}: not a text")
    return value


def amount(data: Mapping[str, object], name: str) -> Decimal:
    """Reads an amount, sent as text. Rejects a JSON number: it would have passed through a float."""
    value = data.get(name)
    if not isinstance(value, str):
        raise Unreadable(f"{name}: not a decimal text")
    try:
        number = parse_decimal(value)
    except ValueError:
        number = Decimal(-1)
    if number < 0:
        raise Unreadable(f"{name}: not an amount")
    return number


def integer(data: Mapping[str, object], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Unreadable(f"{name}: not a whole number")
    return value


def moment(data: Mapping[str, object], name: str) -> datetime:
    value = integer(data, name)
    if not _EARLIEST <= value < _LATEST:
        raise Unreadable(f"{name}: not a time in milliseconds")
    seconds, milliseconds = divmod(value, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000)


def flag(data: Mapping[str, object], name: str) -> bool:
    value = data.get(name)
    if not isinstance(value, bool):
        raise Unreadable(f"{name}: neither true nor false")
    return value


def side(data: Mapping[str, object], name: str = "side") -> Side:
    try:
        return Side(text(data, name))
    except ValueError:
        raise Unreadable(f"{name}: neither BUY nor SELL") from None


def is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15
