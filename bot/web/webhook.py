"""`POST /signals`: a signal over HTTP, taken only from who knows the secret, stored before it is confirmed, and never twice."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from bot.settings.redaction import Redactor
from bot.web.authentication import NO_SECRET, UNREADABLE, WRONG_SECRET, why_unproved
from bot.web.token_bucket import TokenBucket
from core.adapters.signals.codec import MAX_BYTES, Unreadable, decode
from core.domain.arrival import Arrival
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.domain.signal_conflict import Conflict
from core.ports.clock import Clock

SOURCE = "webhook"
BODY_SECONDS = 10.0
ROOM_SECONDS = 2.0
"""TradingView gives up a request after about 3 s, and sends again only where it got a 5xx: the 503 must be there before."""
FAILURES_A_SECOND, FAILURES_AT_ONCE = 1.0, 20
REMEMBERED = 1_000
QUERY_SHOWN = 64  # characters of a parameter of the URL that are looked at: it may name an instrument
_KEPT_BYTES = 2048  # of what is no signal

Submit = Callable[[Message], Awaitable[Arrival]]
"""Stores a message and says what became of it. Raises LedgerUnavailable; waits while the inbox is full."""

Find = Callable[[str, Sequence[str]], Awaitable[Mapping[str, Signal]]]
"""Which of these ids of a source are stored, and as what. Raises LedgerUnavailable."""

Keep = Callable[[DeadLetter], Awaitable[None]]
"""Keeps and tells what a sender who knows the secret sent in vain. Raises LedgerUnavailable; waits while the inbox is full."""

Note = Callable[[str, bool], None]
"""Counts an answer other than 202, by a word for it; True where whoever sent it had not proved the secret."""


class Stored(BaseModel):
    """The signal is in the ledger and takes its turn."""

    signal_id: str = Field(
        description="its identity: the same one again is the same signal, or refused where it says something else"
    )
    symbol: str


class Problem(BaseModel):
    """Why it was not taken, in a sentence."""

    detail: str


_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "not signed with WEBHOOK_SECRET"},
    408: {"model": Problem, "description": "the body did not come in time"},
    409: {"model": Problem, "description": "a signal that was taken before, or another one under its signal_id"},
    413: {"model": Problem, "description": "the body is too long"},
    422: {"model": Problem, "description": "the body is not a signal"},
    429: {"model": Problem, "description": "too many without the secret; Retry-After says when to come again"},
    503: {"model": Problem, "description": "it cannot be stored now; Retry-After says when to come again"},
}

_PRICE = r"^(0{0,9}[1-9][0-9]{0,9}(\.[0-9]{1,20})?|0\.0{0,18}[1-9][0-9]?)$"
_TIME = r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z$"
_SYMBOL = r"^([Bb][Ii][Nn][Aa][Nn][Cc][Ee]:)?([A-Za-z0-9]{2,20}|[A-Za-z0-9]{1,12}[/-][A-Za-z0-9]{2,8})$"
_SECONDS = {"type": "integer", "minimum": 946684800, "maximum": 4102444799}
_MILLISECONDS = {"type": "integer", "minimum": 946684800000, "maximum": 4102444799999}
_BODY = {
    "type": "object",
    "required": ["signal_type", "close"],
    "properties": {
        "signal_type": {"type": "string", "pattern": "^(BUY|SELL)_[A-Z0-9_]{1,32}$"},
        "close": {
            "description": "reference price in quote asset, above 0",
            "anyOf": [{"type": "number", "minimum": 1e-30, "exclusiveMaximum": 1e31}, {"type": "string", "pattern": _PRICE}],
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
        "token": {"type": "string", "description": "WEBHOOK_SECRET, from senders that cannot sign"},
    },
}
_DESCRIBED = {
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


class _Refused(Exception):
    """Carries an answer other than 202; `why` is a word for it."""

    def __init__(self, why: str, status: int, detail: str, retry_after: float = 0.0, *, proved: bool = False) -> None:
        self.why = why
        self.proved = proved
        self.status = status
        self.detail = detail
        self.retry_after = retry_after
        super().__init__(detail)


_UNPROVED = {
    NO_SECRET: "sign the body with WEBHOOK_SECRET in X-Signature (sha256=...), or name it in the field token",
    WRONG_SECRET: "the signature or the token is not that of WEBHOOK_SECRET",
    UNREADABLE: "the body is no JSON object, so it has no field token, and it is not signed with WEBHOOK_SECRET in X-Signature",
}


def signal_routes(
    secret: str,
    submit: Submit,
    find: Find,
    keep: Keep,
    clock: Clock,
    *,
    note: Note,
    turned_back: Callable[[Signal], None],
    default_symbol: str,
    window: timedelta,
) -> APIRouter:
    """The route. `window` is how long an identical body without `ts` and `signal_id` counts as a repetition.

    Who has proved the secret is never asked to slow down: TradingView sends again after a 5xx alone. Such a sender waits while
    the inbox is full, and then gets 503; `turned_back` is told of the signal.
    """
    routes = APIRouter()
    identity = _Identity(find, clock, default_symbol, window)
    failed = TokenBucket(clock, FAILURES_A_SECOND, FAILURES_AT_ONCE)
    redactor = Redactor([secret])

    @routes.post("/signals", status_code=202, response_model=Stored, responses=_ANSWERS, openapi_extra=_DESCRIBED)
    async def post_signal(request: Request) -> JSONResponse:
        """Takes one signal. 202 once it is stored: what becomes of it is told in the chat."""
        try:
            return await answer(request)
        except _Refused as refused:
            note(refused.why, not refused.proved)
            headers = {"Retry-After": str(max(1, round(refused.retry_after)))} if refused.retry_after else {}
            return JSONResponse({"detail": refused.detail}, status_code=refused.status, headers=headers)

    async def answer(request: Request) -> JSONResponse:
        body = await _read(request)
        if why := why_unproved(body, request.headers.get("X-Signature"), secret):
            if wait := failed.take():
                raise _Refused("too_many", 429, "too many requests without a right signature", wait)
            raise _Refused(why, 401, _UNPROVED[why])
        read = identity.read(body, request.query_params)
        try:
            async with asyncio.timeout(ROOM_SECONDS):
                return await take(body, read)
        except (LedgerUnavailable, LeaseLost, TimeoutError):
            if isinstance(read, Signal):
                turned_back(read)
            until = f"; without ts and signal_id within {window.total_seconds():g} s"
            detail = f"it cannot be stored in time; send the same again, it counts once{until}"
            raise _Refused("unavailable", 503, detail, 5.0, proved=True) from None

    async def take(body: bytes, read: Signal | Unreadable) -> JSONResponse:
        if isinstance(read, Unreadable):
            letter = letter_of(body, read.reason, redactor, clock.now())
            await keep(letter)
            raise _Refused("unusable", 422, letter.problem, proved=True)
        message = await identity.message(read, body)
        _refuse_known(await submit(message), message)
        return JSONResponse({"signal_id": message.source_id, "symbol": message.mailbox}, status_code=202)

    return routes


def _refuse_known(arrival: Arrival, message: Message) -> None:
    if isinstance(arrival, Conflict):
        detail = f"{arrival.reason}; leave signal_id out, or give every signal one of its own"
        raise _Refused("conflict", 409, detail, proved=True)
    if arrival is None:
        raise _Refused("repeated", 409, f"the signal {message.source_id} was taken before", proved=True)


def letter_of(body: bytes, why: Reason, redactor: Redactor, at: datetime) -> DeadLetter:
    """What is kept of a body that is no signal, without the secret that it may carry: cut once that is out, as half of a secret
    is not found."""
    position = f"{SOURCE}/{hashlib.sha256(body).hexdigest()[:12]}"
    raw = redactor.text(body[: 2 * _KEPT_BYTES].decode("utf-8", "backslashreplace")).encode("utf-8", "replace")
    shown = Reason(why.code, {name: redactor.text(text) for name, text in why.params.items()})
    return DeadLetter(SOURCE, position, str(shown), raw[:_KEPT_BYTES], at, shown)


async def _read(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BYTES:
                    raise _Refused("too_long", 413, f"the body is longer than {MAX_BYTES:,} bytes")
    except ClientDisconnect:
        raise _Refused("incomplete", 408, "the body did not come to its end") from None
    except TimeoutError:
        raise _Refused("incomplete", 408, f"the body did not come within {BODY_SECONDS:g} s") from None
    return bytes(body)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


class _Identity:
    """What makes a body one signal: its `signal_id`; else the body itself, which a `ts` makes unlike any other. With neither, the
    same body again within `window` is a repetition, and after it a new signal."""

    def __init__(self, find: Find, clock: Clock, default_symbol: str, window: timedelta) -> None:
        self._find = find
        self._clock = clock
        self._default_symbol = default_symbol
        self._window = max(window.total_seconds(), 1.0)
        self._dated: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def read(self, body: bytes, query: Mapping[str, str]) -> Signal | Unreadable:
        """What the body says; without a `signal_id` of its own it has the body's digest for one."""
        return decode(
            body,
            record_ts=self._clock.now(),
            source=SOURCE,
            default_id=_digest(body),
            default_symbol=self._default_symbol,
            beside={name: text[:QUERY_SHOWN] for name, text in query.items()},
        )

    async def message(self, signal: Signal, body: bytes) -> Message:
        """`signal` under its identity. Raises LedgerUnavailable where it cannot be known whether it is a repetition."""
        now = self._clock.now()
        if signal.signal_id == _digest(body) and not signal.dated:
            signal = replace(signal, signal_id=await self._date(signal.signal_id, now))
        return Message(SOURCE, signal.signal_id, signal.symbol, SignalReceived(signal), now)

    async def _date(self, digest: str, now: datetime) -> str:
        at = self._clock.monotonic()
        first, dated = self._dated.get(digest, (-self._window, ""))
        if at - first < self._window:
            return dated
        number = int(now.timestamp() // self._window)
        dated, before = f"{digest}/{number}", f"{digest}/{number - 1}"
        # What a former process took, or what is no longer remembered here.
        stored = (await self._find(SOURCE, [before])).get(before)
        if stored is not None and (age := (now - stored.ts).total_seconds()) < self._window:
            at, dated = at - max(age, 0.0), before
        self._dated[digest] = (at, dated)
        self._dated.move_to_end(digest)
        while len(self._dated) > REMEMBERED:
            self._dated.popitem(last=False)
        return dated
