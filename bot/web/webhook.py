"""`POST /signals`: a signal over HTTP, accepted only with the secret, stored before it is confirmed, and never twice."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from bot.settings.redaction import Redactor
from bot.web.authentication import NO_SECRET, UNREADABLE, WRONG_SECRET, why_unproved
from bot.web.signal_identity import SOURCE, Find, SignalIdentity
from bot.web.signal_schema import ANSWERS, DESCRIBED, Stored
from bot.web.token_bucket import TokenBucket
from core.adapters.signals.codec import MAX_BYTES, Unreadable
from core.domain.arrival import Arrival
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.messages import DeadLetter, Message
from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.domain.signal_conflict import Conflict
from core.ports.clock import Clock

BODY_SECONDS = 10.0
ROOM_SECONDS = 2.0
"""TradingView gives up a request after about 3 s, and retries only after a 5xx: the 503 must be there before."""
FAILURES_A_SECOND, FAILURES_AT_ONCE = 1.0, 20
_KEPT_BYTES = 2048  # of a body that is not a signal

Submit = Callable[[Message], Awaitable[Arrival]]
"""Stores a message and returns its arrival. Raises LedgerUnavailable; waits while the inbox is full."""

Keep = Callable[[DeadLetter], Awaitable[None]]
"""Stores and reports an unusable body of a sender who has the secret. Raises LedgerUnavailable; waits while the inbox is full."""

Note = Callable[[str, bool], None]
"""Counts an answer other than 202 by its name; True where the sender had not proved the secret."""


class _Refused(Exception):
    """Carries an answer other than 202; `why` names it."""

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
    undelivered: Callable[[Signal], None],
    default_symbol: str,
    window: timedelta,
) -> APIRouter:
    """Returns the route. `window` is how long an identical body without `ts` and `signal_id` counts as a repetition;
    `undelivered` gets each signal that could not be stored in time."""
    identity = SignalIdentity(find, clock, default_symbol, window)
    endpoint = _Endpoint(secret, identity, submit, keep, clock, undelivered=undelivered, window=window)
    routes = APIRouter()

    @routes.post("/signals", status_code=202, response_model=Stored, responses=ANSWERS, openapi_extra=DESCRIBED)
    async def post_signal(request: Request) -> JSONResponse:
        """Takes one signal. Answers 202 once it is stored; the outcome is reported in the chat."""
        try:
            return await endpoint.answer(request)
        except _Refused as refused:
            note(refused.why, not refused.proved)
            headers = {"Retry-After": str(max(1, round(refused.retry_after)))} if refused.retry_after else {}
            return JSONResponse({"detail": refused.detail}, status_code=refused.status, headers=headers)

    return routes


class _Endpoint:
    """Authenticates a request, reads its signal and stores it. Raises _Refused.

    A sender who has proved the secret is never asked to slow down: TradingView retries only after a 5xx. Such a sender waits
    while the inbox is full, and then gets 503.
    """

    def __init__(
        self,
        secret: str,
        identity: SignalIdentity,
        submit: Submit,
        keep: Keep,
        clock: Clock,
        *,
        undelivered: Callable[[Signal], None],
        window: timedelta,
    ) -> None:
        self._secret = secret
        self._identity = identity
        self._submit = submit
        self._keep = keep
        self._clock = clock
        self._undelivered = undelivered
        self._window = window
        self._failures = TokenBucket(clock, FAILURES_A_SECOND, FAILURES_AT_ONCE)
        self._redactor = Redactor([secret])

    async def answer(self, request: Request) -> JSONResponse:
        body = await _read(request)
        self._authenticate(body, request.headers.get("X-Signature"))
        read = self._identity.read(body, request.query_params)
        try:
            async with asyncio.timeout(ROOM_SECONDS):
                return await self._store(body, read)
        except (LedgerUnavailable, LeaseLost, TimeoutError):
            if isinstance(read, Signal):
                self._undelivered(read)
            until = f"; without ts and signal_id within {self._window.total_seconds():g} s"
            detail = f"it cannot be stored in time; send the same again, it counts once{until}"
            raise _Refused("unavailable", 503, detail, 5.0, proved=True) from None

    def _authenticate(self, body: bytes, signature: str | None) -> None:
        if why := why_unproved(body, signature, self._secret):
            if wait := self._failures.take():
                raise _Refused("too_many", 429, "too many requests without a right signature", wait)
            raise _Refused(why, 401, _UNPROVED[why])

    async def _store(self, body: bytes, read: Signal | Unreadable) -> JSONResponse:
        if isinstance(read, Unreadable):
            letter = letter_of(body, read.reason, self._redactor, self._clock.now())
            await self._keep(letter)
            raise _Refused("unusable", 422, letter.problem, proved=True)
        message = await self._identity.message(read, body)
        _refuse_known(await self._submit(message), message)
        return JSONResponse({"signal_id": message.source_id, "symbol": message.mailbox}, status_code=202)


def _refuse_known(arrival: Arrival, message: Message) -> None:
    if isinstance(arrival, Conflict):
        detail = f"{arrival.reason}; leave signal_id out, or give every signal one of its own"
        raise _Refused("conflict", 409, detail, proved=True)
    if arrival is None:
        raise _Refused("repeated", 409, f"the signal {message.source_id} was taken before", proved=True)


def letter_of(body: bytes, why: Reason, redactor: Redactor, at: datetime) -> DeadLetter:
    """Returns the stored form of a body that is not a signal, without a secret in it: cut after redaction, as half of a secret
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
