"""Batches unreadable records: ten thousand become one message. Later counts of the same problems are edited into it for ten
minutes; a new kind of problem is worth a message that makes a sound."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.texts import Texts
from bot.views.chat_message import ChatMessage
from bot.views.rejected_records import dead_letters
from core.domain.events.intake import DeadLettersFound
from core.domain.outbox_item import OutboxItem
from core.domain.record_problems import ProblemKind, kinds_of, merged
from core.ports.clock import Clock

_QUIET = 2.0  # seconds without a new one
_LONGEST = 30.0  # seconds that the first one waits at most
_ONE_MESSAGE = 600.0  # seconds within which no second message is sent


@dataclass(frozen=True, slots=True)
class BatchMessage:
    """A message to send: an edit of `message_id` where that is given. `seqs` are the events that it covers."""

    message: ChatMessage
    seqs: tuple[int, ...]
    count: int
    first: DeadLettersFound
    kinds: tuple[ProblemKind, ...]
    message_id: int | None


class DeadLetterBatch:
    """The events that wait until no more arrive, and the message that reported the last ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, DeadLettersFound] = {}
        self._first_at = 0.0
        self._last_at = 0.0
        self._sent: BatchMessage | None = None
        self._sent_id = 0
        self._sent_at = 0.0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def replace_waiting(self, items: Sequence[OutboxItem]) -> None:
        """Replaces the waiting events."""
        now = self._clock.monotonic()
        letters = {item.seq: item.event for item in items if isinstance(item.event, DeadLettersFound)}
        if not self._waiting:
            self._first_at = now
        if letters.keys() - self._waiting.keys():
            self._last_at = now
        self._waiting = letters

    def due_in(self) -> float | None:
        """Returns the seconds until they are due; None where there are none."""
        if not self._waiting:
            return None
        due = min(self._last_at + _QUIET, self._first_at + _LONGEST)
        return max(due - self._clock.monotonic(), 0.0)

    def take(self, texts: Texts) -> BatchMessage:
        """Takes all waiting events, added to those of the last message where that is less than ten minutes old: as an edit of
        it, unless there is a problem of a kind that it does not name."""
        earlier = self._sent if self._clock.monotonic() - self._sent_at < _ONE_MESSAGE else None
        events = [self._waiting[seq] for seq in sorted(self._waiting)]
        new = merged(kind for event in events for kind in _kinds(event))
        first, count, kinds, message_id = events[0], sum(event.count for event in events), new, None
        if earlier is not None:
            first, count, kinds = earlier.first, earlier.count + count, merged((*earlier.kinds, *new))
            known = {kind.key for kind in earlier.kinds}
            message_id = self._sent_id if all(kind.key in known for kind in new) else None
        message = ChatMessage("\n".join(dead_letters(count, first, kinds, texts)))
        return BatchMessage(message, tuple(self._waiting), count, first, kinds, message_id)

    def sent(self, batch_message: BatchMessage, message_id: int) -> None:
        """Marks them as reported by that message."""
        if message_id != self._sent_id:
            self._sent_at = self._clock.monotonic()
        self._sent, self._sent_id = batch_message, message_id
        self._waiting = {}


def _kinds(event: DeadLettersFound) -> tuple[ProblemKind, ...]:
    """Returns the kinds of problem; events of earlier versions name only the first."""
    (first,) = kinds_of([event.sample])
    return event.kinds or (replace(first, count=event.count),)
