"""Wrong programs that break a rule of exit plans: what protects a position is placed once, taken off first, and booked."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Any
from unittest.mock import patch

from core.domain.messages import Message
from core.domain.money import ZERO, floor_to_step
from core.domain.order import ExecutionReport, Order, Rejected, Unanswered
from core.domain.order_state_machine import OrderState
from core.domain.reasons import reason
from core.domain.signal import Signal
from core.domain.trade_plan import PlanState, TradePlan
from core.engine import order_poller
from core.engine.exit_handler import ExitHandler
from core.engine.order_poller import OrderPoller, reported
from core.engine.protection_timer import ProtectionTimer
from core.execution import protection, resting_orders
from core.execution.protection import Protection
from core.execution.purchase_plans import PurchasePlans
from core.execution.resting_orders import RestingOrders
from core.policy.exits import bracket
from core.policy.exits.protection import exposed, failed, guarded
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from tests.simulation.breaking import Variant, loads, patched, swap

# --- placing


async def _places_again(self: Protection, symbol: str) -> None:
    """Sends what an earlier process had sent, maybe, under new ids."""
    legs = [order for order in self._portfolio.in_flight.values() if order.symbol == symbol and order.leg is not None]
    await self._resting.finish_cancel([leg for leg in legs if leg.state is OrderState.CANCEL_SUBMITTED])
    for _, some in groupby([leg for leg in legs if leg.state is not OrderState.CANCEL_SUBMITTED], key=protection._list_of):
        await self._not_placed(list(some), reason("protection_not_placed"))


async def _recovers_nothing(_self: Protection, _symbol: str) -> None: ...


async def _unanswered_is_refused(self: Protection, legs: Sequence[Order]) -> Any:
    answer = await _PLACE(self, legs)
    return Rejected(reason("unreachable", detail="timeout")) if isinstance(answer, Unanswered) else answer


async def _sent_before_it_is_committed(self: Protection, legs: Sequence[Order]) -> Any:
    answer = await _PLACE(self, legs)
    await self._writer.commit(CommitBatch(orders=list(legs)))
    return answer


_PLACE, _INTEND, _AFTER = Protection._place, Protection.intend, PurchasePlans.after


def _without_intent(self: Protection, plan: TradePlan, *rest: Any) -> Any:
    legs, batch = _INTEND(self, plan, *rest), rest[-1]
    batch.orders[:] = [order for order in batch.orders if order not in legs]
    return legs


def _with_the_fee(self: Protection, plan: TradePlan, position: Any, instrument: Any, *rest: Any) -> Any:
    """Sizes the legs by what was bought, before its fee."""
    bought = instrument.market_quantity(position.qty + instrument.step_size)
    return _INTEND(self, plan, replace(position, qty=bought) if position.qty else position, instrument, *rest)


def _all_of_one_base(self: Protection, plan: TradePlan, position: Any, instrument: Any, *rest: Any) -> Any:
    """Protects what is held of the base asset in every symbol."""
    others = (one for one in self._portfolio.positions.values() if one.symbol != position.symbol)
    alike = sum((one.qty for one in others if one.symbol.startswith(instrument.base)), ZERO)
    whole = replace(position, qty=position.qty + alike) if position.is_open else position
    return _INTEND(self, plan, whole, instrument, *rest)


def _no_legs_after(self: PurchasePlans, settled: Any) -> list[Order]:
    """Has the plan believed carried out once the entry is settled."""
    legs = _AFTER(self, settled)
    if legs:
        settled.batch.plans[:] = [replace(one, state=PlanState.GUARDED) for one in settled.batch.plans]
        settled.batch.orders[:] = [order for order in settled.batch.orders if order not in legs]
    return []


def _each_sells_all(plan: Any, instrument: Any, held: Any, stop: Any) -> Any:
    targets = plan.targets or (None,)
    return [(target, bracket._quantity_step(instrument, stop)(held)) for target in targets]


async def _asks_nothing(_self: Protection, _legs: Sequence[Order]) -> None: ...


async def _guarded_at_once(self: Protection, legs: Sequence[Order], reports: Sequence[ExecutionReport]) -> None:
    """Takes legs for resting as they were reported, although one may have ended, and never looks at the plan again."""
    del reports
    moved = [self._writer.move(leg, OrderState.ACCEPTED, reason=None) for leg in legs]
    plan = self._portfolio.plans.get(legs[0].book)
    plans = [guarded(plan)] if plan is not None else []
    await self._writer.commit(CommitBatch(orders=moved, plans=plans))


def _in_silence(self: Protection, plan: TradePlan, why: Any, batch: CommitBatch, retry_after: float = 0.0) -> None:
    batch.plans.append(failed(plan, self._clock.now(), why, retry_after))


def _keeps_the_plan(_self: PurchasePlans, _order: Order) -> list[TradePlan]:
    return []


# --- taking off


class _NothingRests:
    """A portfolio that knows of no resting order."""

    def __init__(self, portfolio: Any) -> None:
        self._portfolio = portfolio

    def __getattr__(self, name: str) -> Any:
        return getattr(self._portfolio, name)

    def resting_for(self, _book: object) -> list[Order]:
        return []


async def _sells_what_is_bound(self: ExitHandler, stored: Any, signal: Signal, hand: Any) -> Any:
    blind: Any = copy(self)
    blind._portfolio = _NothingRests(self._portfolio)
    return await blind.handle(stored, signal, hand)


async def _unanswered_cancel_is_done(self: RestingOrders, order: Order, *_: Any) -> None:
    """Takes every order that it asked to cancel for cancelled."""
    await self._writer.commit(CommitBatch(orders=[self._writer.move(order, OrderState.CANCELED)]))


def _cancels_are_over(state: LedgerState) -> LedgerState:
    return replace(state, orders=[order for order in state.orders if order.state is not OrderState.CANCEL_SUBMITTED])


# --- booking


def _first_fill_alone(order: Order, _state: OrderState, executed_qty: Any) -> bool:
    return not order.state.final and not order.executed_qty and executed_qty > 0


def _empty_ends_are_no_news(order: Order, _state: OrderState, executed_qty: Any) -> bool:
    return not order.state.final and executed_qty > order.executed_qty


async def _loses_the_part(self: RestingOrders, order: Order, report: ExecutionReport) -> Order:
    """Books a leg that was cancelled after a part had filled as if nothing had."""
    if report.state in {OrderState.CANCELED, OrderState.EXPIRED} and not order.executed_qty:
        report = replace(report, executed_qty=ZERO, quote_qty=ZERO, fills=())
    return await _BOOK(self, order, report)


_BOOK = RestingOrders._book


async def _not_open_is_cancelled(self: OrderPoller, symbol: str) -> list[Message]:
    """Takes what is not among the open orders for cancelled."""
    shown = {report.client_order_id for report in await self._venue.open_orders(symbol)}
    news = await _NEWS(self, symbol)
    gone = [order for order in self._portfolio.offers_in(symbol) if order.client_order_id not in shown]
    ended = [
        ExecutionReport(
            order.client_order_id,
            order.order_id or "",
            symbol,
            order.side,
            OrderState.CANCELED,
            order.executed_qty,
            order.quote_qty,
            self._clock.now(),
            mark=self._portfolio.mark,
        )
        for order in gone
    ]
    return [reported(one, self._clock) for one in ended] or news


_NEWS = OrderPoller._news


# --- plans


async def _looks_away(_self: RestingOrders, _order: Order, _booked: Sequence[Order]) -> None: ...


def _as_is_said(self: ProtectionTimer, plan: TradePlan) -> bool:
    """Believes that a plan is guarded because its state says so."""
    return plan.state is PlanState.EXPOSED or not self._portfolio.position(plan.book).is_open


async def _lost_in_silence(self: RestingOrders, order: Order, _booked: Sequence[Order]) -> None:
    plan, position = self._portfolio.plans.get(order.book), self._portfolio.position(order.book)
    if plan is not None and position.is_open and not self._portfolio.resting_for(order.book):
        await self._writer.commit(CommitBatch(plans=[exposed(plan, self._clock.now())]))


def _stays_open(plan: TradePlan, _now: Any, *, rests: bool) -> TradePlan:
    del rests
    return plan


def _still_to_be_sold(plan: TradePlan, *_: Any) -> TradePlan:
    return plan


def _stop_far_below(stop: Any, instrument: Any, entry_price: Any) -> Any:
    """Places the stop far below the one that its owner wants."""
    terms = _STOP_TERMS(stop, instrument, entry_price)
    lower = floor_to_step((terms.stop_price or ZERO) * Decimal("0.99"), instrument.price_step)
    return replace(terms, stop_price=lower)


_STOP_TERMS = bracket._stop_terms

WRONG_PLANS: Mapping[str, Variant] = {
    "what protects is placed again after a crash": swap(Protection, "recover", _places_again),
    "orders of plans are not recovered at the start": swap(Protection, "recover", _recovers_nothing),
    "an unanswered list is taken for refused": swap(Protection, "_place", _unanswered_is_refused),
    "what protects is committed after it was sent": lambda: patched(
        patch.object(Protection, "_place", _sent_before_it_is_committed), patch.object(Protection, "intend", _without_intent)
    ),
    "what protects is for what was bought before its fee": swap(Protection, "intend", _with_the_fee),
    "positions of one base asset are protected as one": swap(Protection, "intend", _all_of_one_base),
    "an entry is taken for protected at once": swap(PurchasePlans, "after", _no_legs_after),
    "each target sells everything": swap(bracket, "_split", _each_sells_all),
    "of a ledger that was put back a plan is carried out again": swap(Protection, "_before", _asks_nothing),
    "an accepted list is taken for guarded": swap(Protection, "_placed", _guarded_at_once),
    "protection fails in silence": swap(Protection, "_fail", _in_silence),
    "an entry that bought nothing keeps its plan": swap(PurchasePlans, "without_entry", _keeps_the_plan),
    "coins that are bound are sold": swap(ExitHandler, "_with_nothing_bound", _sells_what_is_bound),
    "a cancel is taken for done": swap(RestingOrders, "_find_end", _unanswered_cancel_is_done),
    "a cancel under way is forgotten at the start": loads(_cancels_are_over),
    "a resting order's second fill is no news": lambda: patched(
        *(patch.object(module, "is_news", _first_fill_alone) for module in (resting_orders, order_poller))
    ),
    "a resting order that ends empty is no news": lambda: patched(
        *(patch.object(module, "is_news", _empty_ends_are_no_news) for module in (resting_orders, order_poller))
    ),
    "what a cancelled leg had sold is lost": swap(RestingOrders, "_book", _loses_the_part),
    "what is not among the open orders is cancelled": swap(OrderPoller, "_news", _not_open_is_cancelled),
    "a lost protection is not noticed": lambda: patched(
        patch.object(RestingOrders, "_look_at_plan", _looks_away), patch.object(ProtectionTimer, "_is_exposed", _as_is_said)
    ),
    "a lost protection is not told": swap(RestingOrders, "_look_at_plan", _lost_in_silence),
    "a stop that filled leaves its plan open": swap(resting_orders, "emptied", _stays_open),
    "a target that has sold is placed again": swap(resting_orders, "after_target", _still_to_be_sold),
    "a plan is forgotten at the start": loads(lambda state: replace(state, plans=[])),
    "the stop is placed far below": swap(bracket, "_stop_terms", _stop_far_below),
}
