"""Assembles the engine from the program's portfolio, ledger, venue and clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.domain.order import Order
from core.domain.signal import Side
from core.engine.approval_flow import ApprovalFlow
from core.engine.approval_question import ApprovalQuestions
from core.engine.control_commands import ControlCommands
from core.engine.decision_handler import DecisionHandler
from core.engine.earlier_orders import EarlierOrders
from core.engine.entry_handler import EntryHandler
from core.engine.error_handler import ErrorHandler
from core.engine.exit_handler import ExitHandler
from core.engine.inbox import Inbox
from core.engine.order_executor import OrderExecutor
from core.engine.order_factory import OrderFactory
from core.engine.outcome_writer import OutcomeWriter
from core.engine.plan_handler import PlanHandler
from core.engine.protection_handler import ProtectionHandler
from core.engine.symbol_halts import SymbolHalts
from core.execution.account_guard import AccountGuard
from core.execution.decision_service import DecisionService
from core.execution.due_messages import Put
from core.execution.entry_lists import EntryLists
from core.execution.equity_watch import EquityWatch
from core.execution.first_sending import FirstSending
from core.execution.order_adoption import OrderAdoption
from core.execution.order_writer import OrderWriter
from core.execution.pending_exits import PendingExits
from core.execution.placement import Look, Placement
from core.execution.plan_changes import PlanChanges
from core.execution.protection import Protection
from core.execution.purchase_plans import PurchasePlans
from core.execution.reconciler import Reconciler
from core.execution.resting_entries import RestingEntries
from core.execution.resting_orders import RestingOrders
from core.execution.settlement import Settlement
from core.ports.clock import Clock
from core.ports.ledger import Ledger, Taken
from core.ports.timings import Timings
from core.ports.venue import Venue
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class Execution:
    """The order protocol: of signals' orders, of those that rest, and of plans."""

    placement: Placement
    resting: RestingOrders
    entries: RestingEntries
    protection: Protection
    writer: OrderWriter

    async def recover(self, order: Order) -> None:
        """Finds out about an order of a signal whose sender ended, and settles it."""
        if order.side is Side.BUY:
            await self.entries.recover(order)
        else:
            await self.placement.recover(order)


@dataclass(frozen=True, slots=True)
class SharedParts:
    """The common ingredients of the other parts. `held_since` returns when this process took the ledger, or was last sure of
    it; `complete_since` is that of FirstSending."""

    portfolio: Portfolio
    ledger: Ledger
    venue: Venue
    market: MarketDataCache
    rates: ExchangeRates
    decisions: DecisionService
    account: AccountGuard
    equity: EquityWatch
    held_since: Callable[[], datetime]
    trading_mode: str
    clock: Clock
    complete_since: float | None = None

    def first_sending(self) -> FirstSending:
        """Returns the guard of orders that an earlier process may have sent."""
        return FirstSending(
            ledger=self.ledger,
            venue=self.venue,
            portfolio=self.portfolio,
            account=self.account,
            held_since=self.held_since,
            clock=self.clock,
            complete_since=self.complete_since,
        )

    def symbol_halts(self, first: FirstSending, inbox: Callable[[], Inbox]) -> SymbolHalts:
        """Returns the comparisons of ledger and exchange, and the halts that follow."""
        return SymbolHalts(
            ledger=self.ledger,
            venue=self.venue,
            market=self.market,
            portfolio=self.portfolio,
            clock=self.clock,
            account=self.account,
            first=first,
            held_since=self.held_since,
            inbox=inbox,
        )

    def execution(self, first: FirstSending, look: Look, timings: Timings, put: Put, taken: Taken) -> Execution:
        """Returns the order protocol; `put` stores messages in the inbox, `taken` gives it those that came in with a commit,
        `look` takes over what the ledger has lost."""
        writer = OrderWriter(self.ledger, self.portfolio, self.market, self.clock, taken=taken)
        reconciler = Reconciler(self.venue, self.market, self.clock, lambda: self.portfolio.mark)
        settlement = self._settlement(writer, reconciler, put)
        booking = _Booking(writer, reconciler, settlement)
        resting = self._resting(booking, look)
        protection = Protection(
            venue=self.venue,
            portfolio=self.portfolio,
            reconciler=reconciler,
            writer=writer,
            resting=resting,
            first=first,
            look=look,
            market=self.market,
            clock=self.clock,
            trading_mode=self.trading_mode,
        )
        purchases = PurchasePlans(portfolio=self.portfolio, market=self.market, protection=protection, clock=self.clock)
        placement = Placement(
            venue=self.venue,
            portfolio=self.portfolio,
            decisions=self.decisions,
            reconciler=reconciler,
            first=first,
            writer=writer,
            settlement=settlement,
            purchases=purchases,
            lists=self._lists(writer, protection),
            look=look,
            clock=self.clock,
            timings=timings,
        )
        entries = self._entries(booking, resting, purchases, protection, placement)
        return Execution(placement, resting, entries, protection, writer)

    def _lists(self, writer: OrderWriter, protection: Protection) -> EntryLists:
        return EntryLists(
            venue=self.venue,
            portfolio=self.portfolio,
            market=self.market,
            writer=writer,
            protection=protection,
            clock=self.clock,
        )

    def _resting(self, booking: "_Booking", look: Look) -> RestingOrders:
        return RestingOrders(
            venue=self.venue,
            portfolio=self.portfolio,
            reconciler=booking.reconciler,
            writer=booking.writer,
            settlement=booking.settlement,
            look=look,
            clock=self.clock,
        )

    def _entries(
        self,
        booking: "_Booking",
        resting: RestingOrders,
        purchases: PurchasePlans,
        protection: Protection,
        placement: Placement,
    ) -> RestingEntries:
        return RestingEntries(
            reconciler=booking.reconciler,
            portfolio=self.portfolio,
            market=self.market,
            decisions=self.decisions,
            writer=booking.writer,
            settlement=booking.settlement,
            resting=resting,
            protection=protection,
            purchases=purchases,
            placement=placement,
            clock=self.clock,
        )

    def _settlement(self, writer: OrderWriter, reconciler: Reconciler, put: Put) -> Settlement:
        return Settlement(
            writer=writer,
            portfolio=self.portfolio,
            market=self.market,
            reconciler=reconciler,
            clock=self.clock,
            put=put,
            fills_of=self.ledger.fills_of,
        )


