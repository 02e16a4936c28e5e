"""Several strategies in the same symbols: whose record is whose, and the promises about their books."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import result_tables, signal_tables
from core.domain.messages import SignalReceived
from core.domain.money import ZERO
from core.domain.order_messages import PlanRequested
from core.domain.plan_leg import leg_of
from core.domain.signal import AGAIN, PLANNED, Signal, client_order_id, derived_id
from core.domain.strategy_book import StrategyBook, strategy_of
from core.policy.exits.plan_change import SOURCE as PROTECT
from tests.simulation.evidence import Evidence, is_signal
from tests.venue.model import Order


def strategies_of(seed: int) -> tuple[str, ...]:
    """Returns the strategies besides the default one that send the records of a history, by its seed; in many there is none."""
    return Random(f"strategies {seed}").choice([(), ("waves",), ("waves", "tides"), ("waves", "tides")])


class Strategies:
    """Draws the strategy of a record."""

    def __init__(self, seed: int) -> None:
        self.names = strategies_of(seed)
        self._random = Random(f"whose {seed}")

    def of(self) -> Mapping[str, object]:
        """Returns the fields that a record has besides."""
        if not self.names:
            return {}
        name = self._random.choice(["", *self.names])
        return {"strategy": name} if name else {}


def book_of(row: Row) -> StrategyBook:
    """Returns the book of a row that has one."""
    return StrategyBook(row["symbol"], row["strategy"])


def book_of_order(row: Row) -> StrategyBook:
    """Returns the book that an order of the ledger says it belongs to."""
    return codec.signals.decode(row["signal"]).book


@dataclass(slots=True)
class Whose:
    """Tells whose an order of the exchange is, by what was asked for: not by what the ledger says of the order."""

    books: dict[str, StrategyBook] = field(default_factory=dict)  # by client order id, also of plans
    _roots: dict[tuple[str, str], StrategyBook] = field(default_factory=dict)

    @classmethod
    def of(cls, seen: Evidence) -> "Whose":
        """Reads the inbox of a history."""
        whose, said = cls(), [(row, codec.bodies.decode(row["body"])) for row in seen.rows(signal_tables.inbox)]
        for row, body in said:
            if isinstance(body, PlanRequested):
                whose.books[derived_id(PROTECT, row["source_id"])] = StrategyBook(body.symbol, body.strategy)
            if is_signal(row) and isinstance(body, SignalReceived) and not body.signal.is_again:
                whose._add(body.signal)
        for row, body in said:
            if is_signal(row) and isinstance(body, SignalReceived) and body.signal.is_again:
                whose._add_again(body.signal)
        return whose

    def _add(self, signal: Signal) -> None:
        if signal.source != PLANNED:
            self.books[client_order_id(signal)] = self._roots[signal.source, signal.signal_id] = signal.book

    def _add_again(self, signal: Signal) -> None:
        source, name = signal.source.removeprefix(AGAIN), signal.signal_id.partition(":")[2]
        leg = leg_of(name) if source == PLANNED else None
        book = self.books.get(leg.plan_id) if leg is not None else self._roots.get((source, name))
        if book is not None:
            self.books[client_order_id(signal)] = book

    def find(self, order: Order) -> StrategyBook:
        """Returns the book of an order: if a ledger that was set back has lost what was asked for, by the number that it carries
        on the exchange."""
        leg = leg_of(order.client_order_id)
        names = {book.strategy for book in self.books.values()}
        carried = StrategyBook(order.symbol, strategy_of(order.strategy_type, names))
        return self.books.get(leg.plan_id if leg is not None else order.client_order_id, carried)


def _own_coins(seen: Evidence) -> Iterator[str]:
    """Checks, trade by trade in the order of the exchange, that no order sells coins of another strategy; and that each book
    holds at the end what its own orders have left."""
    whose, held = Whose.of(seen), defaultdict[StrategyBook, Decimal](Decimal)
    orders = {(order.symbol, order.order_id): order for order in seen.orders}
    for trade in seen.venue.trades:
        order = orders.get((trade.symbol, trade.order_id))
        if order is None:
            continue
        book = whose.find(order)
        fee = trade.commission if order.symbol.startswith(trade.commission_asset) else ZERO
        if order.side == "SELL" and trade.qty + fee > held[book]:
            yield f"order {order.client_order_id} sells {trade.qty}, strategy {book.strategy} holds {held[book]} {book.symbol}"
        held[book] += trade.qty - fee if order.side == "BUY" else -trade.qty - fee
    ours = {book_of(row): row["qty"] for row in seen.rows(result_tables.positions)}
    for book in held.keys() | ours.keys():
        if held[book] != ours.get(book, ZERO):
            yield f"{ours.get(book)} {book.symbol} are strategy {book.strategy}'s in the ledger, its orders left {held[book]}"


def _executions(seen: Evidence) -> Iterator[str]:
    """Checks that each execution names the strategy whose order it was."""
    whose = Whose.of(seen)
    orders = {order.client_order_id: order for order in seen.orders}
    for row in seen.rows(result_tables.executions):
        order = orders.get(row["client_order_id"])
        book = whose.find(order) if order is not None else None
        if book is not None and book_of(row) != book:
            yield f"execution {row['execution_id']} is of {row['strategy']}, its order was of {book.strategy}"


def _results(seen: Evidence) -> Iterator[str]:
    """Checks that the results of each strategy are those of its executions, in each symbol."""
    days, done = defaultdict[StrategyBook, Decimal](Decimal), defaultdict[StrategyBook, Decimal](Decimal)
    for row in seen.rows(result_tables.day_results):
        days[book_of(row)] += row["profit"]
    for row in seen.rows(result_tables.executions):
        done[book_of(row)] += row["profit_quote"] or ZERO
    for book in days.keys() | done.keys():
        if days[book] != done[book]:
            yield f"the days' results of {book} are {days[book]}, those of its executions {done[book]}"


PROMISES = (_own_coins, _executions, _results)
