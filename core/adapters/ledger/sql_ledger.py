"""The ledger in a SQL database: the Ledger and Outbox ports, and what else is stored beside them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from core.adapters.ledger import codec, outbox_queries
from core.adapters.ledger.codec import storable
from core.adapters.ledger.conflicts import key_of
from core.adapters.ledger.engines import Transactions
from core.adapters.ledger.lease import BEAT_SECONDS, Lease
from core.adapters.ledger.reader import LedgerReader, among
from core.adapters.ledger.row import Row
from core.adapters.ledger.row_batch import RowBatch, batch_of_arrivals, batch_of_stranger, row_batch_of
from core.adapters.ledger.tables import (
    account_tables,
    notification_tables,
    order_tables,
    result_tables,
    signal_tables,
    upkeep_tables,
)
from core.adapters.ledger.tables.registry import TABLES
from core.adapters.ledger.trading_record import trading_record
from core.adapters.ledger.transaction import Written
from core.adapters.ledger.writer import Writer
from core.domain.arrival import Arrival
from core.domain.daily_proof import Proved
from core.domain.delivery import Delivery, DeliveryCursor
from core.domain.errors import LedgerUnavailable
from core.domain.events.access import StrangerSeen
from core.domain.events.daily_proof import DayProved, DayUnproved
from core.domain.events.priority import Priority
from core.domain.events.table import Event
from core.domain.instrument import Quote
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition, StoredMessage
from core.domain.order import Fill, Order
from core.domain.outbox_item import OutboxItem
from core.domain.signal import Signal
from core.domain.signal_conflict import Conflict
from core.ports.clock import Clock
from core.ports.ledger import Taken, ignored
from core.ports.observer import Observer
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState

_SOON_SECONDS = 0.5
_BEFORE = ""  # the reader of an earlier version
_LETTERS = 10_000  # dead letters of a source that are remembered

# Built once: each signal looks for its order, and building the query takes longer than running it.
_ORDERS = select(order_tables.orders).where(among(order_tables.orders.c.client_order_id))


class SqlLedger:
    """Implements `core.ports.ledger.Ledger` and `core.ports.outbox.Outbox`. `opening` creates it; `close` ends it."""

    def __init__(self, writing: Transactions, reader: LedgerReader, lease: Lease | None, clock: Clock) -> None:
        """Builds the ledger; without a `lease` it is read-only until `hold`."""
        self.writing = writing
        self.reader = reader
        self.lease: Lease | None = None
        self.stopped_at: datetime | None = None
        """The time when this process stopped to take signals; set before `close` or `hand_over`, for the next process."""
        self._clock = clock
        self._writer: Writer | None = None
        if lease is not None:
            self.hold(lease)
        self._news = _News()
        self.observers: list[Observer] = []

    def hold(self, lease: Lease) -> None:
        """Makes the ledger this process's own, to write."""
        self.lease = lease
        self._writer = Writer(self.writing, lease, self._clock)

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether the last commit succeeded, and the database's message if not."""
        problem = self._writer.problem if self._writer is not None else "open for reading only"
        if not problem and self.lease is not None and not self.lease.sure:
            problem = f"has not answered for {self.lease.idle_seconds:.0f} s"
        return (not problem, problem or "migrated")

    @property
    def may_trade(self) -> bool:
        """Tells whether no other process can hold the ledger at this moment."""
        return self.lease is not None and self.lease.sure

    @property
    def lost(self) -> bool:
        """Tells whether another process has taken the ledger over."""
        return self.lease is not None and self.lease.lost

    @property
    def held_since(self) -> datetime:
        """Returns when this process took the ledger, or was last sure again that nobody else has it. Without a lease: now."""
        return self.lease.since if self.lease is not None else self._clock.now()

    @property
    def away_since(self) -> datetime | None:
        """Returns the last sign of life of the previous process; None on a new ledger."""
        return self.lease.before if self.lease is not None else None

    @property
    def predecessor(self) -> str:
        """Names the process that this one took over from as its standby; empty if it was none."""
        return self.lease.predecessor if self.lease is not None else ""

    @property
    def complete_since(self) -> float | None:
        """See Lease."""
        return self.lease.complete_since if self.lease is not None else None

    async def keep_lease(self) -> None:
        """Proves the lease while nothing else is written. Raises LeaseLost if another process has taken it."""
        while self.lease is not None:
            await self._clock.sleep(max(BEAT_SECONDS - self.lease.idle_seconds, _SOON_SECONDS))
            if self.lease.idle_seconds >= BEAT_SECONDS:
                with suppress(LedgerUnavailable):
                    await self.write(RowBatch())

    async def close(self) -> None:
        """Finishes pending writes, lets the next process in and closes every connection."""
        await self.hand_over()
        await self.reader.close()
        await self.writing.close()

    async def hand_over(self) -> None:
        """Finishes pending writes and lets the next process in; nothing can be written any more."""
        if self._writer is not None:
            await self._writer.close()
        if self.lease is not None and not self.lease.lost:
            with suppress(Exception):  # then the next process finds out by itself that this one has ended
                await self.lease.release(self.stopped_at or self._clock.now())

    # --- reading

    async def load(self, today: str) -> LedgerState:
        """See Ledger. Every query uses an index of unsettled rows, or a table that does not grow."""
        found: dict[str, Any] = {}
        for entry in TABLES:
            if entry.at_start is not None:
                found[entry.state] = entry.loaded(await self.reader.read(entry.at_start))
        totals = await self.reader.read(select(result_tables.totals))
        exits = result_tables.executions.c
        newest = exits.executed_at.desc(), exits.seq.desc()
        last = await self.reader.read(select(exits.profit_pct).where(result_tables.IS_EXIT).order_by(*newest).limit(1))
        return LedgerState(
            **found,
            today=await self.reader.day_results(today, today),
            totals={row["name"]: row["value"] for row in totals},
            last_profit_pct=last[0]["profit_pct"] if last else None,
            record=await trading_record(self.reader, today, found["loss_reset"]),
            mark=(await self.reader.read(select(account_tables.account.c.mark)))[0]["mark"],
        )

    async def trading_mode(self) -> str | None:
        """Returns the trading mode of this ledger's orders; None before the first order."""
        return await self.reader.trading_mode()

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        """See Ledger."""
        found = await self.reader.read_of(_ORDERS, client_order_ids)
        return {row["client_order_id"]: order_tables.order_of(row) for row in found}

    async def fills_of(self, client_order_id: str) -> Sequence[Fill]:
        """See Ledger."""
        table = order_tables.fills
        found = await self.reader.read(select(table).where(table.c.client_order_id == client_order_id))
        return [order_tables.fill_of(row) for row in found]

    async def source_positions(self, source: str) -> Mapping[int, SourcePosition]:
        """Returns the position of each partition of `source`; empty before the first."""
        table = signal_tables.source_positions
        found = await self.reader.read(select(table).where(table.c.source == source))
        return {row["partition"]: signal_tables.source_position_of(row) for row in found}

    async def letter_positions(self, source: str) -> Sequence[str]:
        """Returns the origins of a source's newest dead letters."""
        letters = signal_tables.dead_letters.c
        question = select(letters.position).where(letters.source == source).order_by(letters.seq.desc()).limit(_LETTERS)
        return [row["position"] for row in await self.reader.read(question)]

    async def find_signals(self, source: str, source_ids: Sequence[str]) -> Mapping[str, Signal]:
        """Returns those of these signals that `source` has delivered already, by identity."""
        inbox = signal_tables.inbox.c
        question = select(inbox.source_id, inbox.body).where(inbox.source == source, among(inbox.source_id))
        found = await self.reader.read_of(question, source_ids)
        bodies = {row["source_id"]: codec.bodies.decode(row["body"]) for row in found}
        return {name: body.signal for name, body in bodies.items() if isinstance(body, SignalReceived)}

    # --- writing

    def next_seq(self) -> int:
        """See Ledger."""
        if self.lease is None:
            raise LedgerUnavailable("the ledger is open for reading only")
        return self.lease.next_seq()

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
        taken: Taken = ignored,
    ) -> Sequence[Arrival]:
        """See Ledger."""
        now, next_seq = self._clock.now(), self.next_seq
        batch = self._made(lambda: batch_of_arrivals(messages, dead, position, events, at=now, next_seq=next_seq))
        stored: list[Arrival] = []

        def after(written: Written) -> None:
            stored.extend(_take(messages, batch.rows[signal_tables.inbox], written))
            taken(stored)
            refused = [one.refusal for one in stored if isinstance(one, Conflict)]
            self._notify(CommitBatch(events=[*events, *refused]), stored, dead)

        await self._write(batch, after)
        return stored

    async def commit(self, batch: CommitBatch, *, taken: Taken = ignored) -> None:
        """See Ledger."""
        rows = self._made(lambda: row_batch_of(batch, self._clock.now(), self.next_seq))

        def after(written: Written) -> None:
            brought, inbox = _bring(batch, written), rows.rows.get(signal_tables.inbox, [])
            stored = _take(batch.messages, inbox[len(brought) :], written)
            taken(stored)
            self._notify(batch, [*brought, *stored], ())

        await self._write(rows, after)

    async def first_time_stranger(self, user_id: int, name: str) -> bool:
        """Records a stranger and, the first time ever, the event that reports them."""
        event = StrangerSeen(user_id, name)
        written = await self._write(self._made(lambda: batch_of_stranger(event, self._clock.now())), lambda _: self._news.come())
        return user_id in written.strangers

    # --- the outbox

    async def cursor(self, reader: str) -> DeliveryCursor | None:
        """See Outbox. The first reader of all continues where the version before delivery cursors had stopped."""
        table = notification_tables.told
        for name in (reader, _BEFORE):
            found = await self.reader.read(select(table).where(table.c.reader == name))
            if found:
                return _complete({Priority(row["priority"]): row["seq"] for row in found})
            if name == reader and await self.reader.read(select(table.c.reader).where(table.c.reader != _BEFORE).limit(1)):
                return None
        return None

    async def newest(self) -> DeliveryCursor:
        """See Outbox."""
        table = notification_tables.outbox
        last = {priority: select(func.max(table.c.seq)).where(table.c.priority == priority) for priority in Priority}
        found = await self.reader.read(select(*(one.scalar_subquery().label(each.name) for each, one in last.items())))
        return {priority: found[0][priority.name] or 0 for priority in Priority}

    async def waiting(self, cursor: DeliveryCursor, limit: int) -> Sequence[OutboxItem]:
        """See Outbox."""
        found = await self.reader.read(outbox_queries.waiting(tuple(cursor)), {"most": limit, **outbox_queries.seqs(cursor)})
        return [notification_tables.outbox_item(row) for row in found]

    async def keep_cursor(self, reader: str, cursor: DeliveryCursor, delivery: Delivery | None = None) -> None:
        """See Outbox."""
        lanes = [{"reader": reader, "priority": int(priority), "seq": seq} for priority, seq in cursor.items()]
        deliveries = [notification_tables.delivery_row(reader, delivery, self._clock.now())] if delivery is not None else []
        await self.write(RowBatch({notification_tables.told: lanes, notification_tables.deliveries: deliveries}))

    async def question_message(self, chat_id: int, question: int) -> int | None:
        """See Outbox."""
        table = notification_tables.deliveries.c
        asked = select(table.message_id).where(notification_tables.ASKS, table.question == question, table.chat_id == chat_id)
        found = await self.reader.read(asked.order_by(table.message_id).limit(1))
        return found[0]["message_id"] if found else None

    async def pending(self, cursor: DeliveryCursor) -> int:
        """See Outbox."""
        found = await self.reader.read(outbox_queries.pending(tuple(cursor)), outbox_queries.seqs(cursor))
        return int(found[0]["pending"])

    async def news(self, seen: int) -> int:
        """See Outbox."""
        while self._news.number == seen:
            await self._news.came.wait()
        return self._news.number

    async def mark(self, quotes: Sequence[Quote]) -> None:
        """Records the prices at which held symbols could be sold, for readers of the ledger alone."""
        rows = [{"symbol": one.symbol, "bid": one.bid, "at": one.at} for one in quotes]
        await self.write(RowBatch({upkeep_tables.marks: rows}))

    async def keep_proof(self, event: DayProved | DayUnproved) -> None:
        """Records the result of a day's proof, together with its event. Raises LedgerUnavailable."""
        now = self._clock.now()
        if isinstance(event, DayProved):
            day, differences, complete = event.proof.day, event.count, not event.proof.history_problem
        else:
            day, differences, complete = event.day, 0, False
        row = {"day": day, "proved_at": now, "differences": differences, "complete": complete}
        batch = self._made(
            lambda: RowBatch(
                {upkeep_tables.proofs: [row], notification_tables.outbox: [notification_tables.outbox_row(event, now)]}
            )
        )
        await self._write(batch, lambda _: self._notify(CommitBatch(events=[event]), (), ()))

    async def proofs(self, since: str) -> Mapping[str, Proved]:
        """Returns the proofs of the UTC days (`YYYY-MM-DD`) from `since` on, by day. Raises LedgerUnavailable."""
        table = upkeep_tables.proofs
        found = await self.reader.read(select(table).where(table.c.day >= since))
        return {row["day"]: Proved(row["proved_at"], row["differences"], row["complete"]) for row in found}

    async def write(self, batch: RowBatch) -> None:
        """Commits rows that concern nobody else. Raises LedgerUnavailable."""
        await self._write(batch, _nothing)

    async def _write(self, batch: RowBatch, after: Callable[[Written], None]) -> Written:
        if self._writer is None:
            raise LedgerUnavailable("the ledger is open for reading only")
        return await self._writer.write(batch, after)

    def _made(self, make: Callable[[], RowBatch]) -> RowBatch:
        try:
            return make()
        except ValueError as error:
            raise LedgerUnavailable(f"this cannot be written into a ledger: {error}") from error

    def _notify(self, batch: CommitBatch, stored: Sequence[Arrival], dead: Sequence[DeadLetter]) -> None:
        if batch.events or batch.readers:
            self._news.come()
        for observer in self.observers:
            observer.committed(batch, stored, dead)


