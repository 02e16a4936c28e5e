"""Wrong programs that break a rule of steps: each is bought once, beside its position, and for one plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.domain.messages import Message, SignalReceived, StoredMessage
from core.domain.order import Order
from core.domain.reasons import Reason
from core.domain.trade_plan import TradePlan
from core.execution import purchase_plans, resting_entries
from core.execution.purchase_plans import PurchasePlans
from core.execution.settlement import Settled
from core.policy.entries.adding import after_adding
from core.policy.entries.ends import why_ends
from core.records.ledger_state import LedgerState
from tests.simulation.breaking import Variant, loads, swap


def _again(order: Order) -> StoredMessage:
    signal = replace(order.signal, signal_id=f"{order.signal.signal_id}/again")
    message = Message(signal.source, signal.signal_id, signal.symbol, SignalReceived(signal), order.created_at)
    return StoredMessage(order.inbox_seq, message)


def _places_steps_again(state: LedgerState) -> LedgerState:
    """Places the steps of open positions at the start, as though none rested."""
    return replace(state, waiting=[*state.waiting, *(_again(one) for one in state.orders if one.rests and one.signal.is_step)])


def _rests_on(order: Order, *facts: Any) -> Reason | None:
    return None if order.signal.is_step else why_ends(order, *facts)


def _counts_no_step(plan: TradePlan, order: Order, *facts: Any, **more: Any) -> TradePlan:
    return plan if order.signal.is_step else after_adding(plan, order, *facts, **more)


def _keeps(*_: object) -> list[Message]:
    return []


def _only_the_first(self: PurchasePlans, settled: Settled, *, goes_on: bool) -> None:
    """Stores the first step with the entry, and forgets the others."""
    _ADD_STEPS(self, settled, goes_on=goes_on)
    del settled.batch.messages[1:]


_ADD_STEPS = PurchasePlans.add_steps

WRONG_STEPS: Mapping[str, Variant] = {
    "steps are placed again at the start": loads(_places_steps_again),
    "steps rest on when their position is closed": swap(resting_entries, "why_ends", _rests_on),
    "the plan is not counted anew after a step": swap(purchase_plans, "after_adding", _counts_no_step),
    "what a step buys too late is kept": swap(purchase_plans, "sold_again", _keeps),
    "one step of an entry is stored with it": swap(PurchasePlans, "add_steps", _only_the_first),
}
