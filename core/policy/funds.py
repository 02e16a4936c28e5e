"""The account's money at one moment: the equity that sizes and limits count from, and what is free to be spent. Pure."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from core.domain.instrument import Balance, Instrument
from core.domain.money import EXACT, ZERO, multiply
from core.domain.order import Order
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.policy.conversion_rates import Rate, Unknown

NOTHING: Mapping[str, Decimal] = MappingProxyType({})

RateOf = Callable[[str], Rate | Unknown]
"""Returns what one unit of an asset is worth in the report asset."""


@dataclass(frozen=True, slots=True)
class Cash:
    """The account's amount of one quote asset. `owned` is what is there, and what the positions in it cost; `realised` what all
    exits together have brought, net. `worth` is the rate of one unit in the report asset, 0 where it is unknown."""

    asset: str
    owned: Decimal
    realised: Decimal
    worth: Decimal


@dataclass(frozen=True, slots=True)
class Funds:
    """The account's money. `equity` is the free and locked quote assets and the positions at the bid, `invested` the positions
    and the entries under way, both in the report asset; `free` is what an entry may spend, in its quote asset. `cash`
    is by quote asset."""

    equity: Decimal
    invested: Decimal
    free: Decimal
    cash: tuple[Cash, ...] = ()


@dataclass(frozen=True, slots=True)
class Valued:
    """A position with the rules of its symbol, and the price at which it sells (quote asset); None if they are unknown."""

    position: Position
    instrument: Instrument | None
    bid: Decimal | None


@dataclass(frozen=True, slots=True)
class Entering:
    """An entry under way, and the asset that it spends."""

    order: Order
    quote: str

    @property
    def unspent(self) -> Decimal:
        """Returns what it may still spend, in quote asset."""
        order = self.order
        worst = order.price if order.terms.limit_price is None else order.terms.limit_price
        return multiply(order.qty - order.executed_qty, worst)


def funds_of(
    balances: Mapping[str, Balance],
    holdings: Collection[Valued],
    entering: Collection[Entering],
    *,
    assets: Collection[str],
    rate: RateOf,
    quote: str,
    realised: Mapping[str, Decimal] = NOTHING,
) -> Funds | Reason:
    """Returns the money of an account that trades in the quote `assets`; or why it is unknown. What `entering` orders may still
    spend is not free, whether the exchange has locked it yet or not. `realised` is what all exits so far have brought, by asset.

    The equity counts at its least, by the rates at which it could be sold, so that no size becomes larger than it should.
    """
    cash = [_worth(balances[asset].total, rate(asset)) for asset in sorted(assets) if asset in balances]
    held = [_value(one, rate) for one in holdings]
    entered = [_most(one, rate(one.quote)) for one in entering]
    unknown = [found for found in (*cash, *held, *entered) if isinstance(found, Reason)]
    if unknown:
        return unknown[0]
    free = balances[quote].free if quote in balances else ZERO
    for one in entering:
        if one.quote == quote and not one.order.rests:  # what rests is locked already
            free = EXACT.subtract(free, one.unspent)
    invested = _sum(held)
    by_asset = tuple(_cash(asset, balances, holdings, rate(asset), realised) for asset in sorted(assets))
    return Funds(EXACT.add(_sum(cash), invested), EXACT.add(invested, _sum(entered)), max(free, ZERO), by_asset)


def _cash(
    asset: str,
    balances: Mapping[str, Balance],
    holdings: Iterable[Valued],
    rate: Rate | Unknown,
    realised: Mapping[str, Decimal],
) -> Cash:
    owned = balances[asset].total if asset in balances else ZERO
    for one in holdings:
        if one.instrument is not None and one.instrument.quote == asset:
            owned = EXACT.add(owned, one.position.cost)
    return Cash(asset, owned, realised.get(asset, ZERO), rate.low if isinstance(rate, Rate) else ZERO)


def _sum(amounts: Iterable[Decimal | Reason]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount) if isinstance(amount, Decimal) else total
    return total


def _value(one: Valued, rate: RateOf) -> Decimal | Reason:
    """Returns what a position sells for. One that is too little for any order counts where its price is known."""
    if one.instrument is None or one.bid is None:
        return reason("value_unknown", symbol=one.position.symbol) if one.position.is_open else ZERO
    return _worth(multiply(one.position.qty, one.bid), rate(one.instrument.quote))


def _worth(amount: Decimal, rate: Rate | Unknown) -> Decimal | Reason:
    """Returns the least that an amount is worth; nothing is worth nothing at any rate."""
    if not amount:
        return ZERO
    return rate.at_worst(amount) if isinstance(rate, Rate) else rate.reason


def _most(one: Entering, rate: Rate | Unknown) -> Decimal | Reason:
    return rate.at_most(one.unspent) if isinstance(rate, Rate) else rate.reason