class _News:
    """Wakes all readers that wait for new events."""

    def __init__(self) -> None:
        self.number = 1
        self.came = asyncio.Event()

    def come(self) -> None:
        self.number += 1
        self.came.set()
        self.came = asyncio.Event()


def _complete(known: Mapping[Priority, int]) -> DeliveryCursor:
    return {priority: known.get(priority, 0) for priority in Priority}


def _take(messages: Sequence[Message], inbox: Sequence[Row], written: Written) -> list[Arrival]:
    """Returns each message's number, for the first of the same identity only: works of one transaction share `written`. `inbox`
    are the rows of `messages`."""
    taken: list[Arrival] = []
    for message, row in zip(messages, inbox, strict=True):
        seq = written.inbox.pop((row["source"], row["source_id"]), None)
        taken.append(written.conflicts.get(key_of(row)) if seq is None else StoredMessage(seq, message))
    return taken


def _bring(batch: CommitBatch, written: Written) -> list[StoredMessage]:
    """Returns the messages that have come with their outcomes, and notes on each that it is stored."""
    brought = [outcome.brings for outcome in batch.outcomes if outcome.brings is not None]
    for one in brought:
        del written.inbox[storable(one.message.source), storable(one.message.source_id)]
        if one.unstored is not None:
            one.unstored.stored()
    return brought


def _nothing(_: Written) -> None:
    pass
