"""Wrong programs that break a rule of entries at a limit: what is bought is protected, once, for no more money, and in time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from core.domain.messages import Message
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Order
from core.domain.order_messages import EntryDue
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind
from core.domain.signal import Side
from core.engine.entry_timer import SOURCE, EntryTimer
from core.execution import purchase_plans, resting_entries
from core.execution.resting_entries import RestingEntries
from core.policy.entries import follow_up as following
from core.policy.entries.ends import TIMEOUT, timed_out
from core.policy.entries.purchase import Step, after_purchase, missed
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from tests.simulation.breaking import Variant, loads, patched, swap


def _waits_for_the_whole(plan: Any, position: Any, instrument: Any, *, goes_on: bool, now: Any, **more: Any) -> Step:
    """Protects an entry once it has filled whole; what was bought of one that ends before that is forgotten."""
    if goes_on:
        return Step(plan)
    if not more["bought"]:
        return Step(missed(plan, now))
    return after_purchase(plan, position, instrument, goes_on=goes_on, now=now, **more)


async def _takes_off_what_followed(self: RestingEntries, client_order_id: str) -> None:
    """Obeys the timer of an order that another one has followed."""
    later = [one for one in self._portfolio.resting.values() if one.client_order_id.startswith(client_order_id[:_PLAN_ID])]
    order = self._portfolio.resting.get(client_order_id)
    if order is None and later and later[0].side is Side.BUY and later[0].expires_at is not None:
        why = timed_out(later[0], later[0].expires_at)
        if why is not None:
            await self._take_off(later[0], why)
        return
    await _LOOK_AT(self, client_order_id)


async def _rings_on(self: EntryTimer) -> None:
    """Rings for the first order of an entry as long as one that followed it rests."""
    await _RUN(self)
    now = self._clock.now()
    await self._due.store(
        [
            Message(SOURCE, f"{order.leg.plan_id}:{int(now.timestamp())}", order.symbol, EntryDue(order.leg.plan_id), now)
            for order in self._portfolio.resting.values()
            if order.leg is not None and order.leg.kind is LegKind.ENTRY
        ],
        failed="",
    )


_RUN = EntryTimer.run
_PLAN_ID = 32  # characters
_LOOK_AT = RestingEntries.look_at


async def _takes_the_bracket_off(self: RestingEntries, client_order_id: str) -> None:
    """At the end of its time takes off everything of the entry, and its plan, whether it has filled meanwhile or not."""
    order = self._portfolio.resting.get(client_order_id)
    is_over = order is not None and self.why_ends(order) is not None
    await _LOOK_AT(self, client_order_id)
    if order is not None and is_over:
        await self._resting.take_off(order.book)
        plan = self._portfolio.plans.get(order.book)
        if plan is not None:
            await self._writer.commit(CommitBatch(plans=[missed(plan, self._clock.now())]))


async def _follows_before_the_cancel_is_known(self: RestingEntries, order: Order, why: Any, **how: bool) -> Order:
    """Sends what follows an entry at once, and cancels the entry afterwards."""
    if why.code == TIMEOUT and following.wants_more(order):
        instrument = await self._writer.instrument(order.symbol)
        market, now = await self._look_at_market(order.symbol), self._clock.now()
        found = following.follow_up(order, instrument, market, self._portfolio.limits, now)
        if isinstance(found, Order):
            await self._writer.commit(CommitBatch(orders=[found]))
            await self._placement.send(found)
            with patch.object(resting_entries, "wants_more", lambda _: False):
                return await _TAKE_OFF(self, order, why, **how)
    return await _TAKE_OFF(self, order, why, **how)


_TAKE_OFF = RestingEntries._take_off


def _without_entries(state: LedgerState) -> LedgerState:
    kept = [order for order in state.orders if not (order.rests and order.side is Side.BUY)]
    return replace(state, orders=kept)


def _without_what_follows(state: LedgerState) -> LedgerState:
    return replace(state, orders=[order for order in state.orders if order.leg is None or order.leg.kind is not LegKind.ENTRY])


def _cancels_of_entries_are_over(state: LedgerState) -> LedgerState:
    def is_leaving(order: Order) -> bool:
        return order.side is Side.BUY and order.state is OrderState.CANCEL_SUBMITTED

    return replace(state, orders=[order for order in state.orders if not is_leaving(order)])


def _as_if_nothing_was_bought(order: Order, *rest: Any) -> Any:
    """Follows an entry with all that it asked for."""
    return _FOLLOW_UP(replace(order, executed_qty=ZERO, quote_qty=ZERO), *rest)


_FOLLOW_UP = following.follow_up


async def _hears_no_end(self: RestingEntries, report: ExecutionReport) -> bool:
    """Takes an entry that somebody else has cancelled off without a word."""
    order = self._portfolio.resting.get(report.client_order_id)
    if order is None or order.side is Side.SELL or report.state is OrderState.FILLED or not report.state.final:
        return await _HEAR(self, report)
    await self._writer.commit(CommitBatch(orders=[self._writer.move(order, report.state)]))
    return True


_HEAR = RestingEntries.hear


WRONG_ENTRIES: Mapping[str, Variant] = {
    "an entry is protected once it has filled whole": swap(purchase_plans, "after_purchase", _waits_for_the_whole),
    "the timer of an entry before is obeyed": lambda: patched(
        patch.object(RestingEntries, "look_at", _takes_off_what_followed),
        patch.object(EntryTimer, "run", _rings_on),
    ),
    "the end of an entry's time takes its bracket off": swap(RestingEntries, "look_at", _takes_the_bracket_off),
    "what follows an entry is sent before its cancel is known": swap(
        RestingEntries, "_take_off", _follows_before_the_cancel_is_known
    ),
    "an entry that rests is forgotten at the start": loads(_without_entries),
    "the cancel of an entry is forgotten at the start": loads(_cancels_of_entries_are_over),
    "what follows an entry costs as much again": swap(resting_entries, "follow_up", _as_if_nothing_was_bought),
    "an entry that somebody cancels has bought nothing": swap(RestingEntries, "hear", _hears_no_end),
    "what follows an entry is forgotten at the start": loads(_without_what_follows),
}
