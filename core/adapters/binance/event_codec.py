"""Writes requests of the WebSocket API and parses its messages: answers, and the events of the user data stream. Pure; raises
only Unreadable."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from core.adapters.binance.errors import Answer, Refusal, refusal
from core.adapters.binance.json_fields import Unreadable, amount, integer, json_object, moment, side, text
from core.adapters.binance.order_codec import PENDING, expiry_reason_of, state_of, terms_of
from core.adapters.binance.rate_limit_budget import counts_in
from core.domain.order import ExecutionReport, Fill

EXECUTION_REPORT = "executionReport"
_TRADE = "TRADE"
_TERMS: Mapping[str, str] = {"o": "type", "f": "timeInForce", "p": "price", "P": "stopPrice", "d": "trailingDelta"}


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event, not yet parsed; `kind` is its `e`."""

    kind: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """The answer to a request, not yet parsed. `id` is the request's; None: the exchange does not say whose it is. `code` is the
    exchange's own, 0 for a success."""

    id: int | None
    status: int
    code: int
    body: Mapping[str, object]


def message(frame: str | bytes) -> StreamEvent | StreamAnswer:
    """Parses one frame: an event (web-socket-api.md, "Event format") or an answer ("Response format")."""
    try:
        data = json_object(json.loads(frame), "message")
    except (ValueError, RecursionError):
        raise Unreadable("the message is not JSON") from None
    if "event" in data:
        event = json_object(data["event"], "event")
        return StreamEvent(text(event, "e"), event)
    error = json_object(data.get("error", {}), "error")
    code = error.get("code", 0)
    number = data.get("id")
    known = number if isinstance(number, int) and not isinstance(number, bool) else None
    return StreamAnswer(known, integer(data, "status"), code if isinstance(code, int) else 0, data)


def written(number: int, method: str, params: Mapping[str, str | int]) -> str:
    """Writes one request (web-socket-api.md, "Request format")."""
    return json.dumps({"id": number, "method": method, "params": params})


def said(answer: StreamAnswer, redacted: Callable[[str], str]) -> Answer | Refusal:
    """Returns what an answer says to an order, as that of REST would (web-socket-api.md, "Status codes": they are the same).
    `redacted` removes secrets from the exchange's text."""
    counts = counts_in(answer.body.get("rateLimits"))
    if answer.status == 200:
        return Answer(answer.body.get("result"), counts)
    error = json_object(answer.body.get("error", {}), "error")
    text = error.get("msg")
    return refusal(answer.status, answer.code, redacted(text) if isinstance(text, str) else "", _retry_after(error), counts)


def _retry_after(error: Mapping[str, object]) -> Mapping[str, str]:
    """Returns the header that REST has for what stands in `data`: both times are in ms since the epoch (web-socket-api.md, "IP
    limits")."""
    try:
        data = json_object(error.get("data"), "data")
        left = integer(data, "retryAfter") - integer(data, "serverTime")
    except Unreadable:
        return {}
    return {"Retry-After": str(max(ceil(left / 1000), 0))}


def execution_report(data: Mapping[str, object]) -> ExecutionReport:
    """Parses the event `executionReport` (user-data-stream.md, "Order Update"). Amounts are cumulative; `fills` has the one fill
    that the event is about. In a cancellation `c` is the cancellation's own id, the order's is `C`."""
    executed, quote, word = amount(data, "z"), amount(data, "Z"), text(data, "X")
    return ExecutionReport(
        client_order_id=text(data, "C" if data.get("C") else "c"),
        order_id=str(integer(data, "i")),
        symbol=text(data, "s"),
        side=side(data, "S"),
        state=state_of(word, executed, quote),
        executed_qty=executed,
        quote_qty=quote,
        at=moment(data, "T"),
        fills=_fills(data),
        mark=integer(data, "j") if data.get("j") is not None else None,
        qty=amount(data, "q"),
        terms=terms_of({name: data.get(letter) for letter, name in _TERMS.items()}),
        expiry_reason=expiry_reason_of(word, data.get("eR")),
        is_pending=word == PENDING,
    )


def _fills(data: Mapping[str, object]) -> tuple[Fill, ...]:
    """Returns the event's fill. One whose fee asset is not told is left to the account's trades."""
    if data.get("x") != _TRADE or data.get("t") == -1 or data.get("N") is None:
        return ()
    price, qty = amount(data, "L"), amount(data, "l")
    if not price or not qty:
        raise Unreadable("a fill of nothing")
    fee, fee_asset = amount(data, "n"), text(data, "N")
    return (Fill(text(data, "s"), str(integer(data, "t")), price, qty, fee, fee_asset, moment(data, "T")),)
