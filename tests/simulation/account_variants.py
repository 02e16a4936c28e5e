"""Wrong programs that break a rule of the account: lost orders, old signals, other traders' orders."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from bot.telegram.single_instance import SingleInstance
from core.adapters.ledger import transaction
from core.adapters.ledger.lease import Lease
from core.adapters.ledger.tables import upkeep_tables
from core.engine import symbol_halts
from core.engine.symbol_halts import SymbolHalts
from core.execution import order_adoption as adoption
from core.execution.account_guard import AccountGuard
from core.execution.first_sending import FirstSending
from core.execution.order_adoption import OrderAdoption
from core.policy.order_ownership import Ours, Whose, whose
from core.reconciliation import symbol_comparison as comparison
from core.reconciliation.symbol_comparison import Sorted
from core.state.portfolio import Portfolio

_SORT = comparison.sort_orders


async def asks_nothing(_self: FirstSending, _order: Any) -> None:
    """Sends the first order of an old signal without asking."""


async def asks_once(self: FirstSending, order: Any) -> Any:
    """Takes "does not exist" for proof although a request of an earlier process may still arrive."""
    if order.client_order_id in self._unasked:
        self._unasked[order.client_order_id] = False
    return await _ASK(self, order)


async def waits_for_nothing(_self: FirstSending, *_: Any) -> None: ...


def takes_all_for_new(_self: FirstSending, *_times: Any) -> bool:
    return False


_ASK = FirstSending.ask


def loses_for_good(*args: Any) -> Sorted:
    return replace(_SORT(*args), lost=())


def sees_nobody(*args: Any) -> Sorted:
    return replace(_SORT(*args), strange=())


def takes_every_mark_for_ours(report: Any, order: Any, ours: Ours) -> Whose:
    return whose(replace(report, mark=ours.mark) if report.mark is not None else report, order, ours)


def takes_an_id_for_an_order(report: Any, order: Any, ours: Ours) -> Whose:
    """Takes any order with a client order id of the ledger for the ledger's order."""
    known = order is not None and order.order_id is not None
    return Whose.KNOWN if known else whose(report, order, ours)


def looked_at_already(_self: SymbolHalts, _symbol: str) -> bool:
    return True


async def adopts_without_fees(self: OrderAdoption, stored: Any, report: Any) -> Any:
    place = self._placement.adopt

    async def adopt(order: Any, changes: Any, found: Any) -> Any:
        fills = await self._placement._venue.fills(found.symbol, found.order_id)
        free = replace(found, fills=tuple(replace(fill, fee=fill.fee * 0) for fill in fills))
        return await place(order, changes, free)

    with patch.object(self._placement, "adopt", adopt):
        return await _TAKE_OVER(self, stored, report)


_TAKE_OVER = OrderAdoption.take_over


def writes_into_whatever_is_there(self: Lease, connection: Any, number: int) -> None:
    """Writes if the epoch is ours, without checking the transaction number."""
    self._committed = connection.execute(select(upkeep_tables.lease.c.commits)).scalar_one()
    _STAMP(self, connection, number)


_STAMP = Lease.stamp


def finds_no_conflict(*_: Any) -> dict[Any, Any]:
    """Takes new content under a known id for a repetition."""
    return {}


def enters_at_once(_self: SingleInstance) -> None:
    """Enters without knowing that it is alone."""


def accepts_all_of_it(self: AccountGuard, _shown: Any, who: str) -> Any:
    """Accepts everything that halts the account, not only what was shown."""
    held = self._portfolio.account_halt
    return _ACCEPT(self, held.differences if held is not None else (), who)


_ACCEPT = AccountGuard.accept

Swap = tuple[Any, str, Any]
_NOTHING_LOST: tuple[Swap, ...] = ((symbol_halts, "sort_orders", loses_for_good),)

ACCOUNT_VARIANTS: dict[str, tuple[Swap, ...]] = {
    "of a ledger that was put back signals are bought again": (*_NOTHING_LOST, (FirstSending, "ask", asks_nothing)),
    "the first sending of an old signal does not ask, and nobody looks before": (
        (FirstSending, "is_old", takes_all_for_new),
        (SymbolHalts, "is_looked_at", looked_at_already),
    ),
    "an old signal's order is asked for once, and no request of an earlier process is waited for": (
        (FirstSending, "ask", asks_once),
        (FirstSending, "until_past", waits_for_nothing),
    ),
    "an order that the ledger lost is not taken over": _NOTHING_LOST,
    "an order that the ledger lost is taken over without its fees": ((OrderAdoption, "take_over", adopts_without_fees),),
    "orders of another mark are not noticed": ((symbol_halts, "sort_orders", sees_nobody),),
    "orders of another mark are taken over": (
        (comparison, "whose", takes_every_mark_for_ours),
        (adoption, "whose", takes_every_mark_for_ours),
    ),
    "a known client id with another order id is not noticed": ((comparison, "whose", takes_an_id_for_an_order),),
    "a process carries on where its ledger went backwards": ((Lease, "stamp", writes_into_whatever_is_there),),
    "another content under an id that is taken is a repetition": ((transaction, "find_conflicts", finds_no_conflict),),
    "a newcomer enters without having polled undisturbed": ((SingleInstance, "closed", enters_at_once),),
    "an acceptance of some orders lifts the whole halt": ((AccountGuard, "accept", accepts_all_of_it),),
    "a halted account buys on": ((Portfolio, "account_halt", property(lambda _: None)),),
}
"""The swaps of each program: the owner of a name, the name, and the replacement."""
