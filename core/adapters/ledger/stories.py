"""The whole story of a signal, from everything that the ledger keeps about it; each query uses an index."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from core.adapters.ledger import codec
from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.row import reason_of
from core.adapters.ledger.tables import (
    notification_tables,
    order_tables,
    plan_tables,
    result_tables,
    signal_tables,
    upkeep_tables,
)
from core.domain.messages import DeadLetter, SignalReceived
from core.domain.order_state_machine import OrderState
from core.domain.trade_plan import TradePlan
from core.read_models import LetterStory, OrderStep, PrunedSignal, SentNotification, Story

_MOST = 8
"""The maximum number of signals that one name may match, and of chats that received a message."""


class LedgerStories:
    """Reads stories. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def last(self) -> Sequence[int]:
        """Returns the inbox seq of the last signal; empty before the first."""
        table = signal_tables.inbox.c
        question = select(table.seq).where(signal_tables.IS_SIGNAL).order_by(table.seq.desc()).limit(1)
        return [row["seq"] for row in await self._reader.read(question)]

    async def named(self, name: str) -> Sequence[int]:
        """Returns the inbox seqs of the signals that `name` matches, newest first: an inbox number, the id of a signal, an order
        or a trade, or a symbol, which matches its last signal."""
        inbox, orders = signal_tables.inbox.c, order_tables.orders.c
        questions = [
            select(inbox.seq).where(signal_tables.IS_SIGNAL, inbox.source_id == name).order_by(inbox.seq.desc()).limit(_MOST),
            select(orders.inbox_seq.label("seq")).where(orders.client_order_id == name),
            select(orders.inbox_seq.label("seq")).where(orders.order_id == name).limit(_MOST),
            select(inbox.seq).where(signal_tables.IS_SIGNAL, inbox.mailbox == name.upper()).order_by(inbox.seq.desc()).limit(1),
        ]  # fmt: skip
        if name.isascii() and name.isdigit() and len(name) <= 18:
            questions.insert(0, select(inbox.seq).where(signal_tables.IS_SIGNAL, inbox.seq == int(name)))
        for question in questions:
            found = [row["seq"] for row in await self._reader.read(question)]
            if found:
                return sorted(set(found), reverse=True)
        return []

    async def told_by(self, chat_id: int, message_id: int) -> Sequence[int]:
        """Returns the inbox seqs of the signals that a chat message reports, newest first."""
        deliveries, outbox = notification_tables.deliveries.c, notification_tables.outbox.c
        question = (
            select(outbox.subject)
            .select_from(notification_tables.deliveries.join(
                notification_tables.outbox,
                (outbox.priority == deliveries.priority)
                & outbox.seq.between(deliveries.first_seq, deliveries.last_seq),
            ))
            .where(deliveries.chat_id == chat_id, deliveries.message_id == message_id, notification_tables.HAS_SUBJECT)
            .distinct()
            .order_by(outbox.subject.desc())
            .limit(_MOST)
        )  # fmt: skip
        return [row["subject"] for row in await self._reader.read(question)]

    async def letter(self, position: str) -> LetterStory | None:
        """Returns the unreadable record that came from `position`."""
        table = signal_tables.dead_letters
        found = await self._reader.read(select(table).where(table.c.position == position).order_by(table.c.seq.desc()).limit(1))
        return LetterStory(found[0]["seq"], signal_tables.dead_letter_of(found[0])) if found else None

    async def letter_told_by(self, chat_id: int, message_id: int) -> LetterStory | None:
        """Returns the first of the unreadable records that a chat message reports."""
        deliveries, outbox = notification_tables.deliveries.c, notification_tables.outbox.c
        question = (
            select(outbox.body)
            .select_from(notification_tables.deliveries.join(
                notification_tables.outbox,
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
        inbox = signal_tables.inbox.c
        found = await self._reader.read(select(signal_tables.inbox).where(inbox.seq == seq, inbox.kind == signal_tables.PRUNED))
        if not found:
            return None
        row = found[0]
        return PrunedSignal(seq, row["signal_type"] or "", row["symbol"] or "", row["received_at"], row["outcome"] or "")

    async def pruned_before(self) -> datetime | None:
        """Returns the time from which the ledger is not pruned yet; None if it never was."""
        inbox, pruned = signal_tables.inbox.c, upkeep_tables.pruned.c
        last = select(pruned.seq).where(pruned.name == signal_tables.inbox.name).scalar_subquery()
        found = await self._reader.read(select(inbox.received_at).where(inbox.seq > last).order_by(inbox.seq).limit(1))
        return found[0]["received_at"] if found else None

    async def story(self, seq: int) -> Story | None:
        """Returns everything about the signal with the inbox seq `seq`; None if there is no such signal."""
        inbox, orders = signal_tables.inbox, order_tables.orders
        found = await self._reader.read(select(inbox).where(inbox.c.seq == seq, signal_tables.IS_SIGNAL))
        body = codec.bodies.decode(found[0]["body"]) if found else None
        if not isinstance(body, SignalReceived):
            return None
        row = found[0]
        ordered = await self._reader.read(
            select(orders).where(orders.c.inbox_seq == seq).order_by(orders.c.created_at, orders.c.client_order_id)
        )
        found_orders = [order_tables.order_of(row) for row in ordered]
        order = next((one for one in found_orders if one.leg is None), None)
        asked = await self._reader.read(select(order_tables.approvals).where(order_tables.approvals.c.inbox_seq == seq))
        name = order.client_order_id if order is not None else ""
        executions = await self._reader.read(
            select(result_tables.executions).where(result_tables.executions.c.execution_id == name)
        )
        fills = await self._reader.read(
            select(order_tables.fills).where(order_tables.fills.c.client_order_id == name).order_by(order_tables.fills.c.at)
        )
        return Story(
            seq=seq,
            signal=body.signal,
            hand=body.hand,
            received_at=row["received_at"],
            decided_at=row["decided_at"],
            outcome=row["outcome"],
            reason=reason_of(row),
            facts=codec.facts.decode(row["facts"]) if row["facts"] is not None else None,
            order=order,
            steps=await self._steps(name),
            fills=[order_tables.fill_of(fill) for fill in fills],
            execution=result_tables.execution_of(executions[0]) if executions else None,
            approval=order_tables.approval_of(asked[0]) if asked else None,
            notifications=await self._tellings(seq),
            plan=await self._plan(name),
            legs=[one for one in found_orders if one.leg is not None],
        )

    async def _plan(self, client_order_id: str) -> TradePlan | None:
        table = plan_tables.order_plans
        found = await self._reader.read(select(table).where(table.c.plan_id == client_order_id))
        return plan_tables.plan_of(found[0]) if found else None

    async def _steps(self, client_order_id: str) -> Sequence[OrderStep]:
        table = order_tables.order_steps
        question = select(table).where(table.c.client_order_id == client_order_id).order_by(table.c.seq).limit(50)
        return [
            OrderStep(
                at=row["at"],
                state=OrderState(row["state"]),
                qty=row["qty"],
                price=row["price"],
                order_id=row["order_id"],
                executed_qty=row["executed_qty"],
                reason=reason_of(row),
            )
            for row in await self._reader.read(question)
        ]

    async def _tellings(self, seq: int) -> Sequence[SentNotification]:
        """Returns which message reported each event about the signal, in each chat."""
        outbox, table = notification_tables.outbox.c, notification_tables.deliveries
        events = await self._reader.read(
            select(outbox.seq, outbox.priority, outbox.kind)
            .where(notification_tables.HAS_SUBJECT, outbox.subject == seq)
            .order_by(outbox.seq)
            .limit(_MOST)
        )
        found: list[SentNotification] = []
        for event in events:
            question = (
                select(table)
                .where(table.c.priority == event["priority"], table.c.last_seq >= event["seq"])
                .order_by(table.c.last_seq)
                .limit(4 * _MOST)
            )
            found += [
                SentNotification(row["at"], event["kind"], row["reader"], row["chat_id"], row["message_id"])
                for row in await self._reader.read(question)
                if row["first_seq"] <= event["seq"]
            ]
        return found
