"""The meaning of each Binance refusal for an order, in one table. Anything not in it is unknown and must be investigated.

Sources: errors.md (codes, "Messages for -1010, -2010, -2011", "Filter failures"); rest-api.md ("HTTP Return Codes", "IP
Limits").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """FINAL: refused, and would be again. NOT_PLACED: certainly not placed, may be retried. UNKNOWN: there may be an order.
    STOP_ALL: not placed, and nothing more may be sent for a while. FATAL: nothing works until a person fixes it."""

    FINAL = "final"
    NOT_PLACED = "not placed"
    UNKNOWN = "unknown"
    STOP_ALL = "stop all requests"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`reason` is the code of the sentence that the chat shows (core.domain.reasons)."""

    outcome: Outcome
    reason: str


_F, _N, _U, _S, _X = Outcome.FINAL, Outcome.NOT_PLACED, Outcome.UNKNOWN, Outcome.STOP_ALL, Outcome.FATAL
UNKNOWN = Meaning(_U, "unanswered")

# Codes of the exchange in an answer of status 4XX.
CODES: Mapping[int, Meaning] = {
    # "execution status unknown", or no statement whether it was done
    -1000: UNKNOWN,
    -1001: UNKNOWN,
    -1006: UNKNOWN,
    -1007: UNKNOWN,
    # too many requests from us
    -1003: Meaning(_S, "rate_limited"),
    -1015: Meaning(_S, "rate_limited"),
    -1034: Meaning(_S, "rate_limited"),
    # temporary
    -1004: Meaning(_N, "exchange_busy"),
    -1008: Meaning(_N, "exchange_busy"),
    -1021: Meaning(_N, "clock_off"),
    # identity and permissions
    -1002: Meaning(_X, "bad_key"),
    -1022: Meaning(_X, "bad_signature"),
    -1099: Meaning(_X, "bad_key"),
    -2008: Meaning(_X, "bad_key"),
    -2014: Meaning(_X, "bad_key"),
    -2015: Meaning(_X, "bad_key"),
    -1016: Meaning(_X, "service_gone"),
    # the content of the request
    -1013: Meaning(_F, "rejected"),
    -1010: Meaning(_F, "rejected"),
    -2010: Meaning(_F, "rejected"),
    -1014: Meaning(_F, "bad_request"),
    -1020: Meaning(_F, "bad_request"),
    -1100: Meaning(_F, "bad_request"),
    -1101: Meaning(_F, "bad_request"),
    -1102: Meaning(_F, "bad_request"),
    -1103: Meaning(_F, "bad_request"),
    -1104: Meaning(_F, "bad_request"),
    -1105: Meaning(_F, "bad_request"),
    -1106: Meaning(_F, "bad_request"),
    -1108: Meaning(_F, "bad_request"),
    -1111: Meaning(_F, "bad_request"),
    -1112: Meaning(_F, "no_depth"),
    -1114: Meaning(_F, "bad_request"),
    -1115: Meaning(_F, "bad_request"),
    -1116: Meaning(_F, "bad_request"),
    -1117: Meaning(_F, "bad_request"),
    -1118: Meaning(_F, "bad_request"),
    -1121: Meaning(_F, "invalid_symbol"),
    -1128: Meaning(_F, "bad_request"),
    -1130: Meaning(_F, "bad_request"),
    -1131: Meaning(_F, "bad_request"),
    -1134: Meaning(_F, "bad_request"),
    -1135: Meaning(_F, "bad_request"),
    # the content of an order list
    **dict.fromkeys((-1158, -1160, -1165, -1166, -1168, -1196, -1197, -1198, -1199), Meaning(_F, "bad_request")),
    **dict.fromkeys((-1222, -1223, -1224, -1225), Meaning(_F, "bad_request")),
    -2016: Meaning(_F, "market_closed"),
}

