"""Low-priority questions: asked again when the exchange, or our own rate limit budget, has room for them."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.domain.errors import ExchangeUnavailable
from core.ports.clock import Clock

T = TypeVar("T")

ATTEMPTS = 5


class SpareCapacity:
    """Asks one question at a time. Calls `waits` with the seconds of each pause."""

    def __init__(self, clock: Clock, waits: Callable[[float], None] = lambda seconds: None) -> None:
        self._clock = clock
        self._waits = waits

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Returns the answer to `question`. Raises ExchangeUnavailable if no wait was asked for, or too often."""
        for _ in range(ATTEMPTS - 1):
            try:
                return await question()
            except ExchangeUnavailable as error:
                if not error.retry_after:
                    raise
                self._waits(error.retry_after)
                await self._clock.sleep(error.retry_after)
        return await question()
