"""What a source wrote, read as a Signal or refused in plain words; and the other way round. Pure: no I/O, no clock, no Kafka."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from core.domain.money import parse_decimal, plain
from core.domain.signal import Signal

MAX_BYTES = 64 * 1024
"""A signal is some hundred bytes; what is larger is not one, and is not worth the time to parse it."""

_SIGNAL_TYPE = re.compile(r"(BUY|SELL)_[A-Z0-9_]{1,32}", re.ASCII)
_SYMBOL = re.compile(r"[A-Za-z0-9]{2,20}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
# Python's own reader takes any character between date and time, a digit too.
_DATE_AND_TIME = re.compile(r"\d{4}-?\d\d-?\d\d[Tt ].{2,40}", re.ASCII)
# PostgreSQL stores no NUL in a text, and nobody can encode half of a surrogate pair.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_LONGEST_INTEGER = 40  # digits; Python itself gives up at 4,300 and is slow long before
_LONGEST_ID = 200
_DEEPEST = 20
_SHOWN = 40  # characters of a refused value that are repeated to the owner

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MOST_DIGITS = 20  # of a time before the point
_FIRST_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138, as milliseconds 1973: no overlap in our range

_FIELDS = frozenset({"signal_type", "close", "symbol", "signal_id", "ts"})
_SECRET = "token"  # noqa: S105 - the name of the field in which a webhook's sender proves itself: never stored, never shown


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why something is not a signal: `problem` is a plain sentence for the owner, short and printable."""

    problem: str


class _Refused(ValueError):
    """Carries the problem from where it is found up to `decode`."""


def decode(
    value: bytes | None, *, record_ts: datetime | None, source: str, default_id: str, default_symbol: str
) -> Signal | Unreadable:
    """Reads `value` as docs say of "A signal"; never raises, whatever the bytes are.

    `record_ts` (aware) stands in for a missing `ts`, `default_id` for a missing `signal_id`, `default_symbol` for a missing
    `symbol`; null is missing. Lower case symbols are accepted and upper-cased, as exchanges do; signal types are not. Other
    fields are kept in `extra`, numbers with a point or an exponent as decimal strings, except the webhook's `token`.
    """
    try:
        fields = _parse(value)
        return Signal(
            source=source,
            signal_id=_signal_id(fields.get("signal_id"), default_id),
            signal_type=_signal_type(fields.get("signal_type")),
            symbol=_symbol(fields.get("symbol"), default_symbol),
            close=_close(fields.get("close")),
            ts=_ts(fields.get("ts"), record_ts),
            dated=fields.get("ts") is not None,
            extra={_storable(k): _kept(v, _DEEPEST) for k, v in fields.items() if k not in _FIELDS and k != _SECRET},
        )
    except _Refused as refused:
        return Unreadable(str(refused))
    except ArithmeticError:  # one hostile number must not stop the stream, whatever we forgot
        return Unreadable("the record holds a number that is out of range")


