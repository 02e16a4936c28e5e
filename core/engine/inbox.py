"""The inbox: stored, ordered, one mailbox per symbol. Every message is stored before anything is done about it, and handled once,
in turn. One that waits for nothing is stored with its outcome."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from core.domain.arrival import Arrival
from core.domain.errors import LeaseLost
from core.domain.events.intake import DeadLettersFound
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition, StoredMessage, Unstored
from core.domain.record_problems import kinds_of
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.records.message_outcome import MessageOutcome

log = structlog.get_logger(__name__)

CAPACITY = 2_000
CONTROLS = ""
"""The mailbox of messages that concern no single symbol."""


def beside(symbol: str) -> str:
    """Returns the mailbox of commands about a symbol's order while that order has its turn. Such a command may wait for the
    exchange, which must not delay a pause."""
    return f"beside {symbol}"


Handle = Callable[[StoredMessage], Awaitable[MessageOutcome]]
Work = Callable[[], Awaitable[object]]
IsAtHand = Callable[[Message], bool]
_Found = asyncio.Future[bool]


def _unasked(_: int) -> None:
    """Waits for no outcome."""


class Inbox:
    """Accepts messages from every source and passes each to `handle` when the previous one in its mailbox is settled.

    Until `start` it only stores messages about symbols: those of a former process come first.
    """

    def __init__(
        self,
        ledger: Ledger,
        handle: Handle,
        clock: Clock,
        *,
        capacity: int = CAPACITY,
        is_at_hand: IsAtHand = lambda _: False,
    ) -> None:
        """Builds the inbox. `capacity` is how many messages may wait; a source that brings more waits itself, and nothing is
        dropped. `is_at_hand` tells whether `handle` waits for nothing before it commits a message's outcome."""
        self._ledger = ledger
        self._handle = handle
        self._clock = clock
        self._capacity = capacity
        self._is_at_hand = is_at_hand
        self._mailboxes: dict[str, deque[Work]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._answers: dict[int, asyncio.Future[MessageOutcome]] = {}
        self._waiting = 0
        self._room = asyncio.Condition()
        self._early: list[StoredMessage] | None = []  # arrived before the start
        self._pending: dict[tuple[str, str], StoredMessage] = {}  # waiting in a mailbox
        self._handled_early: set[int] = set()
        self._storing: set[asyncio.Task[Sequence[Arrival]]] = set()
        self._deciding: set[_Found] = set()
        self._open = True
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __len__(self) -> int:
        return self._waiting

    async def deliver(
        self, messages: Sequence[Message], dead: Sequence[DeadLetter] = (), position: SourcePosition | None = None
    ) -> None:
        """Returns once all of it is stored. Raises LedgerUnavailable: then none of it was, and it must be delivered again.

        Whoever brings a `position` has the record until that is stored. So a message that comes alone and finds its mailbox idle
        is decided first, and stored with the position by the commit of its outcome.
        """
        arrived = self._clock.monotonic()
        async with self._room:
            await self._room.wait_for(lambda: self._waiting < self._capacity)
        if position is not None and len(messages) == 1 and not dead and await self._decide(messages[0], position, arrived):
            return
        await self._store(messages, dead, position)

    async def _decide(self, message: Message, position: SourcePosition, arrived: float) -> bool:
        """Handles a message in its mailbox, if nothing else is there, before it is stored. Returns True once it is, False if it
        was not: then nothing was done about it."""
        if not self._open or self.is_busy(message.mailbox):
            return False
        found: _Found = asyncio.get_running_loop().create_future()
        self._deciding.add(found)
        found.add_done_callback(self._deciding.discard)
        self._put(message.mailbox, partial(self._handle_first, message, position, arrived, found))
        return await found

    async def _handle_first(self, message: Message, position: SourcePosition, arrived: float, found: "_Found") -> None:
        unstored = Unstored(position, partial(_answer, found, is_stored=True))
        try:
            if self._is_at_hand(message):
                await self._handle(StoredMessage(self._ledger.next_seq(), message, arrived, self._clock.monotonic(), unstored))
        except LeaseLost:
            raise
        except Exception as error:
            if unstored.is_stored:
                raise
            log.info("not decided before it is stored", source_id=message.source_id, error=str(error))
        finally:
            _answer(found, is_stored=unstored.is_stored)

    async def submit(self, message: Message) -> Arrival:
        """Returns what became of the message once it is stored, or that its identity is known already. Raises
        LedgerUnavailable: then nothing was stored.

        A caller that stops waiting leaves it either not stored or stored and in its turn.
        """
        async with self._room:
            await self._room.wait_for(lambda: self._waiting < self._capacity)
        storing = asyncio.create_task(self._store([message], (), None), name="submit")
        self._storing.add(storing)
        storing.add_done_callback(self._storing.discard)
        (stored,) = await asyncio.shield(storing)
        return stored

    async def ask(self, message: Message) -> MessageOutcome | None:
        """Stores one message and returns its outcome; None if it was known already. Raises LedgerUnavailable."""
        (answer,) = await self.ask_all([message])
        return await asyncio.shield(answer) if answer is not None else None

    async def ask_all(self, messages: Sequence[Message]) -> Sequence["asyncio.Future[MessageOutcome] | None"]:
        """Stores all of them in one commit, or none. Returns for each a future of its outcome, None if it was known already.
        Raises LedgerUnavailable."""
        loop = asyncio.get_running_loop()
        answers: dict[int, asyncio.Future[MessageOutcome]] = {}

        def expect(seq: int) -> None:
            answers[seq] = self._answers[seq] = loop.create_future()

        stored = await self._store(messages, (), None, expect)
        return [answers[one.seq] if isinstance(one, StoredMessage) else None for one in stored]

    async def _store(
        self,
        messages: Sequence[Message],
        dead: Sequence[DeadLetter],
        position: SourcePosition | None,
        expect: Callable[[int], None] = _unasked,
    ) -> Sequence[Arrival]:
        """Stores the messages and puts them into their mailboxes at the commit: in the order of commits, whoever runs first
        afterwards, and also if the caller has stopped waiting. `expect` is told the number of each before."""
        arrived = self._clock.monotonic()
        events: list[Event] = [DeadLettersFound(len(dead), dead[0], kinds_of(dead))] if dead else []

        def taken(arrivals: Sequence[Arrival]) -> None:
            self.take(arrivals, arrived=arrived, expect=expect)

        results = await self._ledger.store(messages, dead=dead, position=position, events=events, taken=taken)
        for message, result in zip(messages, results, strict=True):
            if result is None:
                log.info("repeated; ignored", source=message.source, signal_id=message.source_id)
        return results

    def take(
        self, arrivals: Sequence[Arrival], *, arrived: float | None = None, expect: Callable[[int], None] = _unasked
    ) -> None:
        """Puts messages that were just stored into their mailboxes; they had `arrived` (monotonic seconds), or have now."""
        now = self._clock.monotonic()
        arrived = now if arrived is None else arrived
        new = [replace(one, arrived=arrived, stored=now) for one in arrivals if isinstance(one, StoredMessage)]
        for one in new:
            expect(one.seq)
        self._take(new)

    def start_controls(self, waiting: Sequence[StoredMessage]) -> None:
        """Starts the mailbox of messages that concern no single symbol: a pause must not wait for the exchange."""
        for message in waiting:
            if message.message.mailbox == CONTROLS:
                self._put(CONTROLS, partial(self._handle_one, message))

    def start(self, unsettled: Sequence[tuple[str, Work]], waiting: Sequence[StoredMessage]) -> None:
        """Starts the symbols' mailboxes: each handles first what `unsettled` names for it, then what was `waiting` in the ledger,
        then what has arrived since."""
        early, self._early = self._early or [], None
        self._waiting -= len(early)
        for mailbox, work in unsettled:
            self._put(mailbox, work)
        self._take([*(message for message in waiting if message.message.mailbox != CONTROLS), *early])

    async def handle_now(self, message: Message) -> MessageOutcome | None:
        """Stores a message and handles it at once, for a caller that has its mailbox's turn; if it waits there already it is not
        handled again. None if it was handled before. Raises LedgerUnavailable."""
        (new,) = await self._ledger.store([message])
        known = self._pending.get((message.source, message.source_id))
        stored = new if isinstance(new, StoredMessage) else known
        if stored is None:
            return None
        self._handled_early.add(stored.seq)
        return await self._handle(stored)

    def also(self, mailbox: str, work: Work) -> bool:
        """Puts transient work into a mailbox: it is done in its turn, or not at all. Returns False before the start: then it is
        not."""
        if self._early is None:
            self._put(mailbox, work)
        return self._early is None

    def is_busy(self, mailbox: str) -> bool:
        """Tells whether anything waits or runs there; True before the start, when nobody knows what will."""
        return self._early is not None or mailbox in self._mailboxes

    def is_waiting(self, message: Message) -> bool:
        """Tells whether a message of that identity is stored and its turn has not come."""
        return (message.source, message.source_id) in self._pending

    def _take(self, stored: Sequence[StoredMessage]) -> None:
        for message in stored:
            self._pending[message.message.source, message.message.source_id] = message
            if self._early is not None and message.message.mailbox != CONTROLS:
                self._early.append(message)
                self._waiting += 1
            else:
                self._put(message.message.mailbox, partial(self._handle_one, message))

    def _put(self, mailbox: str, work: Work) -> None:
        self._mailboxes.setdefault(mailbox, deque()).append(work)
        self._waiting += 1
        if self._open and mailbox not in self._workers:
            self._workers[mailbox] = asyncio.create_task(self._work(mailbox), name=f"mailbox {mailbox or 'of controls'}")

    async def _work(self, mailbox: str) -> None:
        waiting = self._mailboxes[mailbox]
        try:
            while waiting and self._open:
                # A worker's context lives as long as its mailbox is busy: bind anew for each message.
                structlog.contextvars.clear_contextvars()
                await waiting[0]()
                waiting.popleft()
                self._waiting -= 1
                async with self._room:
                    self._room.notify_all()
        except Exception as error:  # noqa: BLE001 - whatever it is, this symbol must not go on as if nothing had happened
            if not self.failure.done():
                self.failure.set_exception(error)
        finally:
            del self._workers[mailbox]
            if not waiting:
                self._mailboxes.pop(mailbox, None)

    async def _handle_one(self, stored: StoredMessage) -> None:
        self._pending.pop((stored.message.source, stored.message.source_id), None)
        if stored.seq in self._handled_early:
            self._handled_early.discard(stored.seq)
            return
        outcome = await self._handle(stored)
        answer = self._answers.pop(stored.seq, None)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    async def close(self) -> None:
        """Accepts no new work, and returns when the work in progress is settled. What waits stays stored for the next start."""
        self._open = False
        if self._storing:
            await asyncio.wait(list(self._storing))
        if self._workers:
            await asyncio.wait(list(self._workers.values()))
        for found in list(self._deciding):
            _answer(found, is_stored=False)
        for answer in self._answers.values():
            answer.cancel()
        if not self.failure.done():
            self.failure.cancel()


def _answer(found: _Found, *, is_stored: bool) -> None:
    """Tells a source whether its message is stored, unless it waits no longer."""
    if not found.done():
        found.set_result(is_stored)
