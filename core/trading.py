"""The assembled trading core: from an inbox to a venue, on one ledger. Starts from the state that the previous process left."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType

from core.domain.account import ACCOUNT
from core.domain.arrival import Arrival
from core.domain.instrument import Instrument
from core.domain.messages import Message, StoredMessage
from core.engine.approval_flow import new_token
from core.engine.assembly import ExecutorAssembly, SharedParts
from core.engine.comparison_schedule import ComparisonSchedule
from core.engine.entry_timer import EntryTimer
from core.engine.inbox import CAPACITY, Inbox, Work
from core.engine.order_hearing import OrderHearing
from core.engine.order_poller import OrderPoller
from core.engine.protection_timer import ProtectionTimer
from core.execution.account_guard import AccountGuard
from core.execution.decision_service import DecisionService
from core.execution.equity_watch import EquityWatch
from core.execution.pending_exits import ExitTimer
from core.ports.clock import Clock
from core.ports.entry_gate import EntryGate
from core.ports.ledger import Ledger
from core.ports.timings import Timings
from core.ports.venue import Venue
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome
from core.state.exchange_rates import ExchangeRates
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

MOST_WATCHED = 20
NONE_KNOWN: Mapping[str, Instrument] = MappingProxyType({})


class Trading:
    """The parts of the core, open for inspection; messages go into `inbox`."""

    def __init__(
        self,
        *,
        portfolio: Portfolio,
        ledger: Ledger,
        venue: Venue,
        clock: Clock,
        trading_mode: str,
        timings: Timings,
        watched: Collection[str] = (),
        gate: EntryGate = lambda: None,
        token: Callable[[], str] = new_token,
        capacity: int = CAPACITY,
        held_since: Callable[[], datetime] | None = None,
        complete_since: float | None = None,
    ) -> None:
        """Assembles the core. `held_since` returns when this process took the ledger, or was last sure of it; now by default.
        `gate` may hold entries back; `watched` are symbols whose rules and price are kept besides those that the portfolio needs;
        `token` generates the ids of approvals. `capacity` is the inbox's, `complete_since` that of FirstSending."""
        self.portfolio = portfolio
        self._watched = watched
        self.market = MarketDataCache(venue, clock, watched=self.needed)
        self.rates = ExchangeRates(portfolio, self.market, clock)
        self.decisions = DecisionService(
            portfolio=portfolio, market=self.market, rates=self.rates, balances=venue.balances, clock=clock, gate=gate
        )
        self.equity = EquityWatch(self.decisions.funds, ledger, portfolio, clock)
        began, account = clock.now(), AccountGuard(ledger, portfolio, clock)
        parts = self.market, self.rates, self.decisions, account, self.equity, held_since or (lambda: began)
        shared = SharedParts(portfolio, ledger, venue, *parts, trading_mode, clock, complete_since)
        first = shared.first_sending()
        self.symbol_halts = shared.symbol_halts(first, lambda: self.inbox)
        self.execution = shared.execution(first, self.symbol_halts.before_sending, timings, self._put, self._taken)
        self.comparing = ComparisonSchedule(self.symbol_halts, venue, portfolio, clock)
        self.executor = ExecutorAssembly(shared, first, self.execution, self.symbol_halts, token).executor()
        self.inbox = Inbox(ledger, self._handle, clock, capacity=capacity, is_at_hand=self.executor.is_at_hand)
        self.exits = ExitTimer(portfolio, ask := self.inbox.ask_all, clock)
        self.protection = ProtectionTimer(portfolio, self.market, ask, clock)
        self.entries = EntryTimer(portfolio, self.execution.entries, ask, clock)
        self.hearing = OrderHearing(OrderPoller(venue, portfolio, ask, clock), portfolio, ask, clock)

    async def _put(self, messages: Sequence[Message]) -> None:
        await self.inbox.ask_all(messages)

    def _taken(self, arrivals: Sequence[Arrival]) -> None:
        self.inbox.take(arrivals)

    async def _handle(self, stored: StoredMessage) -> MessageOutcome:
        outcome = await self.executor.handle(stored)
        if outcome.outcome == "ordered":
            self.comparing.want_soon(stored.message.mailbox)
        return outcome

    def needed(self) -> set[str]:
        """Returns the symbols whose rules and prices are kept in memory."""
        symbols = self.portfolio.instruments_needed(self._watched)
        return symbols | self.rates.pairs(symbols)

    async def load_rules(self, *, every: bool, known: Mapping[str, Instrument] = NONE_KNOWN) -> None:
        """Reads the rules of the needed symbols, or of `every` symbol there is, and those of the pairs that convert their
        amounts, as far as they can be read now; only those that are not `known`. Raises ExchangeUnavailable."""
        symbols = self.portfolio.instruments_needed(self._watched)
        self.market.learn_instruments(known)
        if not known or symbols - known.keys():
            await self.market.load_instruments(None if every else symbols)
        await self.rates.load(symbols)

    def start(self, left: LedgerState) -> None:
        """Recovers from a crash: for each symbol first its unsettled order, then the waiting messages, then new ones. Call it
        once the symbols' rules are loaded."""
        self.inbox.start(self._unsettled(left), left.waiting)
        self.compare()
        self.comparing.sweep()

    def _unsettled(self, left: LedgerState) -> list[tuple[str, Work]]:
        """Returns what each symbol has to find out first: about its own unsettled order, and about the legs of its plan. What the
        exchange is known to have comes before what may be sent again: it may have sold the same coins."""
        unsettled = sorted((order for order in left.orders if order.in_flight), key=lambda order: order.order_id is None)
        work: list[tuple[str, Work]] = [
            (order.symbol, partial(self.execution.recover, order)) for order in unsettled if not order.protects
        ]
        symbols = dict.fromkeys(order.symbol for order in unsettled if order.protects)
        return [*work, *((symbol, partial(self.execution.protection.recover, symbol)) for symbol in symbols)]

    def compare(self) -> None:
        """Queues each symbol that has something to compare."""
        self.comparing.want(self.comparable())

    def comparable(self) -> list[str]:
        """Returns the symbols that have something to compare."""
        known = {position.symbol for position in self.portfolio.positions.values() if position.is_open}
        known |= {symbol for symbol, hold in self.portfolio.holds.items() if hold.active or hold.differences}
        known |= {order.symbol for order in self.portfolio.in_flight.values()}
        # Each costs some of the rate limit: of many symbols, only those with something to compare.
        return sorted((known | set(self._watched) if len(self._watched) <= MOST_WATCHED else known) - {ACCOUNT})
