"""Rate limits of messages, in each chat and in all chats together."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.ports.clock import Clock

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
CHAT_SECONDS = 1.0
GROUP_SECONDS = 3.0
ALL_SECONDS = 1 / 30
_LOOK_SECONDS = 0.1
_YIELD_SECONDS = 5.0  # an answer that Telegram does not accept delays alerts for no longer


class RateLimiter:
    """Lets one message through per interval; where it is part of a `whole`, that limit applies as well."""

    def __init__(self, clock: Clock, seconds: float, whole: "RateLimiter | None" = None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._whole = whole
        self._free_at = clock.monotonic()
        self._answering = 0
        self._yields_until = self._free_at

    async def free(self) -> None:
        """Returns when a message may go, and takes nothing. Answers to people go first, for some seconds."""
        while (wait := max(self.wait, self._whole.wait if self._whole is not None else 0.0)) > 0 or self._yields:
            await self._clock.sleep(max(wait, _LOOK_SECONDS))

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Marks that a person is being answered, at once: everything else waits for it."""
        self._answering += 1
        self._yields_until = self._clock.monotonic() + _YIELD_SECONDS
        try:
            yield
        finally:
            self._answering -= 1
            self.count()

    @property
    def _yields(self) -> bool:
        return self._answering > 0 and self._clock.monotonic() < self._yields_until

    async def take(self) -> None:
        """Returns when this message may go, and counts it."""
        await self.free()
        self.count()
        if self._whole is not None:
            self._whole.count()

    @property
    def wait(self) -> float:
        """Returns the seconds until a message may go."""
        return self._free_at - self._clock.monotonic()

    def count(self) -> None:
        """Counts a message that goes now."""
        self._free_at = self._clock.monotonic() + self._seconds


class RateLimiters:
    """Rate limiters: one for each chat, and one for all of them together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._whole = RateLimiter(clock, ALL_SECONDS)
        self._of: dict[int, RateLimiter] = {}

    def of(self, chat_id: int) -> RateLimiter:
        """Returns that of a chat; a group's is slower: ids of groups are negative."""
        if chat_id not in self._of:
            self._of[chat_id] = RateLimiter(self._clock, GROUP_SECONDS if chat_id < 0 else CHAT_SECONDS, self._whole)
        return self._of[chat_id]
