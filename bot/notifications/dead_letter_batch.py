"""Unreadable records, gathered: ten thousand are one message. Later counts of the same problems are put into it for ten minutes;
a problem of another kind is worth a message that makes a sound."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.texts import Texts
from bot.views.chat_message import ChatMessage
from bot.views.rejected_records import dead_letters
from core.domain.events import DeadLettersFound, OutboxItem
from core.domain.record_problems import ProblemKind, kinds_of, merged
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
    kinds: tuple[ProblemKind, ...]
    message_id: int | None


class DeadLetterBatch:
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
        """All that is held, added to what the last message told where that is less than ten minutes old: into that message,
        unless there is a problem of a kind that it does not name."""
        earlier = self._told if self._clock.monotonic() - self._told_at < _ONE_MESSAGE else None
        events = [self._held[seq] for seq in sorted(self._held)]
        new = merged(kind for event in events for kind in _kinds(event))
        first, count, kinds, message_id = events[0], sum(event.count for event in events), new, None
        if earlier is not None:
            first, count, kinds = earlier.first, earlier.count + count, merged((*earlier.kinds, *new))
            known = {kind.key for kind in earlier.kinds}
            message_id = self._told_id if all(kind.key in known for kind in new) else None
        message = ChatMessage("\n".join(dead_letters(count, first, kinds, texts)))
        return News(message, tuple(self._held), count, first, kinds, message_id)

    def told(self, news: News, message_id: int) -> None:
        """Marks them as told by that message."""
        if message_id != self._told_id:
            self._told_at = self._clock.monotonic()
        self._told, self._told_id = news, message_id
        self._held = {}


def _kinds(event: DeadLettersFound) -> tuple[ProblemKind, ...]:
    """Events of former versions name the first problem alone."""
    (first,) = kinds_of([event.sample])
    return event.kinds or (replace(first, count=event.count),)
