"""Converts one asset into another at market rates: directly, inverted, or via a third asset. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from core.domain.instrument import Instrument, Quote
from core.domain.money import multiply
from core.domain.reasons import Reason, reason

MIDDLES = ("USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "EUR")
"""The assets that most others trade against, in the order in which they are tried."""

_ONE = Decimal(1)
# 28 digits, so that a converted amount has fewer than the 60 that exact products may have.
_DOWN, _UP = Context(prec=28, rounding=ROUND_FLOOR), Context(prec=28, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class Rate:
    """The worth of one unit of `asset` in `into`: between `low`, at which it sells now, and `high`, at which it is bought. `via`
    are the symbols whose prices make it, none if both are one asset."""

    asset: str
    into: str
    low: Decimal
    high: Decimal
    via: tuple[str, ...] = ()

    def at_most(self, amount: Decimal) -> Decimal:
        """Returns the most that `amount` of the asset (not below zero) may be worth."""
        return multiply(amount, self.high)

    def within(self, worth: Decimal) -> Decimal:
        """Returns the most of the asset that is surely worth no more than `worth`."""
        return _DOWN.divide(worth, self.high)

    def at_worst(self, result: Decimal) -> Decimal:
        """Returns the least that a `result` is worth: a gain at the selling price, a loss at the price of covering it."""
        return multiply(result, self.low if result > 0 else self.high)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The rate of `asset` in `into` is unknown: the exchange has no fresh price of any of `pairs`, or no pair at all."""

    asset: str
    into: str
    pairs: tuple[str, ...] = ()

    @property
    def reason(self) -> Reason:
        """Returns a reason that names the missing rate."""
        if self.pairs:
            return reason("rate_unknown", asset=self.asset, into=self.into, pairs=", ".join(self.pairs))
        return reason("no_rate", asset=self.asset, into=self.into)


@dataclass(frozen=True, slots=True)
class Leg:
    """A pair on the way from one asset to another; `turned` if the pair's quote asset is the one converted."""

    symbol: str
    turned: bool


Path = tuple[Leg, ...]
Known = Callable[[str], Quote | None]
"""Returns the quote of a symbol, if there is one that may be relied on."""


def same(asset: str) -> Rate:
    """Returns the rate of an asset in itself."""
    return Rate(asset, asset, _ONE, _ONE)


def names(one: str, other: str) -> tuple[str, str]:
    """Returns the possible names of a pair of two assets: Binance writes the base asset, then the quote asset."""
    return one + other, other + one


def paths(asset: str, into: str, instruments: Mapping[str, Instrument]) -> Iterator[Path]:
    """Yields the ways from `asset` to `into` over pairs that are traded: the direct one first, then via each middle asset."""
    straight = _leg(asset, into, instruments)
    if straight is not None:
        yield (straight,)
    for middle in MIDDLES:
        first, second = _leg(asset, middle, instruments), _leg(middle, into, instruments)
        if first is not None and second is not None:
            yield first, second


def rate(asset: str, into: str, instruments: Mapping[str, Instrument], known: Known) -> Rate | Unknown:
    """Returns the rate by the first way whose prices are all known."""
    if asset == into:
        return same(asset)
    lacking: list[str] = []
    for path in paths(asset, into, instruments):
        quotes = [known(leg.symbol) for leg in path]
        found = [quote for quote in quotes if quote is not None and quote.bid > 0 and quote.ask > 0]
        if len(found) == len(path):
            return _along(asset, into, path, found)
        lacking += [leg.symbol for leg in path]
    return Unknown(asset, into, tuple(dict.fromkeys(lacking)))


def _leg(asset: str, into: str, instruments: Mapping[str, Instrument]) -> Leg | None:
    for symbol, base in zip(names(asset, into), (asset, into), strict=True):
        pair = instruments.get(symbol)
        if pair is not None and pair.trading and (pair.base, pair.quote) == (base, into if base == asset else asset):
            return Leg(symbol, turned=base == into)
    return None


def _along(asset: str, into: str, path: Path, quotes: list[Quote]) -> Rate:
    low, high = _ONE, _ONE
    for leg, quote in zip(path, quotes, strict=True):
        least, most = sorted((quote.bid, quote.ask))  # crossed prices are no bargain
        if leg.turned:
            low, high = _DOWN.divide(low, most), _UP.divide(high, least)
        else:
            low, high = _DOWN.multiply(low, least), _UP.multiply(high, most)
    return Rate(asset, into, low, high, tuple(leg.symbol for leg in path))
