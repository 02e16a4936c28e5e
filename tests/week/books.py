"""The books of the paper exchange, added up from its own fills without the program's help, and what must agree with them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Table, select

from bot.factories import PAPER_BALANCES
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import control_tables, order_tables, paper_tables, plan_tables, result_tables, signal_tables
from core.adapters.paper.paper_book import PaperOrder
from core.domain.money import ZERO
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook, strategy_of
from demo.market import INSTRUMENTS
from tests.simulation.disk import Disk

QUOTE = "USDC"
_HAIR = Decimal("1e-6")  # quote asset: what divisions may leave in thousands of sums
_LEAST = Decimal(6)  # quote asset: no order may be worth less than 5, and the market moves


@dataclass(slots=True)
class Account:
    """The purchases and sales of one book, at average cost. All in quote asset but `qty`: `cost` is of what is held, `profit`
    net, `fees` at the prices of their fills."""

    qty: Decimal = ZERO
    cost: Decimal = ZERO
    profit: Decimal = ZERO
    fees: Decimal = ZERO
    exits: int = 0
    least: Decimal = ZERO
    """The least that was ever held, in base asset: below 0 where coins were sold that were not its own."""


@dataclass(slots=True)
class Books:
    """The state of exchange and ledger at one moment, and what the exchange's fills add up to."""

    disk: Disk
    strategies: Iterable[str]
    accounts: dict[StrategyBook, Account] = field(default_factory=lambda: defaultdict(Account))
    balances: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal, PAPER_BALANCES))
    orders: list[PaperOrder] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = self.rows(paper_tables.paper_orders)
        self.orders = [paper_tables.paper_order_of(row) for row in rows]
        done = [one for one in self.orders if one.report.fills]
        for order in sorted(done, key=lambda one: (one.report.fills[0].at, int(one.report.order_id))):
            self._add(order)

    def _add(self, order: PaperOrder) -> None:
        report, base = order.report, INSTRUMENTS[order.report.symbol].base
        account = self.accounts[self.book_of(order)]
        for fill in report.fills:
            sign = 1 if report.side is Side.BUY else -1
            self.balances[base] += sign * fill.qty
            self.balances[fill.fee_asset] -= fill.fee
            account.fees += fill.fee * (fill.price if fill.fee_asset == base else 1)
        self.balances[QUOTE] += report.quote_qty * (-1 if report.side is Side.BUY else 1)
        fee = sum((fill.fee for fill in report.fills), ZERO)
        if report.side is Side.BUY:
            account.qty += report.executed_qty - fee
            account.cost += report.quote_qty
        else:
            part = account.cost * report.executed_qty / account.qty if account.qty else ZERO
            account.qty, account.cost = account.qty - report.executed_qty, account.cost - part
            account.profit += report.quote_qty - fee - part
            account.exits += 1
        account.least = min(account.least, account.qty)

    def book_of(self, order: PaperOrder) -> StrategyBook:
        """Returns the book of an order, by the number that it carries on the exchange."""
        return StrategyBook(order.report.symbol, strategy_of(order.report.strategy_number, self.strategies))

    def rows(self, table: Table) -> list[Row]:
        """Returns all rows of a table."""
        return self.disk.rows(select(table))

    def profits(self) -> Mapping[str, Decimal]:
        """Returns the net profit of each strategy, in quote asset."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for book, account in self.accounts.items():
            found[book.strategy] += account.profit
        return found

    def open_orders(self) -> list[PaperOrder]:
        """Returns the orders that rest on the exchange."""
        return [order for order in self.orders if order.resting is not None]

    def broken(self) -> list[str]:
        """Returns every promise that is broken, in words."""
        return [what for check in _CHECKS for what in check(self)]


def _by_book(rows: Iterable[Row], column: str) -> Mapping[StrategyBook, Decimal]:
    found: dict[StrategyBook, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[StrategyBook(row["symbol"], row["strategy"])] += row[column] or ZERO
    return found


def _the_account(books: Books) -> Iterator[str]:
    """Checks that the exchange's balances are what its fills make of the ones at the start."""
    there = {row["asset"]: row["amount"] for row in books.rows(paper_tables.paper_balances)}
    for asset in sorted(there.keys() | books.balances.keys()):
        if there.get(asset, ZERO) != books.balances[asset]:
            yield f"the exchange says {there.get(asset)} {asset}, its fills make {books.balances[asset]}"


