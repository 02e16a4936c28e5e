"""Commands of people and timers besides trading: pause, settings, cancelling, access. Decides; commits nothing."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from core.domain.account import ACCOUNT
from core.domain.equity_mark import LossReset, Protection
from core.domain.errors import ExchangeUnavailable
from core.domain.events.control import (
    ControlsChanged,
    LimitChanged,
    PanicOver,
    ProtectionReset,
    StrategyChanged,
    StrategyLimitsChanged,
)
from core.domain.events.priority import Priority
from core.domain.events.process import DigestMade
from core.domain.events.table import Event
from core.domain.messages import (
    AboutPeople,
    AcceptRequested,
    CancelRequested,
    ControlsRequested,
    DigestDue,
    LimitRequested,
    PanicEnded,
    PauseTimedOut,
    ResetRequested,
    StrategyLimitRequested,
    StrategyRequested,
)
from core.domain.reasons import Reason, reason
from core.domain.retry_backoff import RetryBackoff
from core.domain.risk_limit import LimitSet
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.strategy_limit import StrategyLimit
from core.domain.strategy_pause import StrategyPause
from core.domain.trading_state import Pause, TradingState
from core.engine.access_commands import AccessCommands
from core.engine.symbol_halts import SymbolHalts
from core.execution.account_guard import AccountGuard
from core.execution.equity_watch import EquityWatch
from core.policy.drawdown import drawdown_pct
from core.policy.risk.limits import SETTABLE_LIMITS, asset_of, is_good, shown, with_set
from core.policy.strategy_settings import EVERY
from core.policy.strategy_terms import STRATEGY_LIMITS
from core.ports.clock import Clock
from core.ports.venue import Venue
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

CANCEL_BACKOFF = RetryBackoff(first=0.25, longest=5.0)

ControlCommand = (
    ControlsRequested
    | PauseTimedOut
    | PanicEnded
    | LimitRequested
    | StrategyRequested
    | StrategyLimitRequested
    | ResetRequested
    | CancelRequested
    | AcceptRequested
    | DigestDue
    | AboutPeople
)


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """Nothing changes. `outcome` is the message's: `ignored`, `denied` or `failed`."""

    outcome: str
    reason: Reason


