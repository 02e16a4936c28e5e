"""Wrong programs that break a rule of signals that are decided before they are stored: with all of it in one commit, or not at
all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables.signal_tables import inbox
from core.domain.arrival import Arrival
from core.domain.messages import Message, SourcePosition, StoredMessage
from core.domain.order import Order
from core.engine.inbox import Inbox
from core.execution.placement import Placement
from core.records.commit_batch import CommitBatch
from tests.simulation.breaking import Variant, patched, swap


async def _position_apart(self: Inbox, message: Message, position: SourcePosition, arrived: float, found: Any) -> None:
    if self._is_at_hand(message):
        await self._ledger.store([], position=position)
    await _HANDLE_FIRST(self, message, position, arrived, found)


async def _position_afterwards(self: Inbox, message: Message, position: SourcePosition, arrived: float, found: Any) -> None:
    await _HANDLE_FIRST(self, message, replace(position, offset=position.offset - 1), arrived, found)
    if found.done() and found.result():
        await self._ledger.store([], position=position)


_HANDLE_FIRST = Inbox._handle_first


async def _handled_again(self: SqlLedger, messages: Sequence[Message], **more: Any) -> Sequence[Arrival]:
    """Takes a message of a source that is known for one that has not had its turn."""
    taken = more.pop("taken", None)
    stored = list(await _STORE(self, messages, **more))
    for place, message in enumerate(messages):
        if stored[place] is None and more.get("position") is not None:
            same = inbox.c.source == message.source, inbox.c.source_id == message.source_id
            (known,) = await self.reader.read(select(inbox.c.seq).where(*same))
            stored[place] = StoredMessage(known["seq"], message)
    if taken is not None:
        taken(stored)
    return stored


_STORE = SqlLedger.store


async def _sends_first(self: Placement, order: Order, intent: CommitBatch, **more: Any) -> Order:
    message = more.get("message")
    if message is None or message.is_stored:
        return await _PLACE(self, order, intent, **more)
    self._portfolio.in_flight[order.client_order_id] = order
    answer = await self._send(order)
    try:
        await self._submit(order, intent)
    except BaseException:
        self._portfolio.in_flight.pop(order.client_order_id, None)
        raise

    async def already(_order: Order) -> Any:
        return answer

    with patch.object(self, "_send", already):
        return await self._send_until_settled(order)


_PLACE = Placement.place


async def _forgets_what_failed(self: Inbox, message: Message, position: SourcePosition, arrived: float) -> bool:
    tried = not self.is_busy(message.mailbox) and self._is_at_hand(message)
    return await _DECIDE(self, message, position, arrived) or tried


_DECIDE = Inbox._decide

WRONG_FIRST: Mapping[str, Variant] = {
    "the position is committed without the message": swap(Inbox, "_handle_first", _position_apart),
    "the order is sent before the commit": swap(Placement, "place", _sends_first),
    "a signal is repeated after a crash between": lambda: patched(
        patch.object(Inbox, "_handle_first", _position_afterwards), patch.object(SqlLedger, "store", _handled_again)
    ),
    "a signal whose commit failed is forgotten": swap(Inbox, "_decide", _forgets_what_failed),
}