@dataclass(frozen=True, slots=True)
class _Booking:
    """The parts that find out about orders and book them."""

    writer: OrderWriter
    reconciler: Reconciler
    settlement: Settlement


class ExecutorAssembly:
    """Builds the OrderExecutor and the handlers behind it."""

    def __init__(
        self,
        shared: SharedParts,
        first: FirstSending,
        execution: Execution,
        symbol_halts: SymbolHalts,
        token: Callable[[], str],
    ) -> None:
        """Builds it; `token` generates the ids of approvals."""
        self._shared = shared
        self._first = first
        self._execution = execution
        self._symbol_halts = symbol_halts
        self._writer = OutcomeWriter(shared.ledger, shared.portfolio, shared.clock)
        self._orders = OrderFactory(shared.trading_mode, shared.clock)
        self._exits = PendingExits(shared.portfolio, shared.market, shared.venue, shared.clock)
        self._earlier = EarlierOrders(
            ledger=shared.ledger,
            market=shared.market,
            decisions=shared.decisions,
            first=first,
            symbol_halts=symbol_halts,
        )
        self._approvals = self._approval_flow(token)
        self._decided = DecisionHandler(
            writer=self._writer,
            orders=self._orders,
            portfolio=shared.portfolio,
            approvals=self._approvals,
            placement=execution.placement,
            exits=self._exits,
        )

    def executor(self) -> OrderExecutor:
        """Returns the executor."""
        shared, writer, halts = self._shared, self._writer, self._symbol_halts
        return OrderExecutor(
            writer=writer,
            portfolio=shared.portfolio,
            market=shared.market,
            entries=EntryHandler(writer, self._earlier, self._approvals, self._decided),
            exits=self._exit_handler(),
            approvals=self._approvals,
            adoption=OrderAdoption(
                ledger=shared.ledger,
                portfolio=shared.portfolio,
                market=shared.market,
                placement=self._execution.placement,
                resting=self._execution.resting,
                entries=self._execution.entries,
                writer=self._execution.writer,
                clock=shared.clock,
                trading_mode=shared.trading_mode,
            ),
            protection=ProtectionHandler(writer, self._execution.entries, self._execution.resting, self._execution.protection),
            plans=self._plan_handler(),
            control_commands=ControlCommands(
                shared.portfolio, shared.venue, halts, shared.account, shared.equity, clock=shared.clock
            ),
            errors=self._error_handler(),
            clock=shared.clock,
        )

    def _approval_flow(self, token: Callable[[], str]) -> ApprovalFlow:
        shared = self._shared
        return ApprovalFlow(
            writer=self._writer,
            orders=self._orders,
            portfolio=shared.portfolio,
            questions=ApprovalQuestions(shared.portfolio, shared.market, shared.decisions, shared.rates),
            earlier=self._earlier,
            placement=self._execution.placement,
            first=self._first,
            exits=self._exits,
            resting=self._execution.resting,
            clock=shared.clock,
            token=token,
        )

    def _exit_handler(self) -> ExitHandler:
        return ExitHandler(
            writer=self._writer,
            portfolio=self._shared.portfolio,
            exits=self._exits,
            decisions=self._shared.decisions,
            earlier=self._earlier,
            first=self._first,
            approvals=self._approvals,
            decided=self._decided,
            resting=self._execution.resting,
            entries=self._execution.entries,
            clock=self._shared.clock,
        )

    def _plan_handler(self) -> PlanHandler:
        execution, shared = self._execution, self._shared
        changes = PlanChanges(
            portfolio=shared.portfolio,
            market=shared.market,
            writer=execution.writer,
            resting=execution.resting,
            protection=execution.protection,
            clock=shared.clock,
        )
        return PlanHandler(self._writer, changes)

    def _error_handler(self) -> ErrorHandler:
        return ErrorHandler(
            writer=self._writer,
            portfolio=self._shared.portfolio,
            recover=self._execution.recover,
            exits=self._exits,
            symbol_halts=self._symbol_halts,
            protection=self._execution.protection,
        )
