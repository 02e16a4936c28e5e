"""Draws the picture of the present and asks the pure policy what to do about a signal. Changes nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from core.book import Book
from core.domain.errors import ExchangeUnavailable
from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.signal import Signal, client_order_id
from core.market import Market
from core.policy.decide import AskFirst, Decision, Refused, counts, decide
from core.policy.facts import Facts, facts_of
from core.policy.picture import Picture, Wanted
from core.policy.risk.signal_age import good_for, lasts
from core.ports import Clock

USUAL = Wanted()
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A decision and the numbers that it was made by; `counts`: the signal is an opinion on this market and of this time."""

    decision: Decision
    facts: Facts
    counts: bool


def _qty(decision: Decision) -> Decimal | None:
    """What was sized, in base asset."""
    match decision:
        case Refused(draft=draft):
            return draft.qty if draft is not None else None
        case AskFirst(order):
            return order.qty
        case _:
            return decision.qty


class Deciding:
    """From a signal to a decision at the present price, by the present state of the book."""

    def __init__(self, book: Book, market: Market, clock: Clock) -> None:
        self._book = book
        self._market = market
        self._clock = clock

    async def decide(self, signal: Signal, *, approved_at: datetime | None = None, wanted: Wanted = USUAL) -> Decision:
        """What to do, without the numbers behind it: see `weigh`."""
        return (await self.weigh(signal, approved_at=approved_at, wanted=wanted)).decision

    async def weigh(self, signal: Signal, *, approved_at: datetime | None = None, wanted: Wanted = USUAL) -> "Weighed":
        """Decides at once when rules and price are in memory, as they are for every watched symbol.

        There is no await between drawing the picture and returning: who reserves what was decided before awaiting anything
        decides alone.
        """
        instrument = await self._instrument(signal)
        quote = await self._market.fresh_quote(signal.symbol) if instrument else None
        now = self._clock.now()
        picture = Picture(
            now=now,
            limits=self._book.limits,
            controls=self._book.controls,
            instrument=instrument,
            quote=quote,
            position=self._book.position(signal.symbol),
            open_count=self._book.count_open(besides=client_order_id(signal)),
            result_today=self._book.result_of(now.date().isoformat(), instrument.quote) if instrument else None,
            pending=self._book.approval_for(signal.symbol),
            approved_at=approved_at,
            hold=self._book.hold_on(signal.symbol),
            by_hand=signal.by_hand,
            wanted=wanted,
            exit_wanted=signal.symbol in self._book.exits,
        )
        decision = decide(signal, picture)
        return Weighed(decision, facts_of(signal, picture, _qty(decision)), counts(signal, picture))

    def good_until(self, order: Order) -> datetime:
        """From then on the order's signal is too old to be placed anew."""
        if lasts(order.signal, self._book.controls):
            return _WITHOUT_END
        return (order.approved_at or order.signal.ts) + good_for(order.signal, self._book.limits)

    async def _instrument(self, signal: Signal) -> Instrument | None:
        known = self._market.instrument(signal.symbol)
        if (known is not None and known.trading) or not self._is_wanted(signal.symbol):
            return known
        try:
            return await self._market.find_instrument(signal.symbol)
        except ExchangeUnavailable:
            return known  # unknown or halted, and refused as that: nothing is traded on a guess

    def _is_wanted(self, symbol: str) -> bool:
        """A symbol that nobody allowed is not worth a question to the exchange: the stream could name thousands."""
        allowed = self._book.limits.symbols
        return allowed is None or symbol in allowed or symbol in self._book.positions
