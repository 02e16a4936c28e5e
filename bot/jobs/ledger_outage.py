"""Ledger outages: alerts the owner within seconds, without the ledger. When it is back, reports which exits arrived during the
outage and what became of them."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from bot.texts import Html, Texts, short
from core.domain.arrival import Arrival
from core.domain.errors import LeaseLost, LedgerSetBack, MarketFlowError
from core.domain.events.orders import OrderExecuted, OrderFailed
from core.domain.events.outages import ExitOfOutage, OutageOver, PartTroubled
from core.domain.events.signals import SignalRefused
from core.domain.events.table import Event
from core.domain.messages import DeadLetter
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch

SHORT_SECONDS = 3.0
"""Seconds; a shorter hiccup of the ledger is not reported."""
SAY_SECONDS = 5.0
"""Seconds without the ledger until the owner is notified; noticing that a database is silent takes some seconds more."""
AGAIN_SECONDS = 900.0
_CALM_SECONDS, _LONGEST_SECONDS = 5.0, 60.0  # without new signals before the exits are reported
_NO_LOSS = frozenset({"no_position", "held_by_others"})  # reasons for refusing an exit where no position was open to sell

Lines = Callable[[Texts], list[Html]]


class LedgerOutageJob:
    """Checks once a second. Also an Observer: commits just after the outage show what became of the exits."""

    def __init__(
        self,
        ready: Callable[[], tuple[bool, str]],
        say: Callable[[Lines], Coroutine[Any, Any, None]],
        emit: Callable[[Event], None],
        clock: Clock,
        *,
        held: Callable[[], Sequence[str]],
        is_read: Callable[[], bool],
    ) -> None:
        """Takes `say`, which alerts the owner without the ledger, and `emit`, which does so through it; `held` returns the
        symbols of the open positions; `is_read` tells whether everything has been read and handled."""
        self._ready = ready
        self._say = say
        self._emit = emit
        self._clock = clock
        self._held = held
        self._is_read = is_read
        self._away: tuple[float, datetime] | None = None
        self._back: tuple[float, datetime] | None = None
        self._word = ""
        self._say_at = 0.0
        self._saying: asyncio.Task[None] | None = None
        self._since: datetime | None = None
        self._exits: list[ExitOfOutage] = []

    async def run(self) -> None:
        """Checks the ledger and sends the alerts that are due."""
        well, word = self._ready()
        now = self._clock.monotonic()
        if not well:
            self._go_on_away(now, word)
        elif self._away is not None:
            self._come_back(now, now - self._away[0])
        elif self._back is not None:
            self._report_exits(*self._back, now)

    def committed(self, batch: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        """Notes each exit that arrived while the ledger was away."""
        for event in batch.events if self._since is not None else ():
            match event:
                case OrderExecuted(order):
                    self._note(order.signal, "sold", None)
                case OrderFailed(order):
                    self._note(order.signal, "failed", order.reason)
                case SignalRefused(signal, _, why) if why.code not in _NO_LOSS:
                    self._note(signal, "refused", why)

    def _note(self, signal: Signal, became: str, why: Reason | None) -> None:
        if signal.side is Side.SELL and (self._back is None or signal.ts <= self._back[1]):
            self._exits.append(ExitOfOutage(signal, became, why))

    def _go_on_away(self, now: float, word: str) -> None:
        if self._away is None:
            self._away = now, self._clock.now()
            self._since = self._since or self._away[1]
            self._say_at = now + SAY_SECONDS
        self._word = word
        if now >= self._say_at and (self._saying is None or self._saying.done()):
            since, held = self._away[1], tuple(self._held())
            self._saying = asyncio.create_task(self._say(lambda texts: _away_lines(word, since, held, texts)), name="direct word")
            self._say_at = now + AGAIN_SECONDS

    def _come_back(self, now: float, away: float) -> None:
        self._away = None
        if self._saying is not None:
            self._saying.cancel()  # it would arrive too late to be true
            self._saying = None
        if away < SHORT_SECONDS:
            if self._back is None:
                self._since, self._exits = None, []
            return
        self._back = now, self._clock.now()
        trouble = f"It could not be written for {away:.0f} s ({self._word})."
        self._emit(PartTroubled("ledger", recovered=True, detail=f"{trouble} Nothing was traded meanwhile."))

    def _report_exits(self, back: float, until: datetime, now: float) -> None:
        """Reports the exits once everything that arrived during the outage is handled."""
        waited = now - back
        if waited < _CALM_SECONDS or (not self._is_read() and waited < _LONGEST_SECONDS):
            return
        if self._exits and self._since is not None:
            self._emit(OutageOver("ledger", self._since, until, tuple(self._exits)))
        self._since, self._back, self._exits = None, None, []


def end_lines(error: BaseException, who: str, texts: Texts) -> list[Html]:
    """Returns the lines saying that the process `who` ends by itself, and why. The text of an error that is not ours may
    contain anything, so it is left out."""
    if isinstance(error, LeaseLost):
        key = "end.set_back" if isinstance(error, LedgerSetBack) else "end.taken_over"
        return [texts(key, who=short(who, 160))]
    why = str(error) if isinstance(error, MarketFlowError) else type(error).__name__
    return [texts("ended"), texts("part.detail", detail=short(why, 300)), texts("ended.next")]


def _away_lines(word: str, since: datetime, held: Sequence[str], texts: Texts) -> list[Html]:
    lines = [
        texts("ledger_away"),
        texts("part.detail", detail=short(word, 300)),
        texts("ledger_away.since", time=texts.exact_time(since)),
    ]
    if held:
        lines.append(texts("ledger_away.held", symbols=", ".join(held)))
    return [*lines, texts("ledger_away.next")]
