"""Reads and checks the parameters of a new order or of a leg of a list, before any rule of the symbol applies."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.venue.errors import VenueError, illegal, missing, missing_both, not_required
from tests.venue.filters import SymbolRules, check_precision
from tests.venue.model import CONTINGENT, Order, OrderRequest, Side
from tests.venue.params import CLIENT_ORDER_ID, Params

ORDER_TYPES = ("LIMIT", "MARKET", "LIMIT_MAKER", *CONTINGENT)
STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
# documented, but not simulated by this venue
NOT_PLAYED = ("icebergQty", "pegPriceType", "pegOffsetValue", "pegOffsetType")
_LIMITS, _STOPS = ("timeInForce", "quantity", "price"), ("stopPrice", "trailingDelta")
# order type -> parameters it needs, parameters it may not have (rest-api.md, "New order")
COMBINATIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "MARKET": ((), ("timeInForce", "price", *_STOPS)),
    "LIMIT": (_LIMITS, ("quoteOrderQty", *_STOPS)),
    "LIMIT_MAKER": (("quantity", "price"), ("timeInForce", "quoteOrderQty", *_STOPS)),
    "STOP_LOSS": (("quantity",), ("timeInForce", "price", "quoteOrderQty")),
    "TAKE_PROFIT": (("quantity",), ("timeInForce", "price", "quoteOrderQty")),
    "STOP_LOSS_LIMIT": (_LIMITS, ("quoteOrderQty",)),
    "TAKE_PROFIT_LIMIT": (_LIMITS, ("quoteOrderQty",)),
}
MIN_STRATEGY_TYPE = 1_000_000


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one order's parameters: as they are, or with the prefix of a leg (`pendingAboveStopPrice`)."""

    prefix: str = ""
    side: str = "side"
    quantity: str | None = "quantity"
    """None: the leg has no quantity of its own (OPO)."""

    def of(self, name: str) -> str:
        if name == "side":
            return self.side
        if name == "quantity":
            return self.quantity or "quantity"
        if not self.prefix:
            return name
        plain = "clientOrderId" if name == "newClientOrderId" else name
        return self.prefix + plain[0].upper() + plain[1:]


def read_order(params: Params, rules: SymbolRules) -> tuple[OrderRequest, str]:
    """Returns the order's parameters, well formed, and the requested response type."""
    stp = read_stp(params, rules)
    request = read_leg(params, rules, Names(), stp)
    return request, read_response_type(params, "FULL" if request.type in ("MARKET", "LIMIT") else "ACK")


def read_response_type(params: Params, default: str) -> str:
    return params.choice("newOrderRespType", ("ACK", "RESULT", "FULL"), -1130) or default


def read_stp(params: Params, rules: SymbolRules) -> str:
    sent = params.choice("selfTradePreventionMode", STP_MODES, -1130)
    return sent or str(rules.info["defaultSelfTradePreventionMode"])


def read_leg(params: Params, rules: SymbolRules, names: Names, stp: str) -> OrderRequest:
    """Reads the parameters of one order under their names."""
    side = params.choice(names.side, ("BUY", "SELL"), -1117)
    if side is None:
        raise missing(names.side)
    kind = params.choice(names.of("type"), ORDER_TYPES, -1116)
    if kind is None:
        raise missing(names.of("type"))
    if any(params.has(names.of(name)) for name in NOT_PLAYED):
        raise VenueError(-1020)
    tif = params.choice(names.of("timeInForce"), ("GTC", "IOC", "FOK"), -1115)
    numbers = {
        name: params.decimal(names.of(name))
        for name in ("quantity", "quoteOrderQty", "price", "stopPrice")
        if (name != "quantity" or names.quantity) and (name != "quoteOrderQty" or not names.prefix)
    }
    delta = _long(params, names.of("trailingDelta"))
    client_id = params.text(names.of("newClientOrderId"), CLIENT_ORDER_ID) or secrets.token_hex(11)
    strategy = _long(params, names.of("strategyId"))
    strategy_type = params.integer(names.of("strategyType"))
    if strategy_type is not None and strategy_type < MIN_STRATEGY_TYPE:
        raise VenueError(-1134)
    _check_combination(kind, names, {**numbers, "timeInForce": tif, "trailingDelta": delta})
    _check_numbers(rules, names, numbers)
    which: Side = "BUY" if side == "BUY" else "SELL"
    return OrderRequest(
        rules.symbol,
        which,
        kind,
        tif,
        numbers.get("quantity"),
        numbers.get("quoteOrderQty"),
        numbers["price"],
        client_id,
        stp,
        strategy,
        strategy_type,
        numbers["stopPrice"],
        delta,
    )


def read_restrictions(params: Params) -> str | None:
    """Reads `cancelRestrictions`: the one status in which the order may be canceled; None: any."""
    text = params.choice("cancelRestrictions", ("ONLY_NEW", "ONLY_PARTIALLY_FILLED"), -1145)
    return None if text is None else text.removeprefix("ONLY_")


def check_restrictions(order: Order, allowed: str | None) -> None:
    if allowed is not None and order.status != allowed:
        raise VenueError(-2011, "Order was not canceled due to cancel restrictions.")


def _long(params: Params, name: str) -> int | None:
    value = params.integer(name)
    if value is not None and value >= 2**63:
        raise illegal(name, "LONG")
    return value


def _check_combination(kind: str, names: Names, given: Mapping[str, object]) -> None:
    """Checks the parameters that each order type requires and excludes."""
    needed, refused = COMBINATIONS[kind]
    for name in refused:
        if given.get(name) is not None:
            # the two texts of errors.md for it; which type gets which was seen for MARKET only
            raise VenueError(-1114) if name == "timeInForce" and kind != "MARKET" else not_required(names.of(name))
    for name in needed:
        if given.get(name) is None and (name != "quantity" or names.quantity):
            raise missing(names.of(name))
    if kind == "MARKET" and names.quantity and given["quantity"] is None and given.get("quoteOrderQty") is None:
        raise missing_both(names.of("quantity"), "quoteOrderQty")
    if kind in CONTINGENT and given["stopPrice"] is None and given["trailingDelta"] is None:
        raise missing_both(names.of("stopPrice"), names.of("trailingDelta"))
    if given.get("quantity") is not None and given.get("quoteOrderQty") is not None:
        raise VenueError(-1128)


def _check_numbers(rules: SymbolRules, names: Names, numbers: Mapping[str, Decimal | None]) -> None:
    for name, digits, zero in (
        ("quantity", rules.base_precision, "Invalid quantity."),
        ("quoteOrderQty", rules.quote_precision, "Invalid quote order qty."),
        ("price", rules.quote_precision, "Invalid price."),
        ("stopPrice", rules.quote_precision, "Invalid stopPrice."),
    ):
        value = numbers.get(name)
        if value is None:
            continue
        check_precision(names.of(name), value, digits)
        if not value:
            raise VenueError(-1013, zero)
