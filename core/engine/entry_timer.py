"""Watches entries that rest: each is taken off when its time is over, or when nothing more is to be bought there."""

from core.domain.messages import Message
from core.domain.order import Order
from core.domain.order_messages import EntryDue
from core.domain.reasons import Reason
from core.domain.signal import Side
from core.execution.due_messages import DueMessages, Put
from core.execution.resting_entries import RestingEntries
from core.ports.clock import Clock
from core.state.portfolio import Portfolio

SOURCE = "entry"

_AGAIN_SECONDS = 5.0
"""An entry that is to be taken off is looked at again after this, if the last look changed nothing."""


class EntryTimer:
    """Looks at every entry that rests. What is due is stored as a message, so that a restart finishes it."""

    def __init__(self, portfolio: Portfolio, entries: RestingEntries, put: Put, clock: Clock) -> None:
        """Builds the timer. `put` stores messages, each once by its identity; it raises LedgerUnavailable."""
        self._portfolio = portfolio
        self._entries = entries
        self._due = DueMessages(put)
        self._clock = clock

    async def run(self) -> None:
        """Runs once. An entry that is being taken off rests no longer."""
        resting = [order for order in self._portfolio.resting.values() if order.side is Side.BUY]
        ending = [(order, why) for order in resting if (why := self._entries.why_ends(order)) is not None]
        messages = [self._message(order, why) for order, why in ending]
        await self._due.store(messages, failed="an entry cannot be taken off yet")

    def _message(self, order: Order, why: Reason) -> Message:
        now, name = self._clock.now(), order.client_order_id
        span = int(now.timestamp() // _AGAIN_SECONDS)
        return Message(SOURCE, f"{name}:{why.code}:{span}", order.symbol, EntryDue(name), now)
