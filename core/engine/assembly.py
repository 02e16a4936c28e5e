"""Assembles the engine from the program's portfolio, ledger, venue and clock."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.messages import Message
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
from core.engine.symbol_halts import SymbolHalts
from core.execution.account_guard import AccountGuard
from core.execution.decision_service import DecisionService
from core.execution.first_sending import FirstSending
from core.execution.order_adoption import OrderAdoption
from core.execution.pending_exits import PendingExits
from core.execution.placement import Placement
from core.execution.reconciler import Reconciler
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.ports.timings import Timings
from core.ports.venue import Venue
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio


@dataclass(frozen=True, slots=True)
class SharedParts:
    """The common ingredients of the other parts. `held_since` returns when this process took the ledger, or was last sure of
    it."""

    portfolio: Portfolio
    ledger: Ledger
    venue: Venue
    market: MarketDataCache
    rates: ExchangeRates
    decisions: DecisionService
    account: AccountGuard
    held_since: Callable[[], datetime]
    trading_mode: str
    clock: Clock

    def first_sending(self) -> FirstSending:
        """Returns the guard of orders that an earlier process may have sent."""
        return FirstSending(
            ledger=self.ledger,
            venue=self.venue,
            portfolio=self.portfolio,
            account=self.account,
            held_since=self.held_since,
            clock=self.clock,
        )

    def symbol_halts(self, inbox: Callable[[], Inbox]) -> SymbolHalts:
        """Returns the comparisons of ledger and exchange, and the halts that follow."""
        return SymbolHalts(
            ledger=self.ledger,
            venue=self.venue,
            market=self.market,
            portfolio=self.portfolio,
            clock=self.clock,
            account=self.account,
            held_since=self.held_since,
            inbox=inbox,
        )

    def placement(self, first: FirstSending, timings: Timings, put: Callable[[Sequence[Message]], Awaitable[None]]) -> Placement:
        """Returns the order protocol; `put` takes messages into the inbox."""
        return Placement(
            ledger=self.ledger,
            venue=self.venue,
            market=self.market,
            portfolio=self.portfolio,
            decisions=self.decisions,
            reconciler=Reconciler(self.venue, self.market, self.clock, lambda: self.portfolio.mark),
            first=first,
            clock=self.clock,
            timings=timings,
            put=put,
        )


class ExecutorAssembly:
    """Builds the OrderExecutor and the handlers behind it."""

    def __init__(
        self,
        shared: SharedParts,
        first: FirstSending,
        placement: Placement,
        symbol_halts: SymbolHalts,
        token: Callable[[], str],
    ) -> None:
        """Builds it; `token` generates the ids of approvals."""
        self._shared = shared
        self._first = first
        self._placement = placement
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
            placement=placement,
            first=first,
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
                placement=self._placement,
                clock=shared.clock,
                trading_mode=shared.trading_mode,
            ),
            control_commands=ControlCommands(shared.portfolio, shared.venue, halts, shared.account, shared.clock),
            errors=ErrorHandler(writer, shared.portfolio, self._placement, self._exits, halts),
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
            placement=self._placement,
            first=self._first,
            exits=self._exits,
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
            approvals=self._approvals,
            decided=self._decided,
            clock=self._shared.clock,
        )
