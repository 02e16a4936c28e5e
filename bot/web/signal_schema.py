"""The description of `POST /signals` for /openapi.json and /docs."""

from typing import Any

from pydantic import BaseModel, Field

from bot.web.trade_schema import NUMBER, PRICE, TRADE_FIELDS
from core.adapters.signals.json_parser import LONGEST_NAME


class Stored(BaseModel):
    """The signal is in the ledger and takes its turn."""

    signal_id: str = Field(
        description="its identity: the same one again is the same signal, or refused where it says something else"
    )
    symbol: str


class Problem(BaseModel):
    """The reason why it was not accepted, in a sentence."""

    detail: str


ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "not signed with WEBHOOK_SECRET"},
    408: {"model": Problem, "description": "the body did not come in time"},
    409: {"model": Problem, "description": "a signal that was taken before, or another one under its signal_id"},
    413: {"model": Problem, "description": "the body is too long"},
    422: {"model": Problem, "description": "the body is not a signal"},
    429: {"model": Problem, "description": "too many without the secret; Retry-After says when to come again"},
    503: {"model": Problem, "description": "it cannot be stored now; Retry-After says when to come again"},
}

_TIME = r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z$"
_SYMBOL = r"^([Bb][Ii][Nn][Aa][Nn][Cc][Ee]:)?([A-Za-z0-9]{2,20}|[A-Za-z0-9]{1,12}[/-][A-Za-z0-9]{2,8})$"
_SECONDS = {"type": "integer", "minimum": 946684800, "maximum": 4102444799}
_MILLISECONDS = {"type": "integer", "minimum": 946684800000, "maximum": 4102444799999}
_BODY = {
    "type": "object",
    "propertyNames": {"maxLength": LONGEST_NAME},
    "required": ["signal_type", "close"],
    "properties": {
        "signal_type": {
            "type": "string",
            "pattern": "^(BUY|SELL)_[A-Z0-9_]{1,32}$",
            "description": "BUY_* enters, SELL_* exits; without it action (buy, sell) is read, and price in the place of close",
        },
        "close": {
            "description": "reference price in quote asset, above 0",
            "anyOf": [NUMBER, {"type": "string", "pattern": PRICE}],
        },
        "symbol": {
            "type": "string",
            "pattern": _SYMBOL,
            "description": "SYMBOL where nothing names an instrument; also as ticker, pair or instrument. No perpetuals",
        },
        "signal_id": {
            "description": "what makes it one signal; other printable characters are taken too",
            "anyOf": [{"type": "string", "pattern": "^[ -~]{1,200}$"}, {"type": ["integer", "null"]}],
        },
        "ts": {
            "description": "when it was made: ISO 8601 with any zone, or epoch seconds or milliseconds",
            "anyOf": [{"type": "string", "pattern": _TIME}, {"type": "null"}, _SECONDS, _MILLISECONDS],
        },
        **TRADE_FIELDS,
        "token": {"type": "string", "description": "WEBHOOK_SECRET, from senders that cannot sign"},
    },
}
DESCRIBED = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}},
    "parameters": [
        {
            "name": "X-Signature",
            "in": "header",
            "required": False,
            "description": "sha256= and the HMAC-SHA256 of the body with WEBHOOK_SECRET, in hexadecimal digits",
            "schema": {"type": "string"},
        }
    ],
}