# The text says more than the code: -1010, -1013, -2010 and -2011 share them.
MESSAGES: Mapping[str, Meaning] = {
    # An order with this id is open. The id belongs to this order alone, so it is ours: an earlier request arrived.
    "Duplicate order sent.": UNKNOWN,
    "Account has insufficient balance for requested action.": Meaning(_F, "insufficient_balance"),
    "Market is closed.": Meaning(_F, "market_closed"),
    "Market orders are not supported for this symbol.": Meaning(_F, "market_orders_off"),
    "Stop loss orders are not supported for this symbol.": Meaning(_F, "order_type_off"),
    "Stop loss limit orders are not supported for this symbol.": Meaning(_F, "order_type_off"),
    "Take profit orders are not supported for this symbol.": Meaning(_F, "order_type_off"),
    "Take profit limit orders are not supported for this symbol.": Meaning(_F, "order_type_off"),
    "Trailing stop orders are not supported for this symbol.": Meaning(_F, "order_type_off"),
    "OCO orders are not supported for this symbol": Meaning(_F, "order_type_off"),
    "OPO orders are not supported for this symbol.": Meaning(_F, "order_type_off"),
    "Order would trigger immediately.": Meaning(_F, "would_trigger"),
    "Order would immediately match and take.": Meaning(_F, "would_take"),
    "The relationship of the prices for the orders is not correct.": Meaning(_F, "list_prices"),
    "Price * QTY is zero or less.": Meaning(_F, "rejected"),
    "Unsupported order combination": Meaning(_F, "bad_request"),
    "This symbol is not permitted for this account.": Meaning(_F, "symbol_not_permitted"),
    "This symbol is restricted for this account.": Meaning(_F, "symbol_not_permitted"),
    "This action is disabled on this account.": Meaning(_X, "account_disabled"),
    "This account may not place or cancel orders.": Meaning(_X, "account_disabled"),
    "Rest API trading is not enabled.": Meaning(_X, "account_disabled"),
    "WebSocket API trading is not enabled.": Meaning(_X, "account_disabled"),
}

FILTERS: Mapping[str, Meaning] = {
    **dict.fromkeys(
        (
            *(
                "PRICE_FILTER",
                "PERCENT_PRICE",
                "PERCENT_PRICE_BY_SIDE",
                "LOT_SIZE",
                "MARKET_LOT_SIZE",
                "MIN_NOTIONAL",
                "NOTIONAL",
            ),
            *("ICEBERG_PARTS", "MAX_POSITION", "TRAILING_DELTA", "MAX_NUM_ORDER_AMENDS"),
        ),
        Meaning(_F, "filter_failure"),
    ),
    **dict.fromkeys(
        (
            *("MAX_NUM_ORDERS", "MAX_NUM_ALGO_ORDERS", "MAX_NUM_ICEBERG_ORDERS", "MAX_NUM_ORDER_LISTS"),
            *("EXCHANGE_MAX_NUM_ORDERS", "EXCHANGE_MAX_NUM_ALGO_ORDERS", "EXCHANGE_MAX_NUM_ICEBERG_ORDERS"),
            "EXCHANGE_MAX_NUM_ORDER_LISTS",
        ),
        Meaning(_F, "too_many_open"),
    ),
}

# Nothing more may be requested for a while. Without a Binance code the answer may come from a proxy in between.
TOO_MUCH: Mapping[int, Meaning] = {
    418: Meaning(_S, "banned"),
    429: Meaning(_S, "rate_limited"),
}

# Answers without a Binance code.
STATUSES: Mapping[int, Meaning] = {
    403: UNKNOWN,  # a firewall in between; nothing says what it let through before
    409: UNKNOWN,
    418: UNKNOWN,
    429: UNKNOWN,
    # rest-api.md: not to be treated as a failure, "the execution status is UNKNOWN and could have been a success"
    500: UNKNOWN,
    502: UNKNOWN,
    503: UNKNOWN,
    504: UNKNOWN,
}

# The only 5XX that says that nothing was executed: (status, code) of requests rejected for lack of capacity.
AT_THE_DOOR: Mapping[tuple[int, int], Meaning] = {(503, -1008): Meaning(_N, "exchange_busy")}

_FILTER_FAILURE = "Filter failure: "


def broken_filter(message: str) -> str:
    """Returns the name of the filter that a message says was broken; empty if it names none."""
    return message.removeprefix(_FILTER_FAILURE).rstrip(".") if message.startswith(_FILTER_FAILURE) else ""


def says_too_much(code: int) -> bool:
    """Tells whether `code` is the exchange's own statement that it received too many requests."""
    return CODES.get(code, UNKNOWN).outcome is Outcome.STOP_ALL


def meaning_of(status: int, code: int, message: str) -> Meaning:
    """Returns what a refusal means for its order; `code` is 0 and `message` empty if the body held none."""
    if status in TOO_MUCH:
        return TOO_MUCH[status] if says_too_much(code) else UNKNOWN
    if status >= 500:
        return AT_THE_DOOR.get((status, code), UNKNOWN)
    if not 400 <= status < 500 or code == 0:
        return UNKNOWN
    if name := broken_filter(message):
        return FILTERS.get(name, UNKNOWN)
    return MESSAGES.get(message) or CODES.get(code, UNKNOWN)
