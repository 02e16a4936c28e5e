"""Compares ledger and exchange while the program runs: entries of a symbol where they disagree are halted until they agree."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Protocol

import structlog

from core.domain.assets import FEE_COIN
from core.domain.errors import ExchangeUnavailable, LeaseLost, LedgerUnavailable, SymbolUnknown
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted, SymbolResumed
from core.domain.instrument import Instrument
from core.domain.messages import Message
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Order
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.symbol_halt import SymbolHalt
from core.execution.account_guard import AccountGuard
from core.execution.first_sending import FirstSending
from core.execution.order_adoption import found_again, found_message, not_adopted
from core.policy.exits.protection import exposed
from core.policy.order_ownership import Ours
from core.policy.third_asset_fees import without_from
from core.ports.clock import Clock
from core.ports.ledger import Ledger
from core.ports.venue import Venue
from core.reconciliation.symbol_comparison import RECENT, Sorted, differences_of_gone, missing_coins, sort_orders, total
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from core.state.market_data import MarketDataCache
from core.state.portfolio import Portfolio

log = structlog.get_logger(__name__)

EXIT_PATIENCE_SECONDS = 2.0
AGAIN_PATIENCE_SECONDS = 15.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0  # seconds between two looks: the exchange's reports may lag


class Turns(Protocol):
    """The parts of the inbox that a comparison needs: see `core.engine.inbox`."""

    def also(self, mailbox: str, work: Callable[[], Awaitable[object]]) -> bool: ...
    async def submit(self, message: Message) -> object: ...
    async def handle_now(self, message: Message) -> MessageOutcome | None: ...
    def is_busy(self, mailbox: str) -> bool: ...
    def is_waiting(self, message: Message) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The positions that share a base asset, and the change counts of their symbols when they were read."""

    positions: Mapping[StrategyBook, Position]
    moves: Mapping[str, int]


