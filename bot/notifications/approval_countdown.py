"""Countdowns of open approvals: the current price and the time left, shown by edits and not by new messages."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from bot.texts import Texts
from bot.views.approval import Live, asked_lines
from bot.views.chat_message import ChatMessage, Keyboard
from core.domain.approval import Approval
from core.domain.events.approvals import ApprovalRequested
from core.domain.instrument import Quote
from core.ports.clock import Clock

_EVERY, _EVERY_AT_LAST = 15.0, 5.0  # seconds
_AT_LAST = 30.0  # seconds before the end
_FRESH = timedelta(seconds=15)  # an older price is not current


@dataclass(slots=True)
class _Question:
    event: ApprovalRequested
    message_id: int
    keyboard: Keyboard
    next_at: float


class ApprovalCountdown:
    """The open questions of one chat that this process has asked; those asked before a restart keep showing their time of day."""

    def __init__(self, clock: Clock, quote: Callable[[str], Quote | None]) -> None:
        """Takes `quote`, which returns a symbol's current quote."""
        self._clock = clock
        self._quote = quote
        self._open: dict[str, _Question] = {}

    def began(self, event: ApprovalRequested, message_id: int, keyboard: Keyboard) -> None:
        """Starts the countdown of a question asked by this message."""
        question = _Question(event, message_id, keyboard, self._clock.monotonic() + _EVERY)
        self._open[event.approval.token] = question

    def ended(self, token: str) -> None:
        """Ends the countdown: it is answered, withdrawn or out of time."""
        self._open.pop(token, None)

    def gone(self, message_id: int) -> None:
        """Ends the countdown of a message that somebody deleted."""
        self._open = {token: one for token, one in self._open.items() if one.message_id != message_id}

    def live(self, approval: Approval) -> Live:
        """Returns the last known price and the time left."""
        now = self._clock.now()
        quote = self._quote(approval.signal.symbol)
        known = quote is not None and quote.is_fresh(now, _FRESH)
        left = (approval.expires_at - now).total_seconds()
        return Live(quote.price_for(approval.side) if quote is not None and known else None, ceil(left))

    def due_in(self) -> float | None:
        """Returns the seconds until the next edit; None where no question is open."""
        if not self._open:
            return None
        return max(min(one.next_at for one in self._open.values()) - self._clock.monotonic(), 0.0)

    def take(self, texts: Texts) -> tuple[int, ChatMessage] | None:
        """Returns the next message to edit and its new content. An expired question waits for its record."""
        now = self._clock.monotonic()
        for token, question in list(self._open.items()):
            if question.next_at > now:
                continue
            approval = question.event.approval
            left = (approval.expires_at - self._clock.now()).total_seconds()
            if left <= 0:
                del self._open[token]
                continue
            question.next_at = now + (_EVERY if left > _AT_LAST + _EVERY else _EVERY_AT_LAST)
            lines = asked_lines(question.event, texts, self.live(approval))
            return question.message_id, ChatMessage("\n".join(lines), question.keyboard)
        return None
