"""Reads what a source wrote as a Signal, or refuses it in plain words; and writes signals. Pure: no I/O, no clock, no Kafka."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from core.adapters.signals.dca_steps import STEP_FIELDS, read_steps
from core.adapters.signals.entry_order import ENTRY_FIELDS, read_entry
from core.adapters.signals.exit_plan import PLAN_FIELDS, read_plan
from core.adapters.signals.instrument import NAMES, find_symbol
from core.adapters.signals.json_parser import MAX_BYTES, Refused, kept, parse, printable, shown, storable
from core.adapters.signals.trade_size import SIZE_FIELDS, read_size
from core.domain.money import parse_decimal, plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Signal

__all__ = ["MAX_BYTES", "Unreadable", "decode", "encode", "instant"]

_SIGNAL_TYPE = re.compile(r"(BUY|SELL)_[A-Z0-9_]{1,32}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
_COMMA = re.compile(r"[+-]?[\d.]*\d,\d[\d.,]*", re.ASCII)
# Python's own parser accepts any character between date and time, even a digit.
_DATE_AND_TIME = re.compile(r"\d{4}-?\d\d-?\d\d[Tt ].{2,40}", re.ASCII)

_LONGEST_ID = 200
LONGEST_STRATEGY = 32
_LONGEST_VALID = 31_536_000  # seconds, a year: SIGNAL_MAX_AGE is narrower

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MOST_DIGITS = 20  # of a time before the decimal point
_FIRST_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138, as milliseconds 1973: no overlap in our range

_ACTIONS = {"buy": "BUY_SIGNAL", "sell": "SELL_SIGNAL"}
_SIDES = {
    **dict.fromkeys(("buy", "long", "enter", "enter_long", "entry", "open", "open_long", "add", "increase"), "BUY"),
    **dict.fromkeys(("sell", "short", "exit", "exit_long", "close", "close_long", "reduce", "flat", "flatten"), "SELL"),
}
# A `side` may be that of the position: a sale closes a long one.
_BESIDE = {"action": _SIDES, "side": {"buy": "BUY", "sell": "SELL"}}

FIELDS = frozenset({"signal_type", "close", "signal_id", "ts", "valid_for", *NAMES, *PLAN_FIELDS, *SIZE_FIELDS, *STEP_FIELDS})
_SECRET = "token"  # noqa: S105 - the name of the field in which a webhook's sender proves itself: never stored, never shown


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The reason why something is not a signal, as a value that every language has a sentence for."""

    reason: Reason

    @property
    def problem(self) -> str:
        """Returns the reason as a plain English sentence, short and printable."""
        return str(self.reason)