def _fills(books: Books) -> Iterator[str]:
    """Checks that the ledger has every fill of the exchange, once and as it was."""
    ours = {(row["client_order_id"], row["price"], row["qty"], row["fee"]) for row in books.rows(order_tables.fills)}
    there = {
        (order.report.client_order_id, fill.price, fill.qty, fill.fee) for order in books.orders for fill in order.report.fills
    }
    yield from (f"the ledger has no fill {one}" for one in sorted(there - ours))
    yield from (f"the exchange has no fill {one}" for one in sorted(ours - there))


def _amounts(books: Books) -> Iterator[str]:
    """Checks free and locked amounts of each asset: the ledger's positions, fills and resting orders against the exchange's."""
    held: dict[str, Decimal] = defaultdict(Decimal, PAPER_BALANCES)
    for row in books.rows(result_tables.positions):
        held[INSTRUMENTS[row["symbol"]].base] += row["qty"]
    for row in books.rows(result_tables.executions):
        held[QUOTE] += row["quote_qty"] * (-1 if row["side"] == "BUY" else 1)
        held[QUOTE] -= row["fee"] if row["fee_asset"] == QUOTE else ZERO
    ours, there = _locked_in_the_ledger(books), _locked_on_the_exchange(books)
    for asset in sorted({*held, *ours, *there}):
        free, known = books.balances[asset] - there[asset], held[asset] - ours[asset]
        if (free, there[asset]) != (known, ours[asset]):
            yield f"{asset}: {free} free and {there[asset]} locked on the exchange, {known} and {ours[asset]} in the ledger"


def _locked_on_the_exchange(books: Books) -> Mapping[str, Decimal]:
    lists: dict[tuple[str, str], Decimal] = {}
    for order in books.open_orders():
        (asset, amount), resting = order.locks, order.resting
        name = resting.list_id if resting is not None and resting.list_id else order.report.client_order_id
        lists[asset, name] = max(lists.get((asset, name), ZERO), amount)
    return _by_asset(lists)


def _locked_in_the_ledger(books: Books) -> Mapping[str, Decimal]:
    lists: dict[tuple[str, str], Decimal] = {}
    for order in [order_tables.order_of(row) for row in books.rows(order_tables.orders)]:
        if not order.rests:
            continue
        rules, left = INSTRUMENTS[order.symbol], order.qty - order.executed_qty
        name, limit = order.list_id or order.client_order_id, order.terms.limit_price or ZERO
        asset, amount = (rules.base, left) if order.side is Side.SELL else (QUOTE, left * limit)
        lists[asset, name] = max(lists.get((asset, name), ZERO), amount)
    return _by_asset(lists)


