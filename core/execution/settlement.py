"""Books what the venue reports about an order: each fill moves the position once, and the execution is written at the end."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

import structlog

from core.domain.errors import ExchangeUnavailable
from core.domain.events.orders import OrderExecuted
from core.domain.events.priority import Priority
from core.domain.instrument import Instrument
from core.domain.messages import Message
from core.domain.money import EXACT, ZERO
from core.domain.order import ExecutionReport, Fill, Order, by_trade
from core.domain.position import Position
from core.domain.reasons import Reason
from core.domain.trade_plan import TradePlan
from core.execution.due_messages import Put
from core.execution.ledger_patience import until_answered
from core.execution.order_writer import OrderWriter
from core.execution.reconciler import Reconciler
from core.policy.exits.protection import at_prices
from core.policy.profit import book, execution_of, more
from core.policy.third_asset_fees import fees_in_coins_held
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """An order with the fills of a report booked, and the position afterwards. `batch` is what is about to be committed: the
    caller may add to it."""

    order: Order
    position: Position
    instrument: Instrument
    batch: CommitBatch

    def tell(self, plan: TradePlan, protected: Decimal | None = None) -> None:
        """Has the report of the execution name the plan, and how much of the position is `protected` afterwards."""
        told = at_prices(plan, self.instrument)
        self.batch.events[:] = [
            replace(event, plan=told, protected=protected) if isinstance(event, OrderExecuted) else event
            for event in self.batch.events
        ]

    def because(self, why: Reason) -> Order:
        """Has the order keep why it ended, in the ledger and in what is told of it. Returns it."""
        order = self.batch.orders[0] = replace(self.order, reason=why)
        self.batch.events[:] = [
            replace(event, order=order) if isinstance(event, OrderExecuted) else event for event in self.batch.events
        ]
        return order


@dataclass(frozen=True, slots=True)
class Executed:
    """An order at its end, with all that it has filled, and the position afterwards."""

    order: Order
    report: ExecutionReport
    position: Position


Extend = Callable[[Settled], None]
FillsOf = Callable[[str], Awaitable[Sequence[Fill]]]


def new_fills(fills: Sequence[Fill], booked_qty: Decimal) -> tuple[Fill, ...]:
    """Returns the fills of an order after the first `booked_qty` (base asset) of it: what was booked ended with a fill. Raises
    ValueError otherwise."""
    left = by_trade(fills)
    while booked_qty > 0 and left:
        booked_qty = EXACT.subtract(booked_qty, left.pop(0).qty)
    if booked_qty:
        raise ValueError("the fills are not those that were booked")
    return tuple(left)


def unbooked(order: Order, report: ExecutionReport) -> ExecutionReport:
    """Returns the part of a report, whose fills are complete, that is not booked for `order` yet."""
    return replace(
        report,
        executed_qty=report.executed_qty - order.executed_qty,
        quote_qty=report.quote_qty - order.quote_qty,
        fills=new_fills(report.fills, order.executed_qty),
    )


class Settlement:
    """Settles orders. The only place where fills become positions."""

    def __init__(
        self,
        *,
        writer: OrderWriter,
        portfolio: Portfolio,
        market: MarketDataCache,
        reconciler: Reconciler,
        clock: Clock,
        put: Put,
        fills_of: FillsOf,
    ) -> None:
        """Builds it. `put` stores messages, each once by its identity; `fills_of` returns the booked fills of an order by its
        client order id. Both raise LedgerUnavailable."""
        self._writer = writer
        self._portfolio = portfolio
        self._market = market
        self._reconciler = reconciler
        self._clock = clock
        self._put = put
        self._fills_of = fills_of

    async def settle(self, order: Order, report: ExecutionReport, extend: Extend) -> Order | None:
        """Books the report and commits it, together with what `extend` adds. Returns the order as it is then; None if the venue
        no longer knows its symbol: then nobody can learn its fills, and nothing is committed."""
        complete = await self._reconciler.with_fills(report)
        if complete is None:
            return None
        instrument = await self._writer.instrument(order.symbol)
        part = unbooked(order, complete)
        moved = self._writer.move(
            order,
            complete.state,
            order_id=complete.order_id,
            executed_qty=complete.executed_qty,
            quote_qty=complete.quote_qty,
            reason=None,
        )
        rates = await self._reconciler.fee_rates(complete, instrument)
        booking = book(moved, part, self._portfolio.position(order.book), instrument, rates)
        if booking.result is not None:
            moved = replace(moved, booked=more(order.booked, booking.result))
        await self._pass_on_fees(moved, part, instrument)
        batch = CommitBatch(
            orders=[moved],
            fills=[(order.client_order_id, fill) for fill in part.fills],
            positions=[booking.position],
            trades=[booking.trade] if booking.trade else [],
        )
        if complete.state.final and complete.executed_qty:
            self._write(Executed(moved, complete, booking.position), instrument, rates, batch)
        extend(Settled(moved, booking.position, instrument, batch))
        await self._writer.commit(batch)
        return batch.orders[0]

    async def end_unheard(self, order: Order) -> CommitBatch:
        """Returns the commit that ends an order of which nothing more can be learned. What it has filled is booked already; that
        it was executed is written and reported, unless its symbol's assets are not known any more either."""
        batch = CommitBatch(orders=[order])
        instrument = await self._known_instrument(order.symbol) if order.executed_qty else None
        if instrument is None:
            return batch
        report = ExecutionReport(
            order.client_order_id,
            order.order_id or "",
            order.symbol,
            order.side,
            order.state,
            order.executed_qty,
            order.quote_qty,
            self._clock.now(),
            tuple(by_trade(await self._booked(order))),
        )
        rates = await self._reconciler.fee_rates(report, instrument)
        self._write(Executed(order, report, self._portfolio.position(order.book)), instrument, rates, batch)
        return batch

    async def _known_instrument(self, symbol: str) -> Instrument | None:
        try:
            return await self._market.find_instrument(symbol)
        except ExchangeUnavailable:
            return None

    async def _booked(self, order: Order) -> Sequence[Fill]:
        ask = partial(self._fills_of, order.client_order_id)
        return await until_answered(ask, self._clock, failed="booked fills cannot be read")

    def _write(self, done: Executed, instrument: Instrument, rates: Mapping[str, Decimal], batch: CommitBatch) -> None:
        """Adds the execution of an order to what is about to be committed, and what tells of it."""
        plan = self._portfolio.plans.get(done.order.book)
        execution, fee_value = execution_of(done.order, done.report, instrument, rates, plan)
        batch.executions.append(execution)
        batch.events.append(self._urgent(OrderExecuted(done.order, execution, done.position, fee_value)))

    def _urgent(self, event: OrderExecuted) -> OrderExecuted:
        """Returns the event; a panic's sales are urgent, so that they are reported before the panic's end."""
        urgent = event.order.signal.is_panic or self._portfolio.trading_state.panic is not None
        return replace(event, priority=Priority.URGENT) if urgent else event

    async def _pass_on_fees(self, order: Order, part: ExecutionReport, instrument: Instrument) -> None:
        """Reports fees to the position whose coin paid them, in its own mailbox: stored before this order is settled, and once,
        so that a crash in between neither loses nor doubles one."""
        now, messages = self._clock.now(), []
        # What an order that rests has filled may be asked for anew after a crash, with more fills than before: each for itself.
        for fills in [[fill] for fill in part.fills] if order.terms.may_rest else [part.fills]:
            for one in fees_in_coins_held(fills, instrument, self._portfolio.positions, self._market.instruments()):
                name = f"{order.client_order_id}:{one.asset}" + (f":{fills[0].trade_id}" if order.terms.may_rest else "")
                messages.append(Message("fee", name, one.symbol, one, now))
        if messages:
            store = partial(self._put, messages)
            await until_answered(store, self._clock, failed="a fee paid from another position cannot be stored")


def is_empty(report: ExecutionReport) -> bool:
    """Tells whether an order ended with nothing filled."""
    return report.state.final and report.executed_qty == ZERO
