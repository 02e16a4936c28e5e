"""Replays a recording: the trading core itself, on recorded prices and in virtual time."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TypeVar

from core.adapters.paper.memory_book import MemoryBook
from core.adapters.paper.paper_exchange import PaperExchange
from core.domain.instrument import Instrument
from core.domain.messages import AcceptRequested, ApprovalTimedOut, Message
from core.domain.money import EXACT, ZERO, multiply
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.signal import Side, client_order_id
from core.domain.strategy_limit import StrategyLimit
from core.domain.trading_state import Mode, TradingState
from core.policy.decision_context import RiskLimits
from core.policy.exits.time_limit import ends_at
from core.policy.strategy_settings import AS_THE_ACCOUNT, StrategySettings
from core.ports.timings import Stage
from core.records.ledger_state import LedgerState
from core.records.recording import Recording
from core.records.replay_result import PricesKnown, Replayed
from core.records.shadow import ShadowReport
from core.replay.carried import resting_orders, state_at_start
from core.replay.comparison import Results, Shown, compared
from core.replay.memory_ledger import MemoryLedger
from core.replay.prices import PricePoint, PriceSource, RecordedMarket, point, recorded_points
from core.replay.recorded_venue import MARK, RecordedVenue
from core.replay.rules import inferred_rules
from core.replay.script import Cue, answered_signals, cues, first_mode, first_order_id, looks, token_of, with_token
from core.replay.shadow import ShadowBooks, grouped
from core.replay.virtual_time import VirtualClock, run_in_virtual_time
from core.state.portfolio import Portfolio
from core.trading import Trading

T = TypeVar("T")

_ENOUGH = Decimal(10) ** 12
"""The balance of each asset on paper: the record does not tell what was free, so money refuses no order here."""
_FIRST_ORDER = 10**15
_SECOND = timedelta(seconds=1)
_STALE = timedelta(minutes=1)
_LOOKS = 40
"""The most looks, a second apart, that the timers take until everything is settled after something has happened."""
_MOST_LOOKS = 500
"""The most looks between two recorded moments: an exit that cannot be done may be due again and again for weeks."""
_LATE = timedelta(seconds=2)
"""The time after which something that is due is done here, if the record does not say when it was done."""
_PATIENCE = timedelta(minutes=15)
"""The time for which trading goes on after the last recorded price."""


@dataclass(frozen=True, slots=True)
class ReplayTerms:
    """The settings of a replay: the account's `limits`, those of strategies by file and by chat, and the `mode` if the record
    does not tell it.
    Without `instruments` the rules of symbols are inferred. `points` are further prices, as of candles; `strategy` names the only
    one that is reported. For a shadow see `shadow_of`."""

    limits: RiskLimits
    strategy_settings: StrategySettings = AS_THE_ACCOUNT
    strategy_limits: tuple[StrategyLimit, ...] = ()
    mode: Mode = Mode.AUTO
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    points: tuple[PricePoint, ...] = ()
    strategy: str | None = None
    is_shadow: bool = False


class _Untimed:
    """See `core.ports.timings.Timings`: virtual time says nothing about speed."""

    def signal_to_order(self, seconds: float) -> None: ...

    def stage(self, stage: Stage, seconds: float) -> None: ...


def replay(recording: Recording, terms: ReplayTerms) -> Replayed:
    """Replays a recording by `terms`. Takes about 5 ms a signal; the calling thread must have no running event loop."""
    return _made(recording, terms, _Replay.result)


def _made(recording: Recording, terms: ReplayTerms, result: "Callable[[_Replay], T]") -> T:
    script, points = cues(recording), sorted([*recorded_points(recording), *terms.points], key=lambda one: one.at)
    first = min([*(one.at for one in script), *(one.at for one in points)], default=recording.until)

    async def run(clock: VirtualClock) -> T:
        made = _Replay(recording, terms, clock)
        await made.run(script, points)
        return result(made)

    return run_in_virtual_time(min(first, recording.since or first) - _SECOND, run)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A price, a message, a look of the timers, or the end of an order that rested."""

    at: datetime
    seen: PricePoint | None = None
    cue: Cue | None = None
    is_look: bool = False


