"""Wrong programs that mix up strategies: what one holds is sold, protected or counted for another."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from bot.commands import manual_orders, panic
from bot.commands.liquidation import PanicTimer
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook
from core.engine import symbol_halts
from core.execution.protection import Protection
from core.execution.resting_orders import RestingOrders
from core.execution.settlement import Settlement
from core.policy.exits import protection as exit_policy
from core.state.portfolio import Portfolio
from tests.simulation.breaking import Variant, patched, swap

_POSITION, _INTEND, _TAKE_OFF, _SETTLE = Portfolio.position, Protection.intend, RestingOrders.take_off, Settlement.settle


def _any_strategys(self: Portfolio, book: StrategyBook) -> Position:
    """Takes the largest position in the symbol for the strategy's own."""
    held = [one for one in self.positions.values() if one.symbol == book.symbol and one.is_open]
    largest = max(held, key=lambda one: one.qty, default=None)
    return _POSITION(self, book) if largest is None else replace(largest, strategy=book.strategy)


def _all_of_the_symbol(self: Protection, plan: Any, position: Position, *rest: Any) -> Any:
    """Protects what all strategies hold with the plan of one."""
    others = (one for one in self._portfolio.positions.values() if one.symbol == position.symbol and one.book != position.book)
    alike = sum((one.qty for one in others), ZERO)
    return _INTEND(self, plan, replace(position, qty=position.qty + alike) if position.is_open else position, *rest)


async def _takes_off_all(self: RestingOrders, book: StrategyBook, some: Any = None) -> None:
    """Takes off what protects the symbol's other strategies, too, and forgets their plans."""
    for other in sorted({order.book for order in self._portfolio.offers_in(book.symbol)} - {book}):
        blind: Any = copy(self)
        blind._portfolio = _WithoutPlans(self._portfolio)
        await _TAKE_OFF(blind, other)
    await _TAKE_OFF(self, book, some)


class _WithoutPlans:
    """A portfolio that knows of no plan."""

    plans: Mapping[StrategyBook, Any] = {}

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio

    def __getattr__(self, name: str) -> Any:
        return getattr(self._portfolio, name)


def _first_of_each(context: Any) -> list[StrategyBook]:
    """Counts one strategy of each symbol."""
    return list({book.symbol: book for book in reversed(_EXITS(context))}.values())


async def _sells_nothing(self: PanicTimer, panic: Any, book: StrategyBook) -> None: ...


_EXITS = manual_orders.exits


async def _booked_for_the_default(self: Settlement, order: Order, report: Any, extend: Any) -> Any:
    """Books every sale in the book of the default strategy, if that holds anything."""
    others = _POSITION(self._portfolio, StrategyBook(order.symbol))
    if order.side.value == "BUY" or not others.qty:
        return await _SETTLE(self, order, report, extend)
    blind: Any = copy(self)
    blind._portfolio = _OfDefault(self._portfolio)
    return await _SETTLE(blind, order, report, extend)


class _OfDefault:
    """A portfolio in which every position is the default strategy's."""

    def __init__(self, portfolio: Portfolio) -> None:
        self._portfolio = portfolio

    def __getattr__(self, name: str) -> Any:
        return getattr(self._portfolio, name)

    def position(self, book: StrategyBook) -> Position:
        return self._portfolio.position(StrategyBook(book.symbol))


def _of_one(positions: Iterable[Position]) -> Decimal:
    """Expects each strategy's coins to be all that the exchange has of them."""
    held = [one.qty for one in positions]
    return sum(held, ZERO) if len(held) < 2 else sum(held, ZERO) + max(held)


def _nameless(_strategy: str) -> dict[str, str]:
    return {}


WRONG_BOOKS: Mapping[str, Variant] = {
    "a sale takes another strategy's coins": swap(Portfolio, "position", _any_strategys),
    "a stop covers another strategy's coins": swap(Protection, "intend", _all_of_the_symbol),
    "a panic sells one strategy only": lambda: patched(
        patch.object(panic, "exits", _first_of_each), patch.object(PanicTimer, "_sell", _sells_nothing)
    ),
    "a sale is booked in another strategy's book": swap(Settlement, "settle", _booked_for_the_default),
    "what protects another strategy is taken off for good": swap(RestingOrders, "take_off", _takes_off_all),
    "ledger and exchange are compared by one strategy only": swap(symbol_halts, "_held", _of_one),
    "the orders of a plan forget their strategy": swap(exit_policy, "naming", _nameless),
}
