"""Wrong programs that break a rule of entries with exits: taken is not placed, unanswered is not refused, and nothing is sent
twice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.domain.order import Order, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import Side
from core.execution.entry_lists import EntryLists
from core.execution.placement import Placement
from core.execution.reconciler import NeverPlaced
from core.policy.entries.way import is_together
from core.policy.exits.protection import guarded
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from tests.simulation.breaking import Variant, loads, swap

_SEND, _RECOVER = EntryLists.send, Placement.recover
_BEGIN, _ENDED_EMPTY = EntryLists.begin, Placement._ended_empty


async def _unanswered_is_refused(self: EntryLists, order: Order) -> Any:
    answer = await _SEND(self, order)
    return Rejected(reason("unreachable", detail="timeout")) if isinstance(answer, Unanswered) else answer


async def _taken_is_guarded(self: EntryLists, order: Order) -> None:
    """Takes the exits for resting because the exchange took the list that they stand in."""
    legs = [self._writer.move(leg, OrderState.ACCEPTED, reason=None) for leg in self._exits(order)]
    plan = self._portfolio.plans.get(order.book)
    await self._writer.commit(CommitBatch(orders=legs, plans=[guarded(plan)] if legs and plan is not None else []))


async def _sent_again(self: Placement, order: Order) -> Order:
    """Sends an entry with its exits again at a start, whatever became of it."""
    return await self._try_anew(order, NeverPlaced(), 1) if is_together(order) else await _RECOVER(self, order)


async def _tried_again(self: Placement, order: Order, *rest: Any) -> Order:
    """Buys what it can get where an entry was not offered whole."""
    if not is_together(order) or order.state is not OrderState.EXPIRED:
        return await _ENDED_EMPTY(self, order, *rest)
    batch = self._lists.apart(replace(order, state=OrderState.SUBMITTED), reason("not_filled", status=order.state))
    await self._writer.commit(batch)
    return await self._send_until_settled(batch.orders[0], 2)


def _exits_uncommitted(self: EntryLists, order: Order, batch: CommitBatch) -> Order:
    """Leaves the exits to memory until they are sent."""
    entry = _BEGIN(self, order, batch)
    self._portfolio.in_flight |= {leg.client_order_id: leg for leg in batch.orders}
    batch.orders.clear()
    return entry


def _without_exits_under_way(state: LedgerState) -> LedgerState:
    entries = {order.list_id for order in state.orders if order.side is Side.BUY}
    under_way = {OrderState.SUBMITTED, OrderState.UNKNOWN}
    kept = [one for one in state.orders if one.side is Side.BUY or one.list_id not in entries or one.state not in under_way]
    return replace(state, orders=kept)


WRONG_LISTS: Mapping[str, Variant] = {
    "an unanswered entry with its exits is taken for refused": swap(EntryLists, "send", _unanswered_is_refused),
    "exits that were taken with their entry are taken for guarded": swap(EntryLists, "follow", _taken_is_guarded),
    "an entry with its exits is sent again after a crash": swap(Placement, "recover", _sent_again),
    "an entry that is not offered whole is tried again by itself": swap(Placement, "_ended_empty", _tried_again),
    "exits of an entry are committed after they were sent": swap(EntryLists, "begin", _exits_uncommitted),
    "exits that were sent with an entry are forgotten at the start": loads(_without_exits_under_way),
}