def shadow_of(recording: Recording, terms: ReplayTerms) -> ShadowReport:
    """Returns what was traded beside its shadow: every signal by the same policy, each order filled whole at once, at the price
    of its signal. As `replay`."""
    return _made(recording, replace(terms, is_shadow=True), _Replay.shadow)


class _Replay:
    """One replay, on its own clock."""

    def __init__(self, recording: Recording, terms: ReplayTerms, clock: VirtualClock) -> None:
        self._recording = recording
        self._terms = terms
        self._clock = clock
        self._rules = {**inferred_rules(recording), **terms.instruments}
        self._market = RecordedMarket(self._rules, clock)
        assets = {asset for one in self._rules.values() for asset in (one.base, one.quote)}
        book = MemoryBook(dict.fromkeys(assets, _ENOUGH), _FIRST_ORDER)
        paper = PaperExchange(market=self._market.guessing(), book=book, clock=clock, balances={}, rules_max_age=float("inf"))
        self._known = dict(recording.orders)
        self._venue = RecordedVenue(paper, self._market, self._known, clock, is_shadow=terms.is_shadow)
        self._venue.report_asset = terms.limits.report_asset
        self._ledger = MemoryLedger()
        self._names = count(1)
        self._answered = answered_signals(recording)
        sized = (one.order for one in recording.orders.values())
        known = ((one.created_at, one.sizing.equity) for one in sized if one.sizing is not None)
        self._equities = sorted(known)  # in the report asset
        self._carried = 0
        self._stale: set[str] = set()
        self._longest_gap = timedelta()

    async def run(self, script: Sequence[Cue], points: Sequence[PricePoint]) -> None:
        """Runs it to the end of the recording."""
        left = state_at_start(self._recording, self._rules)
        await self._start(left)
        moments = self._moments(script, points)
        following = [one.at for one in moments[1:]] + [self._recording.until]
        for moment, next_at in zip(moments, following[: len(moments)], strict=True):
            if moment.seen is not None and not self._matters(moment.seen):
                self._market.show(moment.seen)
                continue
            await self._until(moment.at)
            if moment.seen is not None:
                await self._show(moment.seen)
            if moment.cue is not None:
                await self._deliver(moment.cue)
            if moment.is_look:
                await self._look()
            await self._settle(next_at)
        await self._until(min(self._recording.until, self._clock.now() + _PATIENCE))
        if (failure := self._trading.inbox.failure).done():
            failure.result()  # a message that could not be handled
        self._carried = sum(1 for one in left.positions if one.is_open)

    def _moments(self, script: Sequence[Cue], points: Sequence[PricePoint]) -> list[_Moment]:
        """Returns everything that happens, in order; at the same moment prices come first, and the timers look last."""
        recording = self._recording
        ends = [one.order.updated_at for one in recording.orders.values() if one.order.terms.may_rest]
        found = [_Moment(one.at, seen=one) for one in points]
        found += [_Moment(one.at, cue=one) for one in script]
        found += [_Moment(at) for at in ends if at > self._clock.now()]
        found += [_Moment(at, is_look=True) for at in looks(recording)]
        return sorted(found, key=lambda one: (one.at, one.seen is None, one.is_look))

    async def _start(self, left: LedgerState) -> None:
        now, terms = self._clock.now(), self._terms
        trading_state = TradingState(mode=first_mode(self._recording, terms.mode))
        portfolio = Portfolio.from_ledger(left, trading_state, terms.limits, now.date().isoformat())
        portfolio.mark = MARK
        portfolio.strategy_settings = terms.strategy_settings
        portfolio.strategy_limits = {(one.strategy, one.limit.name): one for one in terms.strategy_limits}
        self._portfolio = portfolio
        self._trading = Trading(
            portfolio=portfolio,
            ledger=self._ledger,
            venue=self._venue,
            clock=self._clock,
            trading_mode="paper",
            timings=_Untimed(),
            token=lambda: f"replay-{next(self._names)}",
        )
        for recorded, order in zip(resting_orders(self._recording), left.orders, strict=True):
            self._venue.take_up(recorded)
            self._ledger.book(order, [fill for fill in recorded.fills if fill.at < now])
        for asked in left.approvals:
            if (known := self._recording.orders.get(client_order_id(asked.signal))) is not None:
                self._ledger.book(replace(known.order, state=OrderState.AWAITING_APPROVAL, reason=None), ())
        await self._trading.load_rules(every=True)
        self._trading.inbox.start((), ())

    def _matters(self, seen: PricePoint) -> bool:
        """Tells whether a candle's price may move anything: most come while nothing is held and nothing waits."""
        portfolio = self._portfolio
        waits = portfolio.resting or portfolio.in_flight or portfolio.exits or portfolio.approvals
        held = any(one.symbol == seen.symbol for one in portfolio.open_positions())
        return seen.source is not PriceSource.CANDLE or held or bool(waits)

    async def _show(self, seen: PricePoint) -> None:
        self._market.show(seen)
        await self._trading.market.freshen([seen.symbol])

    async def _until(self, at: datetime) -> None:
        """Lets time pass until `at`, with a look at whatever falls due meanwhile."""
        for _ in range(_MOST_LOOKS):
            if (due := self._due()) is None or due >= at:
                break
            if (moment := max(due, self._clock.now() + _SECOND)) >= at:
                break
            await self._clock.until(moment)
            await self._look()
            await self._settle(at)
        self._note_gap(at)
        await self._clock.until(at)

    def _note_gap(self, at: datetime) -> None:
        """Notes for how long no price was known while something was held."""
        held = [one.symbol for one in self._portfolio.open_positions()]
        ages = [at - self._clock.now() + age for symbol in held if (age := self._market.age(symbol)) is not None]
        self._longest_gap = max([self._longest_gap, *ages])

    def _due(self) -> datetime | None:
        """Returns when the next thing that falls due by time alone is done at the latest, if the record has not done it before;
        None if nothing is due."""
        portfolio = self._portfolio
        exits = [one.due_at for one in portfolio.exits.values()]
        entries = [one.expires_at for one in portfolio.resting.values() if one.side is Side.BUY and one.expires_at is not None]
        held = [one for one in portfolio.plans.values() if portfolio.position(one.book).is_open]
        ends = [end for one in held if (end := ends_at(one)) is not None]
        asked = [one.expires_at for one in portfolio.approvals.values()]
        first = min([*exits, *entries, *ends, *asked], default=None)
        return first + _LATE if first is not None else None

    async def _deliver(self, cue: Cue) -> None:
        message = cue.message
        if cue.price is not None:
            await self._show(point(message.mailbox, cue.at, cue.price, PriceSource.DECISION))
        if cue.stands_for:
            self._known[_name_of(message)] = self._recording.orders[cue.stands_for]
        if (token := token_of(message)) is not None:
            name = self._answered.get(token)
            asked = [one for one, each in self._portfolio.approvals.items() if client_order_id(each.signal) == name]
            if not asked:
                return  # nobody was asked here
            message = with_token(message, asked[0])
        self._value_account()
        await self._trading.inbox.submit(message)
        await self._clock.calm()

    def _value_account(self) -> None:
        """Gives the venue the money that the account had, by what the last computed size counted from."""
        number = bisect_right(self._equities, self._clock.now(), key=lambda one: one[0])
        if not number:
            return
        held = [(one.qty, self._market.price(one.symbol)) for one in self._portfolio.open_positions()]
        worth = sum((multiply(qty, price) for qty, price in held if price is not None), ZERO)
        self._venue.money = max(EXACT.subtract(self._equities[number - 1][1], worth), ZERO)

    async def _settle(self, until: datetime) -> None:
        """Has the timers look, second by second, until nothing happens any more, or it is `until`."""
        await self._hear()
        for _ in range(_LOOKS):
            if self._clock.now() + _SECOND >= until:
                return
            await self._clock.sleep(1)
            before = self._ledger.commits
            await self._look()
            if self._ledger.commits == before and not self._is_busy():
                return

    def _is_busy(self) -> bool:
        portfolio, now = self._portfolio, self._clock.now()
        return bool(portfolio.in_flight) or any(one.due_at <= now for one in portfolio.exits.values())

    async def _hear(self) -> None:
        """Hears what became of orders at this moment, as the exchange's stream tells it."""
        await self._venue.follow()
        await self._trading.hearing.run()
        await self._clock.calm()

    async def _look(self) -> None:
        """Has the timers look."""
        trading, before = self._trading, set(self._venue.on_paper)
        await self._venue.follow()
        held = {one.symbol for one in self._portfolio.open_positions()}
        if held:
            await trading.market.freshen(held)
        for timer in (trading.exits, trading.entries, trading.protection, trading.hearing):
            await timer.run()
        await self._end_approvals()
        await self._clock.calm()
        self._note_stale(self._venue.on_paper - before)

    async def _end_approvals(self) -> None:
        now = self._clock.now()
        for token, asked in list(self._portfolio.approvals.items()):
            if now >= asked.expires_at + _LATE:
                body = ApprovalTimedOut(token)
                await self._trading.inbox.submit(Message("timer", f"replay:{token}", asked.signal.symbol, body, now))

    def _note_stale(self, sent: set[str]) -> None:
        """Notes which of the orders that were just `sent` on paper had an old price."""
        for name in sent:
            order = self._ledger.orders.get(name)
            age = self._market.age(order.symbol) if order is not None else None
            if age is not None and age > _STALE:
                self._stale.add(name)

    def result(self) -> Replayed:
        """Returns what came of it beside the record."""
        recording, shown = self._recording, self._shown()
        bodies = [one.message.body for one in recording.messages]
        return Replayed(
            since=recording.since,
            until=recording.until,
            signals=compared(recording, self._ledger, shown),
            before=self._recorded().totals(shown),
            now=self._replayed().totals(shown),
            prices=self._prices(),
            carried=self._carried,
            pruned=recording.pruned,
            accepted=sum(1 for body in bodies if isinstance(body, AcceptRequested)),
            inferred=not self._terms.instruments,
        )

    def shadow(self) -> ShadowReport:
        """Returns what was traded beside what came of it."""
        recording = self._recording
        books = ShadowBooks(
            traded=grouped(self._recorded().executions, self._first_name),
            shadow=grouped(self._replayed().executions, self._first_name),
            decided={name: one.order.price for name, one in recording.orders.items() if one.order.leg is None},
            price=self._market.price,
            fee_values=recording.fee_values,
        )
        return books.report(recording.since, recording.until)

    def _first_name(self, one: Execution) -> str:
        """Returns the client order id of an order's signal when it came: an exit that is retried has another one each time."""
        recorded = self._recording.orders.get(one.client_order_id)
        order = self._ledger.orders.get(one.client_order_id) or (recorded.order if recorded is not None else None)
        return first_order_id(order.signal) if order is not None else one.client_order_id

    def _shown(self) -> Shown:
        wanted = self._terms.strategy
        return lambda strategy: wanted is None or strategy == wanted

    def _recorded(self) -> Results:
        since, recording = self._recording.since, self._recording
        return Results(
            executions=[one for one in recording.executions if since is None or one.executed_at >= since],
            trades=[one for one in recording.trades if since is None or one.closed_at >= since],
            positions=[(one, self._rules[one.symbol].quote) for one in recording.positions if one.is_open],
            price=self._market.price,
            fee_values=recording.fee_values,
        )

    def _replayed(self) -> Results:
        return Results(
            executions=list(self._ledger.executions.values()),
            trades=list(self._ledger.trades.values()),
            positions=[(one, self._rules[one.symbol].quote) for one in self._portfolio.open_positions()],
            price=self._market.price,
            fee_values=self._recording.fee_values,
        )

    def _prices(self) -> PricesKnown:
        points = [*recorded_points(self._recording), *self._terms.points]
        counted = {source.value: sum(1 for one in points if one.source is source) for source in PriceSource}
        signals = {one.signal.symbol for one in self._recording.messages if one.signal is not None}
        return PricesKnown(
            points=counted,
            on_paper=len(self._venue.on_paper & self._ledger.orders.keys()),
            stale=len(self._stale),
            longest_gap=self._longest_gap.total_seconds(),
            unknown=tuple(sorted(signals - {one.symbol for one in points})),
        )


def _name_of(message: Message) -> str:
    signal = getattr(message.body, "signal", None)
    return client_order_id(signal) if signal is not None else ""
