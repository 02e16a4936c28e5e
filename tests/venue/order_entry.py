"""Reads and checks the parameters of a new order, before any rule of the symbol applies."""

import secrets
from collections.abc import Mapping
from decimal import Decimal

from tests.venue.errors import VenueError, illegal, missing, missing_both, not_required
from tests.venue.filters import SymbolRules, check_precision
from tests.venue.model import OrderRequest, Side
from tests.venue.params import CLIENT_ORDER_ID, Params

SUPPORTED = ("LIMIT", "MARKET", "LIMIT_MAKER")
ORDER_TYPES = (*SUPPORTED, "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
# documented, but not simulated by this venue
NOT_PLAYED = ("stopPrice", "trailingDelta", "icebergQty", "pegPriceType", "pegOffsetValue", "pegOffsetType")
# order type -> parameters it needs, parameters it may not have
COMBINATIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "MARKET": ((), ("timeInForce", "price")),
    "LIMIT": (("timeInForce", "quantity", "price"), ("quoteOrderQty",)),
    "LIMIT_MAKER": (("quantity", "price"), ("timeInForce", "quoteOrderQty")),
}


def read_order(params: Params, rules: SymbolRules) -> tuple[OrderRequest, str]:
    """Returns the order's parameters, well formed, and the requested response type."""
    side = params.choice("side", ("BUY", "SELL"), -1117)
    if side is None:
        raise missing("side")
    kind = params.choice("type", ORDER_TYPES, -1116)
    if kind is None:
        raise missing("type")
    if kind not in SUPPORTED or any(params.has(name) for name in NOT_PLAYED):
        raise VenueError(-1020)
    tif = params.choice("timeInForce", ("GTC", "IOC", "FOK"), -1115)
    quantity = params.decimal("quantity")
    quote = params.decimal("quoteOrderQty")
    price = params.decimal("price")
    client_id = params.text("newClientOrderId", CLIENT_ORDER_ID) or secrets.token_hex(11)
    default = "ACK" if kind == "LIMIT_MAKER" else "FULL"
    wanted = params.choice("newOrderRespType", ("ACK", "RESULT", "FULL"), -1130) or default
    stp = params.choice("selfTradePreventionMode", STP_MODES, -1130)
    strategy = _long(params, "strategyId")
    params.integer("strategyType")
    _check_combination(kind, tif, quantity, quote, price)
    _check_numbers(rules, quantity, quote, price)
    stp = stp or str(rules.info["defaultSelfTradePreventionMode"])
    which: Side = "BUY" if side == "BUY" else "SELL"
    return OrderRequest(rules.symbol, which, kind, tif, quantity, quote, price, client_id, stp, strategy), wanted


def _long(params: Params, name: str) -> int | None:
    value = params.integer(name)
    if value is not None and value >= 2**63:
        raise illegal(name, "LONG")
    return value


def _check_combination(
    kind: str, tif: str | None, quantity: Decimal | None, quote: Decimal | None, price: Decimal | None
) -> None:
    """Checks the parameters that each order type requires and excludes (rest-api.md, "New order")."""
    given: dict[str, object] = {
        "timeInForce": tif,
        "quantity": quantity,
        "price": price,
        "quoteOrderQty": quote,
    }
    needed, refused = COMBINATIONS[kind]
    for name in refused:
        if given[name] is not None:
            raise not_required(name)
    for name in needed:
        if given[name] is None:
            raise missing(name)
    if kind == "MARKET" and quantity is None and quote is None:
        raise missing_both("quantity", "quoteOrderQty")
    if quantity is not None and quote is not None:
        raise VenueError(-1128)


def _check_numbers(rules: SymbolRules, quantity: Decimal | None, quote: Decimal | None, price: Decimal | None) -> None:
    for name, value, digits, zero in (
        ("quantity", quantity, rules.base_precision, "Invalid quantity."),
        ("quoteOrderQty", quote, rules.quote_precision, "Invalid quote order qty."),
        ("price", price, rules.quote_precision, "Invalid price."),
    ):
        if value is None:
            continue
        check_precision(name, value, digits)
        if not value:
            raise VenueError(-1013, zero)
