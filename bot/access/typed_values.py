"""Values that people are about to type: the next plain message of a person completes a command. Kept in memory: after a restart
the person taps again."""

from dataclasses import dataclass

from core.ports.clock import Clock

SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A command that lacks its last words until `until`, in monotonic seconds; its answer takes the place of the message
    `message_id`, or is a new one where there is none."""

    command: str
    message_id: int | None
    until: float


class TypedValues:
    """The values that are waited for: one of each person in each chat, the last that was asked for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._awaited: dict[tuple[int, int], TypedValue] = {}

    def wait(self, user_id: int, chat_id: int, command: str, message_id: int | None) -> float:
        """Takes the person's next plain message in the chat as the rest of `command`; returns until when (monotonic seconds)."""
        until = self._clock.monotonic() + SECONDS
        self._awaited[user_id, chat_id] = TypedValue(command, message_id, until)
        return until

    def take(self, user_id: int, chat_id: int) -> TypedValue | None:
        """Ends the wait; returns what was waited for, None if nothing was, or for too long."""
        found = self._awaited.pop((user_id, chat_id), None)
        return found if found is not None and self._clock.monotonic() < found.until else None
