"""Fees paid in a coin that is itself held: they reduce that position, because the exchange deducted them from it. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from core.domain.instrument import Instrument
from core.domain.messages import FeePaid
from core.domain.money import ZERO, divide, multiply
from core.domain.order import Fill
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook


def fees_in_coins_held(
    fills: Sequence[Fill], traded: Instrument, positions: Mapping[StrategyBook, Position], instruments: Mapping[str, Instrument]
) -> Iterator[FeePaid]:
    """Yields, for each third asset, the position that paid the fee: the largest one in that coin. If none is held, the fee came
    from the owner's own coins."""
    fees: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in fills:
        if fill.fee and fill.fee_asset not in {traded.base, traded.quote}:
            fees[fill.fee_asset] += fill.fee
    for asset, fee in sorted(fees.items()):
        held = [one for one in positions.values() if one.qty and _base(one, instruments) == asset]
        if held:
            largest = max(held, key=lambda one: (one.qty, one.book))
            yield FeePaid(largest.symbol, asset, fee, strategy=largest.strategy)


def _base(position: Position, instruments: Mapping[str, Instrument]) -> str | None:
    rules = instruments.get(position.symbol)
    return rules.base if rules is not None else None


def after_fee(position: Position, fee: Decimal, rules: Instrument | None) -> list[Position]:
    """Returns the position after a fee was deducted from it; nothing if none of it is held any more. The fee's market value
    counts as the cost of the trade it was paid for, so the coin's own cost is written off with it."""
    return [without(position, min(fee, position.qty), rules)] if position.qty and rules is not None else []


def without_from(held: Sequence[Position], missing: Decimal, instrument: Instrument) -> list[Position]:
    """Returns those of the positions in one symbol that change when `missing` of their coins are gone: nobody knows whose they
    were, so the largest loses them first."""
    after: list[Position] = []
    for position in sorted(held, key=lambda one: (-one.qty, one.book)):
        gone = min(missing, position.qty)
        if gone > 0:
            after.append(without(position, gone, instrument))
        missing -= gone
    return after


def without(position: Position, missing: Decimal, instrument: Instrument) -> Position:
    """Returns the rest of a position, at its cost per unit; nothing of its round trip if nothing is left."""
    left = position.qty - missing
    if left <= 0:
        return Position.empty(position.book)
    share = divide(left, position.qty)
    cost, value = multiply(position.cost, share), multiply(position.value, share)
    after = replace(position, qty=left, cost=cost, value=value)
    return replace(after, is_open=position.is_open and instrument.sellable(left))
