"""Signals that could not be stored and whose sender was asked to retry: reports those that never come back."""

from collections.abc import Callable, Sequence

from core.domain.arrival import Arrival
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, SignalReceived, StoredMessage
from core.domain.position import Position
from core.domain.reasons import reason
from core.domain.signal import Signal
from core.domain.signal_conflict import refused_unseen
from core.domain.strategy_book import StrategyBook
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch

PATIENCE_SECONDS = 60.0
"""Seconds since the last attempt: TradingView retries for some seconds."""
_MOST = 1_000

_Words = tuple[str, str, str]


class UndeliveredSignals:
    """Remembers them until they are stored, or it is too late. An Observer."""

    def __init__(self, emit: Callable[[Event], None], clock: Clock, position: Callable[[StrategyBook], Position]) -> None:
        """Takes `position`, which returns a book's position."""
        self._emit = emit
        self._position = position
        self._clock = clock
        self._waiting: dict[_Words, tuple[float, Signal]] = {}

    def note(self, signal: Signal) -> None:
        """Notes that this signal was not stored."""
        self._waiting[_words(signal)] = self._clock.monotonic(), signal
        if len(self._waiting) > _MOST:
            self._give_up(next(iter(self._waiting)))

    def committed(self, batch: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        """Forgets those that came again."""
        for each in stored if self._waiting else ():
            if isinstance(each, StoredMessage) and isinstance(each.message.body, SignalReceived):
                self._waiting.pop(_words(each.message.body.signal), None)

    async def run(self) -> None:
        """Reports those that it is too late for."""
        now = self._clock.monotonic()
        for words in [words for words, (at, _) in self._waiting.items() if now - at >= PATIENCE_SECONDS]:
            self._give_up(words)

    def _give_up(self, words: _Words) -> None:
        _, signal = self._waiting.pop(words)
        self._emit(refused_unseen(signal, "turned_back", reason("turned_back"), self._position(signal.book)))


def _words(signal: Signal) -> _Words:
    """Returns the fields that identify it: its id may be new when it is sent again."""
    return signal.signal_type, signal.symbol, str(signal.close)
