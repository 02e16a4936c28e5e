"""Sources of signals, and what they deliver to."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from core.domain.messages import DeadLetter, Message, SourcePosition


class SignalSource(Protocol):
    """Where signals come from."""

    async def run(self) -> None:
        """Feeds the inbox until cancelled; connects again by itself."""
        ...

    @property
    def ready(self) -> tuple[bool, str]:
        """Whether it is reading, and a word on its state."""
        ...


Deliver = Callable[
    [Sequence[Message], Sequence[DeadLetter], SourcePosition | None],
    Awaitable[None],
]
"""What a source calls with what it read: returns once all of it is stored, and waits while the inbox is full."""
