"""Wrong programs that break a rule of adding to a position: no more entries than allowed, and one plan for all that is held."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from core.domain.order import Order, OrderRequest
from core.domain.trade_plan import TradePlan
from core.execution import purchase_plans
from core.execution.placement import Placement
from core.execution.purchase_plans import PurchasePlans
from core.policy import admission
from core.records.ledger_state import LedgerState
from tests.simulation.breaking import Variant, loads, swap


def _counts_from_the_first(plan: TradePlan, *_: Any, **__: Any) -> TradePlan:
    """Has the plan count from the price of the first entry, whatever is bought later."""
    return plan


def _takes_it_for_protected(self: PurchasePlans, plan: TradePlan | None, settled: Any, **how: Any) -> list[Order]:
    """Leaves what rests for the first part as it is."""
    return [] if plan is not None else _AFTER_ADDING(self, plan, settled, **how)


_AFTER_ADDING = PurchasePlans._after_adding


async def _spares_nothing(self: Placement, order: Order) -> OrderRequest:
    return replace(await _REQUEST(self, order), spares_ours=False)


_REQUEST = Placement._request


def _forgets_the_entries(state: LedgerState) -> LedgerState:
    return replace(state, positions=[replace(one, entries=0) for one in state.positions])


def _never_too_many(*_: Any) -> None: ...


WRONG_ADDING: Mapping[str, Variant] = {
    "more entries are made than are allowed": swap(admission, "one_too_many", _never_too_many),
    "the entries of a position are forgotten at the start": loads(_forgets_the_entries),
    "the plan is not counted anew when more is bought": swap(purchase_plans, "after_adding", _counts_from_the_first),
    "what was added is taken for protected": swap(PurchasePlans, "_after_adding", _takes_it_for_protected),
    "a purchase of ours ends our target": swap(Placement, "_request", _spares_nothing),
}
