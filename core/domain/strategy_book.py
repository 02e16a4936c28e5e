"""The book that a signal, an order, a plan or a position belongs to: one strategy's, in one symbol."""

from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

DEFAULT_STRATEGY = "default"
"""The strategy of signals that name none."""

_LEAST_NUMBER, _NUMBERS = 1_000_000, 2_000_000_000  # an INT from 1,000,000: rest-api.md, "New order", `strategyType`


class StrategyBook(NamedTuple):
    """One strategy's position in a symbol, with its plan, its orders and its pending exit. The books of a symbol share its
    mailbox and the account's balance."""

    symbol: str
    strategy: str = DEFAULT_STRATEGY


def strategy_number(strategy: str) -> int | None:
    """Returns the number that the orders of `strategy` carry on the exchange; None for those of the default one."""
    return None if strategy == DEFAULT_STRATEGY else _LEAST_NUMBER + crc32(strategy.encode("utf-8", "replace")) % _NUMBERS


def strategy_of(number: int | None, strategies: Iterable[str]) -> str:
    """Returns the one of `strategies` whose orders carry `number`; the default one if none does."""
    return next((one for one in sorted(strategies) if strategy_number(one) == number), DEFAULT_STRATEGY)