def _by_asset(lists: Mapping[tuple[str, str], Decimal]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for (asset, _), amount in lists.items():
        found[asset] += amount
    return found


def _whose(books: Books) -> Iterator[str]:
    """Checks that each book holds what its own orders left, and never sold another's coins."""
    ours = _by_book(books.rows(result_tables.positions), "qty")
    for book in sorted({*ours, *books.accounts}):
        account = books.accounts[book]
        if ours.get(book, ZERO) != account.qty:
            yield f"{book} holds {ours.get(book)} in the ledger, its orders left {account.qty}"
        if account.least < 0:
            yield f"{book} sold {-account.least} that were not its own"


def _results(books: Books) -> Iterator[str]:
    """Checks the results of each book: the ledger's executions and days against the exchange's fills."""
    done = _by_book(books.rows(result_tables.executions), "profit_quote")
    days = _by_book(books.rows(result_tables.day_results), "profit")
    cost = _by_book(books.rows(result_tables.positions), "cost")
    for book in sorted({*done, *days, *books.accounts}):
        account = books.accounts[book]
        if abs(done.get(book, ZERO) - account.profit) > _HAIR or days.get(book, ZERO) != done.get(book, ZERO):
            yield f"{book} made {account.profit}; its executions say {done.get(book)}, its days {days.get(book)}"
        if abs(cost.get(book, ZERO) - account.cost) > _HAIR:
            yield f"what {book} holds has cost {account.cost}, the ledger says {cost.get(book)}"


def _the_whole(books: Books) -> Iterator[str]:
    """Checks that results and fees of the strategies add up to the change of the account."""
    executions, positions = books.rows(result_tables.executions), books.rows(result_tables.positions)
    profit = sum((row["profit_quote"] or ZERO for row in executions), ZERO)
    gross = sum((row["gross_quote"] or ZERO for row in executions), ZERO)
    cost, value = (sum((row[name] for row in positions), ZERO) for name in ("cost", "value"))
    change = books.balances[QUOTE] - PAPER_BALANCES[QUOTE]
    if profit - cost != change:
        yield f"the account changed by {change}; results {profit} less what is held at its cost {cost} are {profit - cost}"
    fees, paid = gross - profit + cost - value, sum((one.fees for one in books.accounts.values()), ZERO)
    if abs(fees - paid) > _HAIR:
        yield f"the exchange took {paid} in fees, the ledger says {fees}"


def _resting(books: Books) -> Iterator[str]:
    """Checks that the same orders rest in the ledger and on the exchange, and none without its position or its plan."""
    orders = {row["client_order_id"]: order_tables.order_of(row) for row in books.rows(order_tables.orders)}
    ours = {name for name, order in orders.items() if order.rests}
    there = {order.report.client_order_id for order in books.open_orders()}
    yield from (f"{name} rests on the exchange alone" for name in sorted(there - ours))
    yield from (f"{name} rests in the ledger alone" for name in sorted(ours - there))
    open_books = {StrategyBook(row["symbol"], row["strategy"]) for row in books.rows(result_tables.positions) if row["is_open"]}
    planned = {plan.book for plan in map(plan_tables.plan_of, books.rows(plan_tables.order_plans)) if plan.is_open}
    for order in books.open_orders():
        book, is_exit = books.book_of(order), order.report.side is Side.SELL
        if book not in planned or (is_exit and book not in open_books):
            yield f"{order.report.client_order_id} rests without a {'position' if is_exit else 'plan'} of {book}"


def _guarded(books: Books) -> Iterator[str]:
    """Checks that a position with a plan that wants a stop is in the orders that rest, as a whole."""
    held = _by_book(books.rows(result_tables.positions), "qty")
    is_open = {StrategyBook(row["symbol"], row["strategy"]): row["is_open"] for row in books.rows(result_tables.positions)}
    for plan in map(plan_tables.plan_of, books.rows(plan_tables.order_plans)):
        if not plan.is_open or plan.exits.stop is None or not is_open.get(plan.book):
            continue
        left = held[plan.book] - _bound(books, plan.book)
        if left < 0 or left * plan.entry_price > _LEAST:
            yield f"{left} of {held[plan.book]} {plan.book} are in no order; the plan is {plan.state}, {plan.why}"


def _bound(books: Books, book: StrategyBook) -> Decimal:
    lists: dict[str, Decimal] = {}
    for order in books.open_orders():
        if books.book_of(order) == book and order.report.side is Side.SELL and order.resting is not None:
            lists[order.resting.list_id or order.report.client_order_id] = order.report.qty
    return sum(lists.values(), ZERO)


def _settled(books: Books) -> Iterator[str]:
    """Checks that nothing is undecided, in flight, unreadable or halted."""
    for row in books.rows(control_tables.holds):
        yield f"{row['symbol']} was halted: {row['words']}"
    for row in books.rows(signal_tables.dead_letters):
        yield f"a record was unreadable: {row['problem']}"
    for order in [order_tables.order_of(row) for row in books.rows(order_tables.orders)]:
        if order.in_flight:
            yield f"{order.client_order_id} is {order.state}"
    for what, number in books.disk.unsettled():
        if number and what in {"messages undecided", "wanted exits"}:
            yield f"{what}: {number}"


_CHECKS = (_the_account, _fills, _amounts, _whose, _results, _the_whole, _resting, _guarded, _settled)
