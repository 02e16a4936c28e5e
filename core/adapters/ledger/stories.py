"""The whole story of a signal, from everything that the ledger keeps about it; each query uses an index."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from core.adapters.ledger import codec, rows, tables
from core.adapters.ledger.reader import LedgerReader
from core.domain.messages import DeadLetter, SignalReceived
from core.domain.order_state_machine import OrderState
from core.read_models import LetterStory, OrderStep, PrunedSignal, Story, Telling

_MOST = 8
"""The maximum number of signals that one name may match, and of chats that received a message."""


class LedgerStories:
    """Reads stories. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def last(self) -> Sequence[int]:
        """Returns the inbox seq of the last signal; empty before the first."""
        table = tables.inbox.c
        question = select(table.seq).where(tables.IS_SIGNAL).order_by(table.seq.desc()).limit(1)
        return [row["seq"] for row in await self._reader.read(question)]

    async def named(self, name: str) -> Sequence[int]:
        """Returns the inbox seqs of the signals that `name` matches, newest first: an inbox number, the id of a signal, an order
        or a trade, or a symbol, which matches its last signal."""
        inbox, orders = tables.inbox.c, tables.orders.c
        questions = [
            select(inbox.seq).where(tables.IS_SIGNAL, inbox.source_id == name).order_by(inbox.seq.desc()).limit(_MOST),
            select(orders.inbox_seq.label("seq")).where(orders.client_order_id == name),
            select(orders.inbox_seq.label("seq")).where(orders.order_id == name).limit(_MOST),
            select(inbox.seq).where(tables.IS_SIGNAL, inbox.mailbox == name.upper()).order_by(inbox.seq.desc()).limit(1),
        ]  # fmt: skip
        if name.isascii() and name.isdigit() and len(name) <= 18:
            questions.insert(0, select(inbox.seq).where(tables.IS_SIGNAL, inbox.seq == int(name)))
        for question in questions:
            found = [row["seq"] for row in await self._reader.read(question)]
            if found:
                return sorted(set(found), reverse=True)
        return []

    async def told_by(self, chat_id: int, message_id: int) -> Sequence[int]:
        """Returns the inbox seqs of the signals that a chat message reports, newest first."""
        deliveries, outbox = tables.deliveries.c, tables.outbox.c
        question = (
            select(outbox.subject)
            .select_from(tables.deliveries.join(
                tables.outbox,
                (outbox.priority == deliveries.priority)
                & outbox.seq.between(deliveries.first_seq, deliveries.last_seq),
            ))
            .where(deliveries.chat_id == chat_id, deliveries.message_id == message_id, tables.HAS_SUBJECT)
            .distinct()
            .order_by(outbox.subject.desc())
            .limit(_MOST)
        )  # fmt: skip
        return [row["subject"] for row in await self._reader.read(question)]

    async def letter(self, position: str) -> LetterStory | None:
        """Returns the unreadable record that came from `position`."""
        table = tables.dead_letters
        found = await self._reader.read(select(table).where(table.c.position == position).order_by(table.c.seq.desc()).limit(1))
        return LetterStory(found[0]["seq"], rows.dead_letter_of(found[0])) if found else None

    async def letter_told_by(self, chat_id: int, message_id: int) -> LetterStory | None:
        """Returns the first of the unreadable records that a chat message reports."""
        deliveries, outbox = tables.deliveries.c, tables.outbox.c
        question = (
            select(outbox.body)
            .select_from(tables.deliveries.join(
                tables.outbox,
                (outbox.priority == deliveries.priority)
                & outbox.seq.between(deliveries.first_seq, deliveries.last_seq),
            ))
            .where(deliveries.chat_id == chat_id, deliveries.message_id == message_id, outbox.kind == "dead_letters")
            .order_by(outbox.seq)
            .limit(1)
        )  # fmt: skip
        found = await self._reader.read(question)
        event = codec.events.decode(found[0]["body"]) if found else None
        sample = getattr(event, "sample", None)
        return await self.letter(sample.position) if isinstance(sample, DeadLetter) else None

    async def pruned(self, seq: int) -> PrunedSignal | None:
        """Returns what is left of the signal with the inbox seq `seq`, if it was pruned."""
        inbox = tables.inbox.c
        found = await self._reader.read(select(tables.inbox).where(inbox.seq == seq, inbox.kind == tables.PRUNED))
        if not found:
            return None
        row = found[0]
        return PrunedSignal(seq, row["signal_type"] or "", row["symbol"] or "", row["received_at"], row["outcome"] or "")

    async def pruned_before(self) -> datetime | None:
        """Returns the time from which the ledger is not pruned yet; None if it never was."""
        inbox, pruned = tables.inbox.c, tables.pruned.c
        last = select(pruned.seq).where(pruned.name == tables.inbox.name).scalar_subquery()
        found = await self._reader.read(select(inbox.received_at).where(inbox.seq > last).order_by(inbox.seq).limit(1))
        return found[0]["received_at"] if found else None

    async def story(self, seq: int) -> Story | None:
        """Returns everything about the signal with the inbox seq `seq`; None if there is no such signal."""
        inbox, orders = tables.inbox, tables.orders
        found = await self._reader.read(select(inbox).where(inbox.c.seq == seq, tables.IS_SIGNAL))
        body = codec.bodies.decode(found[0]["body"]) if found else None
        if not isinstance(body, SignalReceived):
            return None
        row = found[0]
        ordered = await self._reader.read(select(orders).where(orders.c.inbox_seq == seq))
        order = rows.order_of(ordered[0]) if ordered else None
        asked = await self._reader.read(select(tables.approvals).where(tables.approvals.c.inbox_seq == seq))
        name = order.client_order_id if order is not None else ""
        executions = await self._reader.read(select(tables.executions).where(tables.executions.c.execution_id == name))
        fills = await self._reader.read(
            select(tables.fills).where(tables.fills.c.client_order_id == name).order_by(tables.fills.c.at)
        )
        return Story(
            seq=seq,
            signal=body.signal,
            hand=body.hand,
            received_at=row["received_at"],
            decided_at=row["decided_at"],
            outcome=row["outcome"],
            reason=rows.reason_of(row),
            facts=codec.facts.decode(row["facts"]) if row["facts"] is not None else None,
            order=order,
            steps=await self._steps(name),
            fills=[rows.fill_of(fill) for fill in fills],
            execution=rows.execution_of(executions[0]) if executions else None,
            approval=rows.approval_of(asked[0]) if asked else None,
            tellings=await self._tellings(seq),
        )

    async def _steps(self, client_order_id: str) -> Sequence[OrderStep]:
        table = tables.order_steps
        question = select(table).where(table.c.client_order_id == client_order_id).order_by(table.c.seq).limit(50)
        return [
            OrderStep(
                at=row["at"],
                state=OrderState(row["state"]),
                qty=row["qty"],
                price=row["price"],
                order_id=row["order_id"],
                executed_qty=row["executed_qty"],
                reason=rows.reason_of(row),
            )
            for row in await self._reader.read(question)
        ]

    async def _tellings(self, seq: int) -> Sequence[Telling]:
        """Returns which message reported each event about the signal, in each chat."""
        outbox, table = tables.outbox.c, tables.deliveries
        events = await self._reader.read(
            select(outbox.seq, outbox.priority, outbox.kind)
            .where(tables.HAS_SUBJECT, outbox.subject == seq)
            .order_by(outbox.seq)
            .limit(_MOST)
        )
        found: list[Telling] = []
        for event in events:
            question = (
                select(table)
                .where(table.c.priority == event["priority"], table.c.last_seq >= event["seq"])
                .order_by(table.c.last_seq)
                .limit(4 * _MOST)
            )
            found += [
                Telling(row["at"], event["kind"], row["reader"], row["chat_id"], row["message_id"])
                for row in await self._reader.read(question)
                if row["first_seq"] <= event["seq"]
            ]
        return found
