"""Sources of signals, and what they deliver to."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from core.domain.messages import DeadLetter, Message, SourcePosition


class SignalSource(Protocol):
    """A source of signals."""

    async def run(self) -> None:
        """Feeds the inbox until cancelled; reconnects by itself."""
        ...

    @property
    def name(self) -> str:
        """Returns the source name that its signals carry."""
        ...

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether it is reading, and a word on its state."""
        ...


Deliver = Callable[
    [Sequence[Message], Sequence[DeadLetter], SourcePosition | None],
    Awaitable[None],
]
"""Called by a source with what it read: returns once all of it is stored, and waits while the inbox is full."""
