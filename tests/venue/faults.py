"""Programmable misbehaviour: which requests fail in which way, how often, and whether they are executed."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.venue.errors import STATUSES, TEXTS

Action = Literal["none", "cut", "hang", "answer"]
WAF_PAGE = "<html><head><title>403 Forbidden</title></head><body></body></html>"


@dataclass(slots=True, eq=False)
class Fault:
    """A fault that hits `times` requests to `endpoint` (None: all) after letting `skip` go by.

    `executed`: whether the request does its work before the answer is spoiled; with `half` a cancelReplace cancels, and places
    nothing. `arrived` is set at the first hit; `gate`, if
    there is one, holds requests before the matching engine until `release()`.
    """

    endpoint: str
    action: Action
    executed: bool = True
    half: bool = False
    times: int | None = 1
    skip: int = 0
    symbol: str | None = None
    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    engine_delay_ms: float = 0
    answer_delay_ms: float = 0
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    hits: int = 0

    def release(self) -> None:
        if self.gate is not None:
            self.gate.set()

    def matches(self, endpoint: str, symbol: str | None) -> bool:
        return self.endpoint in ("*", endpoint) and self.symbol in (None, symbol)


def endpoint_name(text: str) -> str:
    """Normalises an endpoint: `POST order` and `POST /api/v3/order` are the same; `*` is all of them."""
    if text == "*":
        return text
    method, _, path = text.partition(" ")
    return f"{method.upper()} {path if path.startswith('/') else '/api/v3/' + path}"


class Faults:
    """The faults in force, first added first used. Options of every method are the fields of Fault.

    A GET, PUT or DELETE that is cut on a kept-alive connection is sent again once by aiohttp: give it `times=2`. A request of
    the WebSocket API is named by its method: `WS order.place`."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def cut(self, endpoint: str, *, executed: bool = True, **options: Any) -> Fault:
        """Closes the connection without an answer."""
        return self._add(endpoint, "cut", executed=executed, **options)

    def hang(self, endpoint: str, *, executed: bool = True, **options: Any) -> Fault:
        """Gives no answer, and keeps the connection open."""
        return self._add(endpoint, "hang", executed=executed, **options)

    def answer(
        self,
        endpoint: str,
        status: int,
        body: object = "",
        *,
        executed: bool = False,
        content_type: str = "application/json;charset=UTF-8",
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Fault:
        """Replaces the true answer by any other; a body that is not text is sent as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        all_headers = {"Content-Type": content_type, **(headers or {})}
        return self._add(endpoint, "answer", executed=executed, status=status, body=text, headers=all_headers, **options)

    def error(
        self,
        endpoint: str,
        code: int,
        msg: str | None = None,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        **options: Any,
    ) -> Fault:
        """Answers with an error of errors.md with its own status, e.g. -1007 (504). `executed=True`: it was placed."""
        body = {"code": code, "msg": TEXTS.get(code, "") if msg is None else msg}
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self.answer(endpoint, status or STATUSES.get(code, 400), body, headers=headers, **options)

    def too_many(self, endpoint: str, *, status: int = 429, retry_after: int = 1, **options: Any) -> Fault:
        """Answers 429, or 418 with a ban."""
        msg = "Too many requests queued." if status == 429 else "Way too much request weight used; IP banned."
        return self.error(endpoint, -1003, msg, status=status, retry_after=retry_after, **options)

    def unreadable(self, endpoint: str, *, executed: bool = True, **options: Any) -> Fault:
        """Answers 200 with a body that is cut in the middle of its JSON."""
        return self.answer(endpoint, 200, '{"symbol":"WIFUSDC","orde', executed=executed, **options)

    def bad_gateway(self, endpoint: str, *, executed: bool = True, **options: Any) -> Fault:
        """Answers 502 with an empty body."""
        return self.answer(endpoint, 502, executed=executed, content_type="text/html", **options)

    def waf(self, endpoint: str, **options: Any) -> Fault:
        """Answers 403 with the firewall's HTML page."""
        return self.answer(endpoint, 403, WAF_PAGE, content_type="text/html", **options)

    def slow_engine(self, endpoint: str, ms: float, **options: Any) -> Fault:
        """Accepts the request, which enters the matching engine later; recvWindow is checked again there."""
        return self._add(endpoint, "none", engine_delay_ms=ms, **options)

    def slow_answer(self, endpoint: str, ms: float, **options: Any) -> Fault:
        return self._add(endpoint, "none", answer_delay_ms=ms, **options)

    def hold(self, endpoint: str, **options: Any) -> Fault:
        """Stops requests in front of the matching engine until `release()` of the returned fault."""
        return self._add(endpoint, "none", gate=asyncio.Event(), **options)

    @property
    def waiting(self) -> int:
        """Returns how many faults are in force."""
        return len(self._active)

    def remove(self, fault: Fault) -> None:
        fault.release()
        self._active.remove(fault)

    def clear(self) -> None:
        for fault in self._active:
            fault.release()
        self._active.clear()

    def next_for(self, endpoint: str, symbol: str | None) -> Fault | None:
        """Returns the fault of this request and counts it; None for most."""
        for fault in self._active:
            if not fault.matches(endpoint, symbol):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.hits += 1
            if fault.times is not None and fault.hits >= fault.times:
                self._active.remove(fault)
            return fault
        return None

    def _add(self, endpoint: str, action: Action, **options: Any) -> Fault:
        fault = Fault(endpoint_name(endpoint), action, **options)
        self._active.append(fault)
        return fault
