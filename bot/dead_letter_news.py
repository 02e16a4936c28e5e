"""Unreadable records, gathered: ten thousand are one message. At most one in ten minutes; later counts are put into it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.message import ChatMessage
from bot.render import dead_letters
from bot.texts import Texts
from core.domain.events import DeadLettersFound, OutboxItem
from core.ports import Clock

_QUIET = 2.0  # seconds without a new one
_LONGEST = 30.0  # seconds that the first one waits at most
_ONE_MESSAGE = 600.0  # seconds in which there is no second message


@dataclass(frozen=True, slots=True)
class News:
    """What to tell: as an edit of `message_id` where that is given. `seqs` are the events that are told by it."""

    message: ChatMessage
    seqs: tuple[int, ...]
    count: int
    first: DeadLettersFound
    message_id: int | None


class DeadLetterNews:
    """The events that are held back until it is quiet, and the message that told the last ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[int, DeadLettersFound] = {}
        self._first_at = 0.0
        self._last_at = 0.0
        self._told: News | None = None
        self._told_id = 0
        self._told_at = 0.0

    @property
    def held(self) -> int:
        return len(self._held)

    def hold(self, items: Sequence[OutboxItem]) -> None:
        """Takes all that wait now."""
        now = self._clock.monotonic()
        letters = {item.seq: item.event for item in items if isinstance(item.event, DeadLettersFound)}
        if not self._held:
            self._first_at = now
        if letters.keys() - self._held.keys():
            self._last_at = now
        self._held = letters

    def due_in(self) -> float | None:
        """Seconds until they are to be told; None where there are none."""
        if not self._held:
            return None
        due = min(self._last_at + _QUIET, self._first_at + _LONGEST)
        return max(due - self._clock.monotonic(), 0.0)

    def take(self, texts: Texts) -> News:
        """All that is held, added to what the last message told where that is less than ten minutes old."""
        earlier = self._told if self._clock.monotonic() - self._told_at < _ONE_MESSAGE else None
        first = earlier.first if earlier is not None else self._held[min(self._held)]
        count = sum(event.count for event in self._held.values()) + (earlier.count if earlier is not None else 0)
        message = ChatMessage("\n".join(dead_letters(count, first, texts)))
        return News(message, tuple(self._held), count, first, self._told_id if earlier is not None else None)

    def told(self, news: News, message_id: int) -> None:
        """Marks them as told by that message."""
        if message_id != self._told_id:
            self._told_at = self._clock.monotonic()
        self._told, self._told_id = news, message_id
        self._held = {}
