"""The identity of a signal that comes over HTTP, so that none is executed twice."""

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.adapters.signals.codec import Unreadable, decode
from core.domain.messages import Message, SignalReceived
from core.domain.signal import Signal
from core.ports.clock import Clock

SOURCE = "webhook"
REMEMBERED = 1_000
QUERY_SHOWN = 64  # characters of a parameter of the URL that are read: it may name an instrument

Find = Callable[[str, Sequence[str]], Awaitable[Mapping[str, Signal]]]
"""Finds the stored ones among these ids of a source, with their signals. Raises LedgerUnavailable."""


class SignalIdentity:
    """Finds out which bodies are the same signal: by `signal_id`; else by the body itself, which a `ts` makes unique. With
    neither, the same body within `window` is a repetition, and after it a new signal."""

    def __init__(self, find: Find, clock: Clock, default_symbol: str, window: timedelta) -> None:
        self._find = find
        self._clock = clock
        self._default_symbol = default_symbol
        self._window = max(window.total_seconds(), 1.0)
        self._dated: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def read(self, body: bytes, query: Mapping[str, str]) -> Signal | Unreadable:
        """Decodes a body; its digest stands in for a missing `signal_id`."""
        return decode(
            body,
            record_ts=self._clock.now(),
            source=SOURCE,
            default_id=_digest(body),
            default_symbol=self._default_symbol,
            beside={name: text[:QUERY_SHOWN] for name, text in query.items()},
        )

    async def message(self, signal: Signal, body: bytes) -> Message:
        """Returns `signal` under its identity. Raises LedgerUnavailable where it stays unknown whether it is a repetition."""
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
        # Taken by an earlier process, or no longer remembered here.
        stored = (await self._find(SOURCE, [before])).get(before)
        if stored is not None and (age := (now - stored.ts).total_seconds()) < self._window:
            at, dated = at - max(age, 0.0), before
        self._dated[digest] = (at, dated)
        self._dated.move_to_end(digest)
        while len(self._dated) > REMEMBERED:
            self._dated.popitem(last=False)
        return dated


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]