class ControlCommands:
    """Turns a command into a commit, based on the current portfolio."""

    def __init__(
        self,
        portfolio: Portfolio,
        venue: Venue,
        symbol_halts: SymbolHalts,
        account: AccountGuard,
        equity: EquityWatch,
        *,
        clock: Clock,
    ) -> None:
        self._portfolio = portfolio
        self._venue = venue
        self._symbol_halts = symbol_halts
        self._account = account
        self._equity = equity
        self._clock = clock
        self._access_commands = AccessCommands(portfolio, clock)

    def alone(self, command: ControlCommand) -> AbstractAsyncContextManager[object]:
        """Blocks whatever could contradict `command` until its effects are committed."""
        if isinstance(command, ResetRequested):
            return self._equity.one_at_a_time
        is_of_account = isinstance(command, AcceptRequested) and command.symbol == ACCOUNT
        return self._account.one_at_a_time if is_of_account else nullcontext()

    async def batch_of(self, command: ControlCommand) -> CommitBatch | CommandRefused:  # noqa: C901, PLR0911 - flat: a line for each wish
        """Returns what to commit for it, or why nothing changes."""
        match command:
            case ControlsRequested():
                return self._controls(command)
            case PauseTimedOut():
                return self._pause_over(command)
            case PanicEnded():
                return self._panic_over(command)
            case LimitRequested():
                return self._limit(command)
            case StrategyRequested():
                return self._strategy(command)
            case StrategyLimitRequested():
                return self._strategy_limit(command)
            case ResetRequested():
                return await self._reset(command)
            case CancelRequested():
                return await self._cancel(command)
            case AcceptRequested():
                return await self._accept(command)
            case DigestDue(digest):
                return CommitBatch(events=[DigestMade(digest)])
            case _:
                found = self._access_commands.batch_of(command)
                return CommandRefused("denied", found) if isinstance(found, Reason) else found

    def _controls(self, command: ControlsRequested) -> CommitBatch:
        after = replace(self._portfolio.trading_state, changed_by=command.who, changed_at=self._clock.now())
        if command.pause is not None:
            after = replace(after, pause=command.pause, until=command.until if command.pause is not Pause.OFF else None)
        if command.mode is not None:
            asset = self._portfolio.limits.report_asset if command.asking.above else ""
            after = replace(after, mode=command.mode, asking=replace(command.asking, asset=asset))
        return self._set(replace(after, panic=command.panic or after.panic), command.user_id)

    def _pause_over(self, command: PauseTimedOut) -> CommitBatch | CommandRefused:
        before = self._portfolio.trading_state
        if before.until != command.until:  # somebody has paused again or resumed
            return CommandRefused("ignored", reason("pause_changed"))
        return self._set(replace(before, pause=Pause.OFF, until=None, changed_at=self._clock.now()), 0)

    def _panic_over(self, command: PanicEnded) -> CommitBatch | CommandRefused:
        panic = self._portfolio.trading_state.panic
        if panic is None or panic.source_id != command.source_id:  # taken back meanwhile, and reported
            return CommandRefused("ignored", reason("panic_over"))
        return self._set(replace(self._portfolio.trading_state, panic=None), 0)

    def _set(self, after: TradingState, user_id: int) -> CommitBatch:
        """Returns the commit that sets `after`. A panic lasts as long as its pause. Its end is reported, however it came."""
        before = self._portfolio.trading_state
        if after.pause is not Pause.ALL:
            after = replace(after, panic=None)
        set_anew = replace(after, changed_by=before.changed_by, changed_at=before.changed_at, panic=before.panic) != before
        changed = ControlsChanged(before, after, user_id)
        events: list[Event] = [changed] if set_anew else []
        if changed.begins_panic:  # before its sales, which are urgent too
            events = [replace(changed, priority=Priority.URGENT)]
        if before.panic is not None and after.panic is None:
            events.append(PanicOver(before.panic.who, self._held(), after.pause is Pause.ALL, dust=self._dust()))
        return CommitBatch(trading_state=after, events=events)

    def _held(self) -> tuple[str, ...]:
        """Returns the symbols of which something is held, or ordered."""
        orders = (*self._portfolio.in_flight.values(), *self._portfolio.resting.values())
        entering = {order.symbol for order in orders if order.side is Side.BUY}
        return tuple(sorted({one.symbol for one in self._portfolio.open_positions()} | entering))

    def _dust(self) -> tuple[tuple[str, Decimal], ...]:
        """Returns what is too little for any order, by symbol."""
        left = [one for one in self._portfolio.positions.values() if one.qty and not one.is_open]
        return tuple((one.symbol, one.qty) for one in sorted(left, key=lambda one: one.book))

    def _limit(self, command: LimitRequested) -> CommitBatch | CommandRefused:
        """Changes what was confirmed: if another value is in force by now, that was not."""
        if command.name not in SETTABLE_LIMITS or (command.value is not None and not is_good(command.name, command.value)):
            return CommandRefused("denied", reason("bad_limit", name=command.name, value=command.value))
        before = shown(self._portfolio.limits, command.name)
        if command.before not in (None, before):
            return CommandRefused("denied", reason("limit_changed", name=command.name, value=before or "–"))
        limit = LimitSet(
            command.name, command.value, command.who, self._clock.now(), asset_of(self._portfolio.settings, command.name)
        )
        after = with_set(self._portfolio.settings, {**self._portfolio.limits_set, command.name: limit}.values())
        event = LimitChanged(limit, before, shown(after, command.name), command.user_id)
        return CommitBatch(limits=[limit], events=[event])

    def _strategy(self, command: StrategyRequested) -> CommitBatch:
        pause = StrategyPause(command.strategy, command.paused, command.who, self._clock.now())
        return CommitBatch(strategy_pauses=[pause], events=[StrategyChanged(pause, command.user_id)])

    def _strategy_limit(self, command: StrategyLimitRequested) -> CommitBatch | CommandRefused:
        """Changes what was confirmed: if other values are in force by now, they were not."""
        strategy, now = command.strategy, self._clock.now()
        if command.name and (
            command.name not in STRATEGY_LIMITS or not (command.value is None or is_good(command.name, command.value))
        ):
            return CommandRefused("denied", reason("bad_limit", name=command.name, value=command.value))
        made = self._portfolio.changes_for(strategy, command.name, command.value, who=command.who, at=now)
        book = StrategyBook(EVERY, strategy)
        changes = self._portfolio.terms_for(book).changes(self._portfolio.terms_for(book, made))
        if tuple(changes) != command.changes:
            return CommandRefused("denied", reason("settings_changed", strategy=strategy))
        event = StrategyLimitsChanged(
            strategy, command.changes, self._portfolio.limits.report_asset, command.who, now, command.user_id
        )
        return CommitBatch(strategy_limits=[StrategyLimit(strategy, one) for one in made], events=[event])

    async def _reset(self, command: ResetRequested) -> CommitBatch | CommandRefused:
        """Starts a protection anew: the equity's peak is what there is now, or losing exits count from now on."""
        now, known = self._clock.now(), self._portfolio.equity_mark
        if command.what is Protection.LOSSES:
            before = Decimal(self._portfolio.record.most_losing_exits)
            event = ProtectionReset(command.what, before, command.who, now, command.user_id)
            return CommitBatch(loss_reset=LossReset(now, command.who), events=[event])
        mark = await self._equity.begin_anew()
        if isinstance(mark, Reason):
            return CommandRefused("denied", mark)
        before = drawdown_pct(known) if known is not None else Decimal(0)
        return CommitBatch(equity_mark=mark, events=[ProtectionReset(command.what, before, command.who, now, command.user_id)])

    async def _cancel(self, command: CancelRequested) -> CommitBatch | CommandRefused:
        """Cancels an order: retries until it is cancelled or has ended by itself. The exchange may be away, and what has not
        arrived there cannot be cancelled yet. The sender of the order finds out its outcome and reports it, as for any other."""
        pause = CANCEL_BACKOFF.first
        while True:
            try:
                if await self._venue.cancel_order(command.symbol, command.client_order_id):
                    return CommitBatch()
            except ExchangeUnavailable as error:
                log.warning("the order cannot be cancelled yet", client_order_id=command.client_order_id, error=str(error))
                pause = max(pause, error.retry_after)
            if command.client_order_id not in self._portfolio.in_flight:
                return CommandRefused("ignored", reason("not_resting", order_id=command.client_order_id))
            await self._clock.sleep(pause)
            pause = CANCEL_BACKOFF.longer(pause)

    async def _accept(self, command: AcceptRequested) -> CommitBatch | CommandRefused:
        batch: CommitBatch | Reason | None
        try:
            if command.symbol == ACCOUNT:
                batch = self._account.accept(command.shown, command.who)
            else:
                batch = await self._symbol_halts.accept(command.symbol, command.who)
        except ExchangeUnavailable as error:
            return CommandRefused("denied", reason("unreachable", detail=error))
        if batch is not None:
            return CommandRefused("denied", batch) if isinstance(batch, Reason) else batch
        changed = command.symbol == ACCOUNT and self._portfolio.account_halt is not None
        return CommandRefused("ignored", reason("hold_changed") if changed else reason("not_held", symbol=command.symbol))
