"""Signals that were not traded, or not wholly: the opportunity that they were. Pure.

The paper beside which trading is measured trades every signal. It holds one position of each strategy in a symbol: it leaves at
the next exit signal, at that signal's price, or still holds it at the last known price.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from core.domain.money import EXACT
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.policy.quality.kept import LastPrice, ReceivedSignal

_REFUSED = frozenset({"denied", "expired", "observed", "failed"})
_PAUSES = frozenset({"paused", "entries_paused", "strategy_paused"})
_LEFT_UNASKED = frozenset({OrderState.DENIED, OrderState.DECLINED, OrderState.EXPIRED, OrderState.CANCELED})


@dataclass(frozen=True, slots=True)
class Missed:
    """A signal, or the part of it, that was not traded. `qty` (base asset) was wanted, `end` is the price (quote asset) that it
    came to; None: not known. `was_sent`: the exchange had its order, and did not fill it."""

    received: ReceivedSignal
    qty: Decimal | None
    end: Decimal | None
    was_sent: bool = False

    @property
    def worth(self) -> Decimal | None:
        """Returns what was wanted at the signal's price, in quote asset."""
        if self.qty is None:
            return None
        with localcontext(EXACT):
            return self.qty * self.received.signal.close

    @property
    def cost(self) -> Decimal | None:
        """Returns what not trading it has cost, in quote asset: below zero if that was good."""
        signal = self.received.signal
        if self.qty is None or self.end is None:
            return None
        with localcontext(EXACT):
            gone = self.qty * (self.end - signal.close)
            return gone if signal.side is Side.BUY else -gone


def missed(signals: Iterable[ReceivedSignal], prices: Mapping[str, LastPrice]) -> list[Missed]:
    """Returns what was missed, oldest first; `signals` in any order. An exit that is tried again is not missed, nor is a signal
    that asked for nothing new, or an entry while the paper holds what an earlier one would have bought."""
    ordered = sorted(signals, key=lambda one: one.seq)
    latest = _latest(ordered, prices)
    exits = _next_exits(ordered)
    held: set[StrategyBook] = set()
    found: list[Missed] = []
    for one in ordered:
        book = one.signal.book
        if one.signal.side is Side.SELL:
            held.discard(book)
        left = _left(one)
        if left is None or book in held:
            continue
        if one.signal.side is Side.BUY:
            held.add(book)
        qty, was_sent = left
        found.append(Missed(one, qty, exits.get(one.seq, _after(latest.get(one.signal.symbol), one.received_at)), was_sent))
    return found


def _left(one: ReceivedSignal) -> tuple[Decimal | None, bool] | None:
    """Returns the quantity that was wanted and not traded (None: not known), and whether the exchange had it; None if nothing was
    missed, or that is not known yet."""
    if one.signal.by_hand:
        return None
    if not one.attempts:
        is_missed = one.outcome in _REFUSED or one.code in _PAUSES
        return _unordered(one) if is_missed else None
    first = one.attempts[0]
    if not all(attempt.state.final for attempt in one.attempts):
        return None
    if one.signal.side is Side.SELL:  # what was sent is tried again, and what expired is asked about again
        is_over = first.state in {OrderState.DENIED, OrderState.DECLINED} and not first.was_sent
        return (first.qty or None, False) if is_over else None
    with localcontext(EXACT):
        left = first.qty - one.filled
    was_sent = first.was_sent or first.state not in _LEFT_UNASKED
    return (left or None, was_sent) if left > 0 or not first.qty else None


def _unordered(one: ReceivedSignal) -> tuple[Decimal | None, bool] | None:
    if one.signal.side is Side.SELL and one.wanted is not None and not one.wanted:
        return None  # nothing was held
    return one.wanted or None, False


def _next_exits(ordered: Sequence[ReceivedSignal]) -> dict[int, Decimal]:
    """Returns the price of the next exit signal of the same strategy in the same symbol, by the number of the signal before."""
    found: dict[int, Decimal] = {}
    following: dict[StrategyBook, Decimal] = {}
    for one in reversed(ordered):
        if one.signal.book in following:
            found[one.seq] = following[one.signal.book]
        if one.signal.side is Side.SELL:
            following[one.signal.book] = one.signal.close
    return found


def _latest(ordered: Iterable[ReceivedSignal], prices: Mapping[str, LastPrice]) -> Mapping[str, LastPrice]:
    """Returns the newest price of each symbol that is known, that of a signal included."""
    found = dict(prices)
    for one in ordered:
        known = found.get(one.signal.symbol)
        if known is None or known.at < one.received_at:
            found[one.signal.symbol] = LastPrice(one.signal.close, one.received_at)
    return found


def _after(known: LastPrice | None, at: datetime) -> Decimal | None:
    return known.price if known is not None and known.at > at else None