def encode(
    *,
    signal_type: str,
    close: Decimal,
    symbol: str | None = None,
    signal_id: str | None = None,
    ts: datetime | None = None,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """The record that `decode` reads back as this signal; what is None is left out. Checks nothing."""
    fields: dict[str, Any] = {"signal_type": signal_type, "close": plain(close)}
    given = {"symbol": symbol, "signal_id": signal_id, "ts": ts.isoformat() if ts else None}
    fields |= {name: value for name, value in given.items() if value is not None}
    return json.dumps({**(extra or {}), **fields}).encode()


def instant(seconds: Decimal) -> datetime | None:
    """The moment that epoch `seconds` (or milliseconds) name; None outside of the years 2000 to 2099."""
    if not seconds.is_finite() or seconds.adjusted() > _MOST_DIGITS:  # before any arithmetic, which could overflow
        return None
    if abs(seconds) >= _FIRST_MILLISECONDS:
        seconds = seconds.scaleb(-3)
    if not abs(seconds) < _FIRST_MILLISECONDS:
        return None
    moment = _EPOCH + timedelta(microseconds=int(seconds.scaleb(6)))
    return moment if _EARLIEST <= moment < _LATEST else None


def _parse(value: bytes | None) -> dict[str, Any]:
    if not value or value.isspace():
        raise _Refused("the record is empty")
    if len(value) > MAX_BYTES:
        raise _Refused(f"the record is {len(value):,} bytes long; at most {MAX_BYTES:,} are read")
    try:
        text = value.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Refused(f"the record is not UTF-8 text (byte {error.start})") from None
    try:
        parsed = json.loads(
            text, parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except json.JSONDecodeError as error:
        raise _Refused(f"the record is not JSON ({error.msg}, line {error.lineno} column {error.colno})") from None
    except RecursionError:
        raise _Refused(f"the record is nested deeper than {_DEEPEST} levels") from None
    if not isinstance(parsed, dict):
        raise _Refused(f"the record is JSON but not an object: {_shown(parsed)}")
    return parsed


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise _Refused(f"the record holds a number that is out of range: {_shown(text)}") from None


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise _Refused(f"the record holds a number of {len(text):,} digits; at most {_LONGEST_INTEGER} are read")
    return int(text)


def _no_constant(text: str) -> None:
    raise _Refused(f"the record holds {text}, which is neither JSON nor a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"the record names {_shown(twice)} twice")
    return found


def _signal_type(found: Any) -> str:
    accepted = "accepted is BUY_ or SELL_ and up to 32 of A-Z, 0-9 and _, for example BUY_SM"
    if found is None:
        raise _Refused(f"signal_type is missing; {accepted}")
    if not isinstance(found, str) or not _SIGNAL_TYPE.fullmatch(found):
        raise _Refused(f"signal_type is {_shown(found)}; {accepted}")
    return found


def _close(found: Any) -> Decimal:
    if found is None:
        raise _Refused("close is missing; accepted is a price above 0, as a number or a decimal string")
    try:
        if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
            raise ValueError("not a number")
        close = parse_decimal(str(found))
    except ValueError as error:
        raise _Refused(f"close is {_shown(found)}: {error}") from None
    if close <= 0:
        raise _Refused(f"close is {_shown(found)}; a price is above 0")
    return close


def _symbol(found: Any, default: str) -> str:
    if found is None:
        return default
    if not isinstance(found, str) or not _SYMBOL.fullmatch(found):
        raise _Refused(f"symbol is {_shown(found)}; accepted are 2 to 20 letters and digits, for example WIFUSDC")
    return found.upper()


def _signal_id(found: Any, default: str) -> str:
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise _Refused(f"signal_id is {_shown(found)}; accepted is a text or a whole number")
    text = str(found)
    if not 1 <= len(text) <= _LONGEST_ID or not text.isprintable():
        raise _Refused(f"signal_id is {_shown(found)}; accepted are 1 to {_LONGEST_ID} printable characters")
    return text


def _ts(found: Any, record_ts: datetime | None) -> datetime:
    if found is None:
        if record_ts is None:
            raise _Refused("there is no ts, and the record itself carries no usable time")
        return record_ts
    moment = None
    if isinstance(found, str) and not _NUMBER.fullmatch(found):
        moment = _iso_time(found)
    elif isinstance(found, str | int | Decimal) and not isinstance(found, bool):
        moment = instant(Decimal(found))
    if moment is None:
        raise _Refused(
            f"ts is {_shown(found)}; accepted is ISO 8601 with a zone, or epoch seconds or milliseconds, from 2000 to 2099"
        )
    return moment


def _iso_time(text: str) -> datetime | None:
    if not text.isascii() or not _DATE_AND_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is None:
            raise _Refused(f"ts is {_shown(text)}; it needs a zone, for example {_shown(text + 'Z')}")
        moment = moment.astimezone(UTC)
    except _Refused:
        raise
    except (ValueError, OverflowError):  # at the ends of the calendar a zone leads out of it
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def _kept(value: Any, levels: int) -> Any:
    """`value` as any JSON column takes it."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, dict | list) and not levels:
        raise _Refused(f"the record is nested deeper than {_DEEPEST} levels")
    if isinstance(value, dict):
        return {_storable(name): _kept(inner, levels - 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_kept(inner, levels - 1) for inner in value]
    return value


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _shown(value: Any) -> str:
    """A value from outside, fit for a sentence: cut, on one line, control characters escaped."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        text = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        return "'" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) + "'"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
