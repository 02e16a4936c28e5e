"""Ledger and exchange side by side while the program runs: a symbol where they disagree is held until they agree again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TypeVar

import structlog

from core.book import Book
from core.comparison import RECENT, differences_of, differences_of_gone, total
from core.domain.errors import ExchangeUnavailable, LeaseLost, LedgerUnavailable, SymbolUnknown
from core.domain.events import HoldAccepted, SymbolHeld, SymbolReleased
from core.domain.hold import Hold
from core.domain.instrument import Instrument
from core.domain.money import ZERO
from core.domain.position import Position
from core.domain.reasons import Reason
from core.market import Market
from core.policy.third_fees import without
from core.ports import Changes, Clock, Ledger, Venue

log = structlog.get_logger(__name__)

T = TypeVar("T")

_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0  # between two looks: what the exchange shows of itself may lag


class Holding:
    """Its works run in the symbol's mailbox, so that no order of that symbol is under way meanwhile."""

    def __init__(self, *, ledger: Ledger, venue: Venue, market: Market, book: Book, clock: Clock) -> None:
        self._ledger = ledger
        self._venue = venue
        self._market = market
        self._book = book
        self._clock = clock

    async def check(self, symbol: str) -> None:
        """Compares, and holds or lets go. What cannot be asked now is asked at the next check."""
        structlog.contextvars.bind_contextvars(symbol=symbol)
        try:
            found = await self._differences(symbol)
            if found is not None:
                await self._commit(self._decide(symbol, tuple(found)))
        except (ExchangeUnavailable, LedgerUnavailable) as error:
            log.warning("ledger and exchange cannot be compared now", error=str(error))
        except LeaseLost:
            raise
        except Exception:  # a look that fails must not stop the mailbox that it looks for
            log.exception("ledger and exchange could not be compared")

    def _decide(self, symbol: str, found: tuple[Reason, ...]) -> Changes:
        known, held, now = self._book.holds.get(symbol), self._book.hold_on(symbol), self._clock.now()
        if found and (known is None or known.differences != found):
            hold = Hold(symbol, found, held.since if held is not None else now)
            log.warning("the symbol is held", differences=hold.words)
            return Changes(holds=[hold], events=[SymbolHeld(hold)])
        if not found and held is not None:
            hold = replace(held, lifted_at=now)
            return Changes(holds=[hold], events=[SymbolReleased(hold)])
        if not found and known is not None and known.differences:
            # What was accepted is gone: should the same come again, it is news again.
            return Changes(holds=[replace(known, differences=())])
        return Changes()

    async def _differences(self, symbol: str) -> Sequence[Reason] | None:
        """None where something always moved. That nothing differs is believed at once."""
        return await self._seen_twice(partial(self._look, symbol), at_once=())

    async def _seen_twice(self, look: Callable[[], Awaitable[T | None]], at_once: T | None = None) -> T | None:
        """What `look` saw twice in a row; None where something always moved, as a look gives where something did."""
        before: T | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                await self._clock.sleep(_PAUSE_SECONDS)
            found = await look()
            if found is not None and found in (before, at_once):
                return found
            before = found
        return None

    async def _look(self, symbol: str) -> Sequence[Reason] | None:
        instrument = await self._market.find_instrument(symbol)
        if self._market.is_gone(symbol):
            return differences_of_gone(self._book.position(symbol))
        if instrument is None:
            return None
        picture = self._picture(instrument)
        if picture is None:
            return None
        balances = await self._venue.balances()
        try:
            reports = await self._venue.recent_orders(symbol, RECENT)
        except SymbolUnknown:
            await self._market.load_instruments([symbol])
            return None  # the next look knows
        orders = await self._ledger.find_orders([report.client_order_id for report in reports])
        if self._picture(instrument) != picture:
            return None
        return tuple(differences_of(instrument, _held(picture), balances, reports, orders))

    def _picture(self, instrument: Instrument) -> Mapping[str, Position] | None:
        """The positions that share the base asset; None while an order could change them."""
        same = self._alike(instrument)
        if any(order.symbol in same for order in self._book.in_flight.values()):
            return None
        return {name: position for name, position in self._book.positions.items() if name in same}

    def _alike(self, instrument: Instrument) -> set[str]:
        return {name for name, rules in self._market.instruments().items() if rules.base == instrument.base}

    async def accept(self, symbol: str, who: str) -> Changes | None:
        """What follows from the owner's word that the exchange is right; None where the symbol is not held. Raises
        ExchangeUnavailable, also while an order in the same asset is under way: what the account holds says nothing then."""
        held = self._book.hold_on(symbol)
        if held is None:
            return None
        instrument = await self._market.find_instrument(symbol)
        position = self._book.position(symbol)
        missing, cost = ZERO, ZERO
        changes = Changes()
        if self._market.is_gone(symbol):
            missing, cost = position.qty, position.cost
            changes.positions.append(Position(symbol))
        elif instrument is not None and position.qty:
            seen = await self._seen_twice(partial(self._total, instrument))
            if seen is None:
                raise ExchangeUnavailable(f"orders in {instrument.base} are under way: accept it when they are settled")
            there, picture = seen
            others = _held(picture) - position.qty
            missing = max(position.qty - max(there - others, ZERO), ZERO)
            if missing:
                after = without(position, missing, instrument)
                cost = position.cost - after.cost
                changes.positions.append(after)
        hold = replace(held, lifted_at=self._clock.now(), lifted_by=who)
        changes.holds.append(hold)
        changes.events.append(HoldAccepted(hold, missing, cost, instrument.base if instrument else "", _quote(instrument)))
        return changes

    async def _total(self, instrument: Instrument) -> tuple[Decimal, Mapping[str, Position]] | None:
        """What the exchange holds of the base asset, and our positions in it; None where something moved meanwhile."""
        picture = self._picture(instrument)
        if picture is None:
            return None
        there = total(await self._venue.balances(), instrument.base)
        return (there, picture) if self._picture(instrument) == picture else None

    async def _commit(self, changes: Changes) -> None:
        if changes.holds:
            await self._ledger.commit(changes)
            self._book.apply(changes)


def _quote(instrument: Instrument | None) -> str:
    return instrument.quote if instrument else ""


def _held(positions: Mapping[str, Position]) -> Decimal:
    return sum((position.qty for position in positions.values()), ZERO)
