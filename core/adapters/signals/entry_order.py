"""Reads the order that an entry asks for: `order_type`, `limit_price`, `time_in_force`, `expires_in`, `on_timeout`. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.adapters.signals.json_parser import Refused, printable, shown
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.money import parse_decimal
from core.domain.order_terms import OrderType, TimeInForce
from core.domain.reasons import reason

TYPE, LIMIT, STAYS, EXPIRES, THEN = "order_type", "limit_price", "time_in_force", "expires_in", "on_timeout"
ENTRY_FIELDS = frozenset({TYPE, LIMIT, STAYS, EXPIRES, THEN})

LONGEST_SECONDS = 2_592_000
"""The longest that an entry may rest: thirty days."""

_MEANT = {name.replace("_", ""): name for name in ENTRY_FIELDS}
_AT_LIMIT = {one.value: one for one in (OrderType.LIMIT, OrderType.LIMIT_MAKER)}
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def read_entry(fields: Mapping[str, Any], signal_type: str) -> LimitEntry | None:
    """Returns how the entry in `fields` wants to be placed; None if they leave that to the settings, and for an exit, which is
    sold at the market whatever it asks for. Raises Refused for a wish that is unreadable or contradicts itself: to trade it
    otherwise would cost its owner money."""
    if not signal_type.startswith("BUY_"):
        return None
    given = {name: value for name, value in fields.items() if value is not None}
    _refuse_misspelled(given)
    kind = _type(given.get(TYPE))
    if kind is None:
        _refuse_without_limit(given)
        return None
    limit_price, stays = _limit_price(kind, given.get(LIMIT)), _time_in_force(kind, given.get(STAYS))
    if stays in _AT_ONCE:
        for name in (EXPIRES, THEN):
            if name in given:
                raise Refused(reason("entry_at_once", name=name, found=stays))
        return LimitEntry(kind, limit_price, stays)
    rests = None if kind is OrderType.LIMIT_MAKER else stays
    return LimitEntry(kind, limit_price, rests, _expires_in(given.get(EXPIRES)), _on_timeout(given.get(THEN)))


def _refuse_misspelled(given: Mapping[str, Any]) -> None:
    for name in given:
        meant = _MEANT.get("".join(letter for letter in name.lower() if letter.isalnum()))
        if meant is not None and name != meant:
            raise Refused(reason("entry_misspelled", name=printable(name), meant=meant))


def _refuse_without_limit(given: Mapping[str, Any]) -> None:
    for name in (LIMIT, STAYS, EXPIRES, THEN):
        if name in given:
            raise Refused(reason("entry_of_limit", name=name))


def _type(found: Any) -> OrderType | None:
    word = found.strip().upper() if isinstance(found, str) else "" if found is not None else OrderType.MARKET.value
    if word == OrderType.MARKET:
        return None
    if word not in _AT_LIMIT:
        raise Refused(reason("entry_type_unknown", found=shown(found)))
    return _AT_LIMIT[word]


def _limit_price(kind: OrderType, found: Any) -> Decimal:
    price = _decimal(found)
    if price is None or price <= 0:
        raise Refused(reason("entry_no_limit", found=shown(found), type=kind))
    return price


def _time_in_force(kind: OrderType, found: Any) -> TimeInForce:
    word = found.strip().upper() if isinstance(found, str) else None
    if found is None or word == TimeInForce.GTC:
        return TimeInForce.GTC
    if word not in {TimeInForce.IOC.value, TimeInForce.FOK.value}:
        raise Refused(reason("entry_stays_unknown", found=shown(found)))
    if kind is OrderType.LIMIT_MAKER:
        raise Refused(reason("entry_maker_stays", found=shown(found)))
    return TimeInForce(word)


def _expires_in(found: Any) -> timedelta:
    seconds = _decimal(found)
    if seconds is None or not 0 < seconds <= LONGEST_SECONDS:
        raise Refused(reason("entry_no_expiry", found=shown(found), limit=LONGEST_SECONDS))
    return timedelta(seconds=float(seconds))


def _on_timeout(found: Any) -> OnTimeout:
    word = found.strip().lower() if isinstance(found, str) else "" if found is not None else OnTimeout.CANCEL.value
    try:
        return OnTimeout(word)
    except ValueError:
        raise Refused(reason("entry_timeout_unknown", found=shown(found))) from None


def _decimal(found: Any) -> Decimal | None:
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        return None
    try:
        return parse_decimal(str(found))
    except ValueError:
        return None
