"""In-memory state: committed rows plus in-flight orders. Decisions read it; only commits change it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from core.domain.access import MAY_INVITE, Authenticator, Invite, Person, Reader, Role
from core.domain.account import ACCOUNT, Acknowledged
from core.domain.approval import Approval, ApprovalState
from core.domain.equity_mark import EquityMark, LossReset
from core.domain.instrument import Balance, Instrument
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.pending_exit import PendingExit
from core.domain.position import Position
from core.domain.risk_limit import LimitSet
from core.domain.signal import Side
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook
from core.domain.strategy_limit import StrategyLimit
from core.domain.strategy_pause import StrategyPause
from core.domain.symbol_halt import SymbolHalt
from core.domain.trade_plan import TradePlan
from core.domain.trading_state import TradingState
from core.policy.decision_context import RiskLimits
from core.policy.exits.protection import bound
from core.policy.risk.limits import asset_of, is_of, with_set
from core.policy.strategy_settings import AS_THE_ACCOUNT, StrategySettings
from core.policy.strategy_terms import StrategyTerms, terms_of
from core.records.commit_batch import CommitBatch
from core.records.kept_rows import KeptRows
from core.records.ledger_state import LedgerState
from core.state.trading_record import RunningRecord

_ANSWERED = 200

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Portfolio:
    """One process's view of its ledger. `in_flight` has the orders whose intent is committed or about to be, so that two symbols
    deciding at the same time cannot both take the last free place."""

    trading_state: TradingState
    settings: RiskLimits
    positions: dict[StrategyBook, Position] = field(default_factory=dict)
    in_flight: dict[str, Order] = field(default_factory=dict)
    resting: dict[str, Order] = field(default_factory=dict)  # open on the venue, which nobody waits for
    plans: dict[StrategyBook, TradePlan] = field(default_factory=dict)  # open ones
    approvals: dict[str, Approval] = field(default_factory=dict)  # open ones, by token
    answered: dict[str, Approval] = field(default_factory=dict)  # the last ones that were closed, by token
    holds: dict[str, SymbolHalt] = field(
        default_factory=dict
    )  # by symbol; includes accepted ones, so that the same cause does not halt again
    exits: dict[StrategyBook, PendingExit] = field(default_factory=dict)  # pending ones
    fixed: Mapping[int, Role] = field(default_factory=dict)  # named in the settings
    people: dict[int, Person] = field(default_factory=dict)  # let in through the chat, and not revoked
    invites: dict[str, Invite] = field(default_factory=dict)  # neither used nor withdrawn, by digest
    authenticators: dict[int, Authenticator] = field(default_factory=dict)  # the valid ones, by person
    readers: dict[int, Reader] = field(default_factory=dict)  # by chat
    limits_set: dict[str, LimitSet] = field(default_factory=dict)  # override the settings, by name
    balances: Mapping[str, Balance] = field(default_factory=dict)
    balances_at: datetime | None = None
    clock_offset: timedelta | None = None  # the exchange's clock minus ours, as last measured
    mark: int | None = None  # the ledger's own
    touched: set[str] = field(default_factory=set)  # symbols that an order was ever sent for
    acknowledged: dict[int, Acknowledged] = field(default_factory=dict)  # acknowledged traders on the account, by mark
    record: RunningRecord = field(default_factory=RunningRecord)
    equity_mark: EquityMark | None = None
    loss_reset: LossReset | None = None
    strategy_pauses: dict[str, StrategyPause] = field(default_factory=dict)  # by strategy; those that are paused
    strategy_limits: dict[tuple[str, str], StrategyLimit] = field(default_factory=dict)  # set in the chat, by strategy and name
    strategy_settings: StrategySettings = AS_THE_ACCOUNT
    moves: Counter[str] = field(default_factory=Counter)  # number of changes by symbol
    last_prices: dict[str, Decimal] = field(default_factory=dict)  # of our own newest fill since the start, by symbol
    limits: RiskLimits = field(init=False)
    """The limits in force."""
    _day: str = ""
    _results: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limits = with_set(self.settings, self.limits_set.values())

    @classmethod
    def from_ledger(
        cls,
        state: LedgerState,
        trading_state: TradingState,
        settings: RiskLimits,
        today: str,
        fixed: Mapping[int, Role] | None = None,
    ) -> "Portfolio":
        """Builds the portfolio. `trading_state` is for the first start; `settings` are the limits unless overridden; `fixed` are
        the people that the settings name."""
        portfolio = cls(
            fixed=fixed or {},
            trading_state=trading_state,
            settings=settings,
            mark=state.mark,
            touched=set(state.touched),
            record=RunningRecord.from_ledger(state.record),
            _day=today,
            _results={result.quote_asset: result.profit for result in state.today},
        )
        portfolio._keep(state)
        return portfolio

    def is_of(self, report: str) -> bool:
        """Tells whether all amounts set in the chat are in the asset `report`: others do not count."""
        made = (*self.limits_set.values(), *(one.limit for one in self.strategy_limits.values()))
        set_here = all(is_of(limit, report) for limit in made if limit.value is not None)
        return set_here and self.trading_state.asking.threshold(report) == self.trading_state.asking.above

    def role(self, user_id: int) -> Role | None:
        """Returns a person's role; None for a stranger. The settings come before the chat."""
        fixed = self.fixed.get(user_id)
        if fixed is not None:
            return fixed
        person = self.people.get(user_id)
        return person.role if person is not None else None

    def granted(self, invite: Invite, now: datetime) -> Role | None:
        """Returns the role that a link grants: never more than its maker has at that moment. None if it is no longer valid: used,
        withdrawn, too old, or its maker may not invite now."""
        inviter = self.role(invite.inviter)
        if invite.used_by is not None or now >= invite.expires_at or inviter is None or inviter < MAY_INVITE:
            return None
        return min(invite.role, inviter)

    def position(self, book: StrategyBook) -> Position:
        return self.positions.get(book) or Position.empty(book)

    @property
    def strategies(self) -> set[str]:
        """Returns every strategy that the ledger has a book of, or that the settings name."""
        books = (*self.positions, *self.plans, *self.exits)
        set_here = (strategy for strategy, _ in self.strategy_limits)
        named = {*self.strategy_pauses, *set_here, *self.strategy_settings.names, DEFAULT_STRATEGY}
        return {book.strategy for book in books} | named

    def limits_for(self, book: StrategyBook) -> RiskLimits:
        """Returns the limits in force for `book`."""
        return self.terms_for(book).limits

    def terms_for(self, book: StrategyBook, changes: Iterable[LimitSet] = ()) -> StrategyTerms:
        """Returns what holds for `book`: what STRATEGIES_FILE says, and what the chat has set for its strategy; after `changes`,
        if there are some."""
        made = self.set_for(book.strategy) | {change.name: change for change in changes}
        return terms_of(self.limits, self.strategy_settings, book, made.values())

    def changes_for(self, strategy: str, name: str, value: str | None, *, who: str, at: datetime) -> list[LimitSet]:
        """Returns what is to be set for `strategy`: `name` to `value`; without a name everything back that the chat has set."""
        names = [name] if name else sorted(self.set_for(strategy))
        return [LimitSet(one, value if name else None, who, at, asset_of(self.limits, one)) for one in names]

    def set_for(self, strategy: str) -> dict[str, LimitSet]:
        """Returns what the chat has set for `strategy`, by the name of the setting."""
        return {name: one.limit for (whose, name), one in self.strategy_limits.items() if whose == strategy}

    def trading_state_for(self, book: StrategyBook) -> TradingState:
        """Returns how the signals of `book` are acted upon: as the account's, or more strictly."""
        mode = self.strategy_settings.mode(self.trading_state.mode, book)
        return self.trading_state if mode is self.trading_state.mode else replace(self.trading_state, mode=mode)

    def positions_in(self, symbol: str) -> list[Position]:
        """Returns what the books of `symbol` hold, by strategy."""
        return sorted((one for one in self.positions.values() if one.symbol == symbol and one.qty), key=lambda one: one.book)

    def open_positions(self) -> list[Position]:
        """Returns the positions that are held and could be sold, oldest first. Dust is not among them."""
        held = [position for position in self.positions.values() if position.is_open]
        return sorted(held, key=lambda position: (position.opened_at is not None, position.opened_at, position.book))

    def count_open(self, *, besides: str, strategy: str | None = None) -> int:
        """Counts open positions, each strategy's for itself, and entries under way or resting that may become one, without the
        order with the id `besides`; only those of `strategy`, if one is named."""
        entering = {order.book for order in self.buying() if order.client_order_id != besides}
        books = entering | {position.book for position in self.positions.values() if position.is_open}
        return sum(strategy in (None, book.strategy) for book in books)

    def buying(self) -> list[Order]:
        """Returns the entries under way or resting."""
        return [order for order in (*self.in_flight.values(), *self.resting.values()) if order.side is Side.BUY]

    def in_flight_for(self, symbol: str) -> Order | None:
        """Returns the unsettled order of `symbol`: a mailbox has at most one, besides the orders that protect what it buys."""
        found = [order for order in self.in_flight.values() if order.symbol == symbol]
        return min(found, key=lambda order: order.protects, default=None)

    def resting_for(self, book: StrategyBook) -> list[Order]:
        """Returns the orders of `book` that rest on the venue to sell, oldest first."""
        return [order for order in self.resting.values() if order.book == book and order.side is Side.SELL]

    def entries_for(self, book: StrategyBook) -> list[Order]:
        """Returns the entries of `book` that rest on the venue: the steps of its position, and at most one other."""
        return [order for order in self.resting.values() if order.book == book and order.side is Side.BUY]

    def open_for(self, symbol: str) -> list[Order]:
        """Returns all orders of `symbol` that rest on the venue, of whatever strategy, oldest first."""
        return [order for order in self.resting.values() if order.symbol == symbol]

    def offers_in(self, symbol: str) -> list[Order]:
        """Returns the orders that rest on the venue to sell `symbol`, of whatever strategy, oldest first."""
        return [order for order in self.open_for(symbol) if order.side is Side.SELL]

    def protected(self, book: StrategyBook) -> Decimal:
        """Returns how much of the position the resting orders of its plan sell, in base asset."""
        return bound(order for order in self.resting_for(book) if order.protects)

    def unprotected(self, now: datetime) -> dict[str, float]:
        """Returns for how many seconds open positions with a plan have had no protection, by symbol: the longest of its
        strategies; 0 where all have."""
        lengths: dict[str, float] = {}
        for plan in [one for one in self.plans.values() if self.position(one.book).is_open]:
            length = (now - (plan.exposed_since or now)).total_seconds()
            lengths[plan.symbol] = max(lengths.get(plan.symbol, 0.0), length)
        return lengths

    def results_of(self, day: str) -> dict[str, Decimal]:
        """Returns net profits of the UTC day `day` (`YYYY-MM-DD`) by quote asset, without the zeros."""
        return {asset: profit for asset, profit in self._results.items() if profit} if day == self._day else {}

    def approval_for(self, book: StrategyBook) -> Approval | None:
        """Returns the open approval of `book`; there is at most one."""
        return next((approval for approval in self.approvals.values() if approval.signal.book == book), None)

    def capital(self, quotes: Iterable[str], instruments: Mapping[str, Instrument]) -> Mapping[str, Decimal] | None:
        """Returns the capital by quote asset: the balances of `quotes` and of the assets that positions are priced in, and the
        positions at their cost. None before the balances are known."""
        if self.balances_at is None:
            return None
        held = [(instruments[one.symbol].quote, one.cost) for one in self.open_positions() if one.symbol in instruments]
        found = dict.fromkeys((*quotes, *(quote for quote, _ in held)), ZERO)
        for quote, cost in held:
            found[quote] += cost
        return {quote: cost + self.balances[quote].total if quote in self.balances else cost for quote, cost in found.items()}

    def halt_on(self, symbol: str) -> SymbolHalt | None:
        """Returns the halt on `symbol`; None if there is none."""
        halt = self.holds.get(symbol)
        return halt if halt is not None and halt.active else None

    @property
    def account_halt(self) -> SymbolHalt | None:
        """Returns the halt on the whole account; None if there is none."""
        return self.halt_on(ACCOUNT)

    def active_halts(self) -> list[SymbolHalt]:
        """Returns every halt in force, by symbol."""
        return [halt for _, halt in sorted(self.holds.items()) if halt.active]

    def instruments_needed(self, configured: Iterable[str]) -> set[str]:
        """Returns the symbols whose rules and prices must be known: the configured ones and those held or awaiting approval."""
        held = {position.symbol for position in self.positions.values() if position.qty}
        asked = {approval.signal.symbol for approval in self.approvals.values()}
        orders = {order.symbol for order in (*self.in_flight.values(), *self.resting.values())}
        return {*configured, *held, *asked, *orders}

    def apply(self, batch: CommitBatch) -> None:
        """Applies a commit."""
        self.moves.update(position.symbol for position in batch.positions)
        self.moves.update(order.symbol for order in batch.orders)
        self.last_prices.update((fill.symbol, fill.price) for _, fill in batch.fills)
        self._keep(batch)
        self.record.apply(batch)
        for approval in batch.approvals:
            if approval.state is not ApprovalState.OPEN:
                self._remember(approval)
        for execution in batch.executions:
            if execution.profit_quote is not None:
                self._add_result(execution.executed_at, execution.quote_asset, execution.profit_quote)

    def _keep(self, rows: KeptRows) -> None:
        """Takes over the rows of a commit or of a start: each is kept while it matters, in place of the one of its key."""
        _update(self.positions, rows.positions, key=lambda one: one.book)
        _update(self.in_flight, rows.orders, key=lambda one: one.client_order_id, stays=lambda one: one.in_flight)
        _update(self.resting, rows.orders, key=lambda one: one.client_order_id, stays=lambda one: one.rests)
        _update(self.plans, rows.plans, key=lambda one: one.book, stays=lambda one: one.is_open)
        self.touched.update(order.symbol for order in rows.orders if order.state.in_flight)
        _update(self.approvals, rows.approvals, key=lambda one: one.token, stays=lambda one: one.state is ApprovalState.OPEN)
        _update(self.holds, rows.holds, key=lambda one: one.symbol)
        _update(self.acknowledged, rows.acknowledged, key=lambda one: one.mark)
        _update(self.exits, rows.exits, key=lambda one: one.book, stays=lambda one: one.is_open)
        pauses = rows.strategy_pauses
        _update(self.strategy_pauses, pauses, key=lambda one: one.strategy, stays=lambda one: one.paused)
        changes = rows.strategy_limits
        _update(self.strategy_limits, changes, key=_place, stays=lambda one: one.limit.value is not None)
        _update(self.people, rows.people, key=lambda one: one.user_id, stays=lambda one: one.revoked_at is None)
        _update(self.invites, rows.invites, key=lambda one: one.digest, stays=lambda one: one.used_by is None)
        _update(self.authenticators, rows.authenticators, key=lambda one: one.user_id, stays=lambda one: one.ended_at is None)
        _update(self.readers, rows.readers, key=lambda one: one.chat_id)
        self.trading_state = rows.trading_state or self.trading_state
        self.equity_mark = rows.equity_mark or self.equity_mark
        self.loss_reset = rows.loss_reset or self.loss_reset
        if rows.limits:
            _update(self.limits_set, rows.limits, key=lambda one: one.name)
            self.limits = with_set(self.settings, self.limits_set.values())

    def _remember(self, approval: Approval) -> None:
        self.answered[approval.token] = approval
        while len(self.answered) > _ANSWERED:
            self.answered.pop(next(iter(self.answered)))

    def _add_result(self, at: datetime, quote_asset: str, profit: Decimal) -> None:
        day = at.date().isoformat()
        if day > self._day:
            self._day, self._results = day, {}
        if day == self._day:
            self._results[quote_asset] = self._results.get(quote_asset, ZERO) + profit


def _place(one: StrategyLimit) -> tuple[str, str]:
    return one.strategy, one.limit.name


def _update(known: dict[K, V], rows: Iterable[V], *, key: Callable[[V], K], stays: Callable[[V], bool] = lambda _: True) -> None:
    for row in rows:
        if stays(row):
            known[key(row)] = row
        else:
            known.pop(key(row), None)