class SymbolHalts:
    """Compares with the exchange outside the mailboxes, and takes a symbol's turn only to commit the result."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        venue: Venue,
        market: MarketDataCache,
        portfolio: Portfolio,
        clock: Clock,
        account: AccountGuard,
        first: FirstSending,
        held_since: Callable[[], datetime],
        inbox: Callable[[], Turns],
    ) -> None:
        """Builds it. `held_since` returns when this process took the ledger, or was last sure of it again; earlier observations
        do not count."""
        self._ledger = ledger
        self._venue = venue
        self._market = market
        self._portfolio = portfolio
        self._clock = clock
        self._account = account
        self._first = first
        self._held_since = held_since
        self._inbox = inbox
        self._looked_at: dict[str, datetime] = {}  # as of which tenure of the ledger
        self._early: set[str] = set()  # looked at while an order of an earlier process could still arrive

    async def check(self, symbol: str) -> None:
        """Compares a symbol, and halts or resumes it; halts the account, and has lost orders adopted. What cannot be asked now is
        asked at the next check."""
        structlog.contextvars.bind_contextvars(symbol=symbol)
        try:
            seen = await self._differences(symbol)
            if seen is not None:
                found, snapshot = seen
                if self._decide(symbol, found).holds:
                    self._inbox().also(symbol, partial(self._commit_unmoved, symbol, found, snapshot))
        except (ExchangeUnavailable, LedgerUnavailable) as error:
            log.warning("ledger and exchange cannot be compared now", error=str(error))
        except LeaseLost:
            raise
        except Exception:  # a failed check must not stop its caller
            log.exception("ledger and exchange could not be compared")

    async def _commit_unmoved(self, symbol: str, found: tuple[Reason, ...], snapshot: _Snapshot) -> None:
        """Commits the result in the symbol's turn. If something has moved since the look nothing is certain, and the next check
        looks."""
        if self._snapshot(symbol) != snapshot:
            return
        batch = self._decide(symbol, found)
        try:
            await self._ledger.commit(batch)
        except LedgerUnavailable as error:
            log.warning("the differences cannot be stored now", error=str(error))
        else:
            self._portfolio.apply(batch)

    def _decide(self, symbol: str, found: tuple[Reason, ...]) -> CommitBatch:
        known, halted, now = self._portfolio.holds.get(symbol), self._portfolio.halt_on(symbol), self._clock.now()
        if found and (known is None or known.differences != found):
            halt = SymbolHalt(symbol, found, halted.since if halted is not None else now)
            log.warning("entries of the symbol are halted", differences=halt.words)
            return CommitBatch(holds=[halt], events=[SymbolHalted(halt)])
        if not found and halted is not None:
            halt = replace(halted, lifted_at=now)
            return CommitBatch(holds=[halt], events=[SymbolResumed(halt)])
        if not found and known is not None and known.differences:
            # What was accepted is gone: should the same return, it is a new finding.
            return CommitBatch(holds=[replace(known, differences=())])
        return CommitBatch()

    async def _differences(self, symbol: str) -> tuple[tuple[Reason, ...], _Snapshot] | None:
        """Returns the differences, and the snapshot that they were seen by; None if something always moved. Believes at once that
        nothing differs, but a difference only if it is seen twice in a row."""
        before: tuple[Reason, ...] | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                await self._clock.sleep(_PAUSE_SECONDS)
            seen = await self._look(symbol)
            if seen is not None and seen[0] in (before, ()):
                return seen
            before = seen[0] if seen is not None else None
        return None

    async def _look(self, symbol: str) -> tuple[tuple[Reason, ...], _Snapshot] | None:
        instrument = await self._market.find_instrument(symbol)
        snapshot = self._snapshot(symbol)
        if self._market.is_gone(symbol):
            self._looked_at.pop(symbol, None)  # should it come back, its orders are looked for first
            held = _held(self._portfolio.positions_in(symbol))
            return (tuple(differences_of_gone(symbol, held)), snapshot) if snapshot is not None else None
        if instrument is None:
            return None
        found = await self.look_for_orders(symbol)
        unbooked = self._unbooked(symbol, found)
        if snapshot is None or len(unbooked) < len(found.lost) or found.unheard or self._market.is_gone(symbol):
            return None
        missing = missing_coins(instrument, _held(snapshot.positions.values()), await self._venue.balances())
        if missing and await self._has_unheard_fills(self._alike(instrument)):
            return None
        return ((*missing, *found.differences, *unbooked), snapshot) if self._snapshot(symbol) == snapshot else None

    async def _has_unheard_fills(self, symbols: set[str]) -> bool:
        """Tells whether an order that rests in one of `symbols` has filled or ended, which is not booked yet: then it explains
        what is missing, and is heard of within seconds."""
        for symbol in symbols:
            resting = self._portfolio.open_for(symbol)
            shown = {report.client_order_id: report for report in await self._venue.open_orders(symbol)} if resting else {}
            for order in resting:
                report = shown.get(order.client_order_id)
                if report is None or report.executed_qty != order.executed_qty:
                    return True
        return False

    async def look_for_orders(self, symbol: str) -> Sorted:
        """Halts the account because of other traders' orders, and has lost ones adopted. Raises ExchangeUnavailable and
        LedgerUnavailable."""
        since, is_early = self._held_since(), not self._first.fence().is_past
        found = await self._orders(symbol)
        if found.lost:
            # They wait for their turn behind what came before: whoever orders until then has to look as well.
            self._looked_at.pop(symbol, None)
        await self._account.halt(found.strange)
        for report in found.lost:
            first = found_message(report, self._clock)
            if await self._inbox().submit(first) is None and not self._inbox().is_waiting(first):
                await self._inbox().submit(found_again(report, self._clock))
        if not found.lost:
            self._note_look(symbol, since, is_early=is_early)
        return found

    def _note_look(self, symbol: str, since: datetime, *, is_early: bool) -> None:
        """Notes a look of the tenure `since`, once what it found is stored: one that the ledger broke off proves nothing."""
        if not self._market.is_gone(symbol):
            self._looked_at[symbol] = since
            (self._early.add if is_early else self._early.discard)(symbol)

    def is_looked_at(self, symbol: str) -> bool:
        """Tells whether the orders of `symbol` were looked at to the end since this process holds the ledger. Once what an
        earlier process sent can no longer arrive, an earlier look does not count any more: it may have missed that."""
        is_outdated = symbol in self._early and self._first.fence().is_past
        return self._looked_at.get(symbol) == self._held_since() and not is_outdated

    async def before_order(
        self, side: Side, symbol: str, client_order_id: str, *, patience: float = EXIT_PATIENCE_SECONDS
    ) -> Reason | None:
        """Looks for orders of the symbol that this ledger does not know, in the symbol's turn, before the first order there,
        which is to have `client_order_id`. Lost orders are adopted at once. Returns the reason why nothing may be ordered now. An
        exit does not wait for an exchange that does not answer soon. Raises LedgerUnavailable."""
        since, is_early = self._held_since(), not self._first.fence().is_past
        try:
            async with asyncio.timeout(patience if side is Side.SELL else None):
                found = await self._orders(symbol)
        except (ExchangeUnavailable, TimeoutError) as error:
            log.warning("the exchange cannot be asked about earlier orders", error=str(error) or "no answer in time")
            return None if side is Side.SELL else reason("not_compared", symbol=symbol, detail=error)
        await self._account.halt(found.strange)
        for report in found.lost:
            if await self._inbox().handle_now(found_message(report, self._clock)) is None:
                await self._inbox().handle_now(found_again(report, self._clock))
        differences = (*found.differences, *self._unbooked(symbol, found))
        if found.differences and (batch := self._decide(symbol, differences)).holds:
            await self._ledger.commit(batch)
            self._portfolio.apply(batch)
        self._note_look(symbol, since, is_early=is_early)
        same = next((report for report in found.lost if report.client_order_id == client_order_id), None)
        return reason("already_ordered", order_id=same.order_id) if same is not None else None

    async def before_sending(self, order: Order) -> Reason | None:
        """Looks as `before_order` does, unless the symbol's orders were looked at already. An exit that was sent in vain before
        has waited longer than this takes."""
        if self.is_looked_at(order.symbol):
            return None
        return await self.before_order(order.side, order.symbol, order.client_order_id, patience=AGAIN_PATIENCE_SECONDS)

    def _unbooked(self, symbol: str, found: Sorted) -> tuple[Reason, ...]:
        """Returns a reason for lost orders that could not be adopted: the symbol's halt remembers them."""
        halted = self._portfolio.halt_on(symbol)
        return tuple(why for why in map(not_adopted, found.lost) if halted is not None and why in halted.differences)

    def not_adopted(self, report: ExecutionReport) -> CommitBatch:
        """Returns the commit for an order that a bug of ours kept from being adopted: entries of its symbol are halted, which is
        reported once, until the next look has it adopted."""
        halted, why = self._portfolio.halt_on(report.symbol), not_adopted(report)
        known = halted.differences if halted is not None else ()
        return self._decide(report.symbol, known if why in known else (*known, why))

    async def _orders(self, symbol: str) -> Sorted:
        """Returns the newest orders of `symbol`, sorted. The exchange shows only orders that were committed here before they were
        sent, so the ledger is read afterwards."""
        try:
            recent = await self._venue.recent_orders(symbol, RECENT)
        except SymbolUnknown:
            self._looked_at.pop(symbol, None)
            await self._market.load_instruments([symbol])
            if not self._market.is_gone(symbol):  # the exchange contradicts itself: nothing is certain then
                raise
            return Sorted()
        orders = await self._ledger.find_orders([report.client_order_id for report in recent.reports])
        return sort_orders(recent, orders, Ours(self._portfolio.mark, self._portfolio.acknowledged))

    def _snapshot(self, symbol: str) -> _Snapshot | None:
        """Returns the snapshot; None while an order, or the fee of one, could change it."""
        instrument = self._market.instrument(symbol)
        same = self._alike(instrument) if instrument is not None else {symbol}
        if any(order.symbol in same for order in self._portfolio.in_flight.values()):
            return None
        if instrument is not None and instrument.base == FEE_COIN and self._fees_under_way(same - {symbol}):
            return None
        positions = {book: position for book, position in self._portfolio.positions.items() if book.symbol in same}
        return _Snapshot(positions, {name: self._portfolio.moves[name] for name in same})

    def _fees_under_way(self, others: set[str]) -> bool:
        """Tells whether an order of any symbol may be paying its fee now, or a fee paid may wait in the mailbox of one of
        `others`; in the symbol's own mailbox it comes before the result of a look."""
        return bool(self._portfolio.in_flight) or any(self._inbox().is_busy(other) for other in others)

    def _alike(self, instrument: Instrument) -> set[str]:
        return {name for name, rules in self._market.instruments().items() if rules.base == instrument.base}

    async def accept(self, symbol: str, who: str) -> CommitBatch | Reason | None:
        """Returns the commit that accepts the exchange's figures; None if the symbol is not halted. Returns the reason why not
        while a lost order is still to be booked: its amount would be written off twice. Raises ExchangeUnavailable, also while an
        order in the same asset is under way: the account's balance proves nothing then."""
        halted = self._portfolio.halt_on(symbol)
        if halted is None:
            return None
        if unbooked := next((one for one in halted.differences if one.code == "not_adopted"), None):
            return unbooked
        instrument = await self._market.find_instrument(symbol)
        after = await self._as_there_is(symbol, instrument)
        missing, cost = ZERO, ZERO
        batch = CommitBatch(positions=after)
        for position in after:
            before = self._portfolio.position(position.book)
            missing, cost = missing + before.qty - position.qty, cost + before.cost - position.cost
            if (plan := self._portfolio.plans.get(position.book)) is not None:
                batch.plans.append(exposed(plan, self._clock.now()))  # what rests is for more than is held now
        halt = replace(halted, lifted_at=self._clock.now(), lifted_by=who)
        batch.holds.append(halt)
        batch.events.append(HaltAccepted(halt, missing, cost, instrument.base if instrument else "", _quote(instrument)))
        return batch

    async def _as_there_is(self, symbol: str, instrument: Instrument | None) -> list[Position]:
        """Returns the positions of `symbol` of which the exchange has less than the ledger, as they are without that. Raises
        ExchangeUnavailable."""
        held = self._portfolio.positions_in(symbol)
        if self._market.is_gone(symbol):
            return [Position.empty(one.book) for one in held]
        if instrument is None or not held:
            return []
        seen = await self._total_seen_twice(symbol, instrument)
        if seen is None:
            raise ExchangeUnavailable(f"orders in {instrument.base} are under way: accept it when they are settled")
        there, positions = seen
        own = [one for one in positions.values() if one.symbol == symbol]
        others = _held(positions.values()) - _held(own)
        return without_from(own, max(_held(own) - max(there - others, ZERO), ZERO), instrument)

    async def _total_seen_twice(
        self, symbol: str, instrument: Instrument
    ) -> tuple[Decimal, Mapping[StrategyBook, Position]] | None:
        """Returns the exchange's total of the base asset, equal twice in a row, and our positions in it; None if something always
        moved."""
        before: tuple[Decimal, _Snapshot] | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                await self._clock.sleep(_PAUSE_SECONDS)
            snapshot = self._snapshot(symbol)
            there = total(await self._venue.balances(), instrument.base) if snapshot is not None else ZERO
            seen = (there, snapshot) if snapshot is not None and self._snapshot(symbol) == snapshot else None
            if seen is not None and seen == before:
                return there, seen[1].positions
            before = seen
        return None


def _quote(instrument: Instrument | None) -> str:
    return instrument.quote if instrument else ""


def _held(positions: Iterable[Position]) -> Decimal:
    return sum((position.qty for position in positions), ZERO)
