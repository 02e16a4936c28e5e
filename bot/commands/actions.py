"""The one way that a command changes anything: a message put into the inbox."""

import asyncio
from dataclasses import dataclass
from enum import Enum

import structlog

from bot.commands.caller import Caller
from core.domain.errors import LedgerUnavailable
from core.domain.messages import Body, Message
from core.domain.signal import BY_HAND
from core.engine.inbox import Inbox
from core.execution.decision_service import DecisionService
from core.ports.clock import Clock
from core.records.message_outcome import MessageOutcome

log = structlog.get_logger(__name__)

ASK_SECONDS = 5.0


class Trouble(Enum):
    """Reasons for no outcome: still in progress, stopping, nothing stored, or the same request was made before."""

    PENDING = "answer.pending"
    STOPPING = "answer.stopping"
    LEDGER = "answer.ledger"
    KNOWN = ""


@dataclass(frozen=True, slots=True)
class Actions:
    """Previews and queues requests. `patience` is how many seconds an answer waits for the outcome of a request."""

    inbox: Inbox
    decisions: DecisionService
    clock: Clock
    patience: float = ASK_SECONDS

    async def put(self, caller: Caller, body: Body, mailbox: str = "") -> MessageOutcome | Trouble:
        """Puts the caller's request into the inbox and returns its outcome, or Trouble when there is none within `patience`."""
        return await self.put_as(caller.source_id, body, mailbox)

    async def put_as(self, source_id: str, body: Body, mailbox: str = "") -> MessageOutcome | Trouble:
        """Does the same under another identity than that of the last message or tap."""
        message = Message(BY_HAND, source_id, mailbox, body, self.clock.now())
        asking = asyncio.create_task(self.inbox.ask(message), name=f"ask {source_id}")
        asking.add_done_callback(_look_at)
        timer = asyncio.create_task(self.clock.sleep(self.patience), name="ask timeout")
        try:
            await asyncio.wait({asking, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not asking.done():
            return Trouble.PENDING  # it is stored or about to be, and done in its turn
        if asking.cancelled():
            return Trouble.STOPPING
        try:
            return asking.result() or Trouble.KNOWN
        except LedgerUnavailable as error:
            log.warning("a request of the chat could not be stored", error=str(error))
            return Trouble.LEDGER


def _look_at(task: "asyncio.Task[MessageOutcome | None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.debug("an answer came as an error", error=str(task.exception()))