def decode(
    value: bytes | None,
    *,
    record_ts: datetime | None,
    source: str,
    default_id: str,
    default_symbol: str,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> Signal | Unreadable:
    """Reads `value` as docs/signals.md says; never raises, whatever the bytes are.

    `record_ts` (aware) replaces a missing `ts`, `default_id` a missing `signal_id`. `default_symbol` applies only if nothing
    names an instrument, not even what came `beside` the record (its key, headers, a query). Other fields are kept in `extra`,
    numbers with a point or an exponent as decimal strings, except the webhook's `token`.
    """
    try:
        fields = _fields(value)
        signal_type, type_field = _signal_type(fields)
        close, price_field = _price(fields)
        _check_strategy(fields.get("strategy"))
        trade = _trade(fields, signal_type, close)
        return Signal(
            source=source,
            signal_id=_signal_id(fields.get("signal_id"), default_id),
            signal_type=signal_type,
            symbol=find_symbol(fields, beside, default_symbol),
            close=close,
            ts=_ts(fields.get("ts"), record_ts),
            dated=fields.get("ts") is not None,
            extra=_extra(fields, {type_field, price_field} | (ENTRY_FIELDS if trade["entry"] is not None else set())),
            valid_for=_valid_for(fields.get("valid_for")),
            **trade,
        )
    except Refused as refused:
        return Unreadable(refused.why)
    except ArithmeticError:  # one hostile number must not stop the stream, whatever we overlooked
        return Unreadable(reason("record_number_range", found="a number"))


def encode(
    *,
    signal_type: str,
    close: Decimal,
    symbol: str | None = None,
    signal_id: str | None = None,
    ts: datetime | None = None,
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """Encodes the record that `decode` reads back as this signal; omits what is None. Checks nothing."""
    fields: dict[str, Any] = {"signal_type": signal_type, "close": plain(close)}
    given = {"symbol": symbol, "signal_id": signal_id, "ts": ts.isoformat() if ts else None}
    fields |= {name: value for name, value in given.items() if value is not None}
    return json.dumps({**(extra or {}), **fields}).encode()


def instant(seconds: Decimal) -> datetime | None:
    """Returns the moment that epoch `seconds` (or milliseconds) name; None outside the years 2000 to 2099."""
    if not seconds.is_finite() or seconds.adjusted() > _MOST_DIGITS:  # before any arithmetic, which could overflow
        return None
    if abs(seconds) >= _FIRST_MILLISECONDS:
        seconds = seconds.scaleb(-3)
    if not abs(seconds) < _FIRST_MILLISECONDS:
        return None
    moment = _EPOCH + timedelta(microseconds=int(seconds.scaleb(6)))
    return moment if _EARLIEST <= moment < _LATEST else None


def _fields(value: bytes | None) -> dict[str, Any]:
    fields = parse(value)
    fields.pop(_SECRET, None)  # it carries no meaning: neither stored, nor shown, nor read as the name of anything
    return fields


def _trade(fields: Mapping[str, Any], signal_type: str, close: Decimal) -> dict[str, Any]:
    """Returns how its trade is to be made, by the fields of a signal."""
    entry = read_entry(fields, signal_type)
    plan = read_plan(fields, signal_type, close if entry is None else entry.limit_price)
    size, steps = read_size(fields, signal_type, plan), read_steps(fields, signal_type)
    return {"entry": entry, "plan": plan, "size": size, "steps": steps}


def _extra(fields: Mapping[str, Any], read: set[str]) -> dict[str, Any]:
    """Returns the fields that nothing but /why shows: neither `read` nor among those that always are."""
    return {storable(name): kept(found) for name, found in fields.items() if name not in FIELDS | read}


def _signal_type(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the signal type, and the field that it comes from."""
    found, action = fields.get("signal_type"), fields.get("action")
    if found is None and action is None:
        raise Refused(reason("type_missing"))
    if found is None:
        word = _ACTIONS.get(action.strip().casefold()) if isinstance(action, str) else None
        if word is None:
            raise Refused(reason("action_unknown", found=shown(action)))
        found, field = word, "action"
    elif isinstance(found, str) and _SIGNAL_TYPE.fullmatch(found):
        field = "signal_type"
    else:
        raise Refused(reason("type_unknown", found=shown(found)))
    for name, other in fields.items():
        words = _BESIDE.get(name.strip().casefold(), {})
        side = words.get(other.strip().casefold()) if isinstance(other, str) else None
        if side is not None and not found.startswith(side):
            raise Refused(reason("action_contradicts", signal_type=found, name=printable(name), found=shown(other)))
    return found, field


def _price(fields: Mapping[str, Any]) -> tuple[Decimal, str]:
    """Returns the reference price, and the field that it comes from."""
    if "close" in fields:
        name = "close"
    elif "price" not in fields:
        raise Refused(reason("close_missing"))
    elif "order_type" in fields:
        raise Refused(reason("price_of_an_order"))
    else:
        name = "price"
    found = fields[name]
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        raise Refused(reason("close_no_number", name=name, found=shown(found)))
    try:
        price = parse_decimal(str(found))
    except ValueError as error:
        raise Refused(_no_price(name, found, error)) from None
    if price <= 0:
        raise Refused(reason("close_not_above_zero", name=name, found=shown(found)))
    return price, name


def _no_price(name: str, found: object, error: ValueError) -> Reason:
    if isinstance(found, str) and ("{{" in found or "}}" in found):
        return reason("close_unfilled", name=name, found=shown(found))
    if isinstance(found, str) and _COMMA.fullmatch(found):
        return reason("close_comma", name=name, found=shown(found))
    if "amount" in str(error):
        return reason("close_out_of_range", name=name, found=shown(found))
    return reason("close_no_number", name=name, found=shown(found))


def _signal_id(found: Any, default: str) -> str:
    if found is None:
        return default
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not 1 <= len(text) <= _LONGEST_ID or not text.isprintable():
        raise Refused(reason("id_unreadable", found=shown(found), limit=_LONGEST_ID))
    return text


def _check_strategy(found: Any) -> None:
    if found is None:
        return
    if not isinstance(found, str) or not 1 <= len(found) <= LONGEST_STRATEGY or not found.isprintable():
        raise Refused(reason("strategy_unreadable", found=shown(found), limit=LONGEST_STRATEGY))


def _valid_for(found: Any) -> timedelta | None:
    if found is None:
        return None
    try:
        seconds = parse_decimal(str(found)) if isinstance(found, str | int | Decimal) and not isinstance(found, bool) else None
    except ValueError:
        seconds = None
    if seconds is None or seconds <= 0:
        raise Refused(reason("valid_for_unreadable", found=shown(found)))
    return timedelta(seconds=float(min(seconds, Decimal(_LONGEST_VALID))))


def _ts(found: Any, record_ts: datetime | None) -> datetime:
    if found is None:
        if record_ts is None:
            raise Refused(reason("ts_missing"))
        return record_ts
    moment = None
    if isinstance(found, str) and not _NUMBER.fullmatch(found):
        moment = _iso_time(found)
    elif isinstance(found, str | int | Decimal) and not isinstance(found, bool):
        number = Decimal(found)
        moment = instant(number)
        if moment is None and any(instant(number.scaleb(-digits)) for digits in (6, 9) if number.adjusted() < _MOST_DIGITS):
            raise Refused(reason("ts_too_fine", found=shown(found)))
    if moment is None:
        raise Refused(reason("ts_unreadable", found=shown(found)))
    return moment


def _iso_time(text: str) -> datetime | None:
    if not text.isascii() or not _DATE_AND_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is None:
            raise Refused(reason("ts_without_zone", found=shown(text), example=shown(text + "Z")))
        moment = moment.astimezone(UTC)
    except Refused:
        raise
    except (ValueError, OverflowError):  # a time zone can move the ends of the calendar out of range
        return None
    return moment if _EARLIEST <= moment < _LATEST else None
