"""How fast messages may go: so many a second in a chat, and in all chats together."""

from core.ports import Clock

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
CHAT_SECONDS = 1.0
GROUP_SECONDS = 3.0
ALL_SECONDS = 1 / 30


class Pace:
    """Lets one through every so many seconds; where it is part of a `whole`, so does that."""

    def __init__(self, clock: Clock, seconds: float, whole: "Pace | None" = None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._whole = whole
        self._free_at = clock.monotonic()

    async def free(self) -> None:
        """Returns when one may go, and takes nothing."""
        while (wait := max(self.wait, self._whole.wait if self._whole is not None else 0.0)) > 0:
            await self._clock.sleep(wait)

    async def take(self) -> None:
        """Returns when this one may go."""
        await self.free()
        self.book()
        if self._whole is not None:
            self._whole.book()

    @property
    def wait(self) -> float:
        """Seconds until one may go."""
        return self._free_at - self._clock.monotonic()

    def book(self) -> None:
        """Notes that one goes now."""
        self._free_at = self._clock.monotonic() + self._seconds
