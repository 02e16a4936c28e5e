"""Parses the rules for open orders out of a symbol of exchangeInfo (filters.md). Pure; treats all input as hostile."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.domain.money import ZERO, parse_decimal
from core.domain.order_terms import OrderType
from core.domain.resting_rules import NOTHING_RESTS, PriceBand, RestingRules

EXPIRE_TAKER = "EXPIRE_TAKER"
"""The self-trade prevention mode that ends the order that comes, not the one that rests."""

Filters = Mapping[str, Mapping[str, object]]


def resting_rules(symbol: Mapping[str, object], filters: Filters) -> RestingRules:
    """Returns the rules of `symbol`, whose filters are `filters` by type. If one of them is unreadable, nothing may rest: that
    must not make the whole symbol unreadable, which can be traded without open orders."""
    try:
        return _rules(symbol, filters)
    except ValueError:
        return NOTHING_RESTS


def _rules(symbol: Mapping[str, object], filters: Filters) -> RestingRules:
    return RestingRules(
        order_types=_order_types(symbol.get("orderTypes")),
        oco_allowed=symbol.get("ocoAllowed") is True,
        may_expire_taker=_allows(symbol.get("allowedSelfTradePreventionModes"), EXPIRE_TAKER),
        opo_allowed=symbol.get("otoAllowed") is True and symbol.get("opoAllowed") is True,
        min_price=_number(filters, "PRICE_FILTER", "minPrice") or ZERO,
        max_price=_number(filters, "PRICE_FILTER", "maxPrice") or None,
        buy_band=_band(filters, "bid"),
        sell_band=_band(filters, "ask"),
        min_notional=_highest(_number(filters, name, "minNotional") for name in ("NOTIONAL", "MIN_NOTIONAL")) or ZERO,
        max_notional=_number(filters, "NOTIONAL", "maxNotional"),
        most_orders=_count(filters, "MAX_NUM_ORDERS", "maxNumOrders"),
        most_stops=_count(filters, "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
        most_lists=_count(filters, "MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
    )


def _allows(listed: object, mode: str) -> bool:
    return isinstance(listed, list) and mode in listed


def _order_types(listed: object) -> frozenset[OrderType]:
    """Returns those of the listed types that are known; the others are of no use."""
    names = listed if isinstance(listed, list) else []
    return frozenset(kind for kind in OrderType if kind.value in names)


def _band(filters: Filters, side: str) -> PriceBand:
    """Returns the band of one side: where a symbol has both filters, an order must keep both."""
    both, by_side = "PERCENT_PRICE", "PERCENT_PRICE_BY_SIDE"
    down = _highest([_number(filters, both, "multiplierDown"), _number(filters, by_side, f"{side}MultiplierDown")])
    return PriceBand(
        down or ZERO, _lowest([_number(filters, both, "multiplierUp"), _number(filters, by_side, f"{side}MultiplierUp")])
    )


def _number(filters: Filters, kind: str, name: str) -> Decimal | None:
    """Returns an amount of a filter; None without the filter. Raises ValueError for anything but a decimal text from 0."""
    if kind not in filters:
        return None
    value = filters[kind].get(name)
    if not isinstance(value, str) or (number := parse_decimal(value)) < 0:
        raise ValueError(name)
    return number


def _count(filters: Filters, kind: str, name: str) -> int | None:
    """Returns the count that a filter allows; None without the filter. Raises ValueError for anything but a whole number from
    0."""
    if kind not in filters:
        return None
    value = filters[kind].get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(name)
    return value


def _highest(numbers: Iterable[Decimal | None]) -> Decimal | None:
    return max((number for number in numbers if number is not None), default=None)


def _lowest(numbers: Iterable[Decimal | None]) -> Decimal | None:
    return min((number for number in numbers if number is not None), default=None)
