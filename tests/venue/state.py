"""The exchange's state, shared by the parts of the matching engine, and the events that its changes produce."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tests.venue import reports
from tests.venue.book import OrderBook
from tests.venue.errors import VenueError
from tests.venue.filters import SymbolRules
from tests.venue.model import Account, Amendment, Order, OrderList, Trade
from tests.venue.orders import OrderStore
from tests.venue.price_range import PriceRange
from tests.venue.tape import Tape

Listener = Callable[[str, reports.Event], None]


class State:
    """Symbols, books, accounts, orders and trades. Events go to the listeners by the account's name."""

    def __init__(self, exchange_info: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self.info: dict[str, Any] = {k: v for k, v in exchange_info.items() if k != "symbols"}
        self.symbols: dict[str, SymbolRules] = {entry["symbol"]: SymbolRules(entry) for entry in exchange_info["symbols"]}
        self.books: dict[str, OrderBook] = {symbol: OrderBook() for symbol in self.symbols}
        self.bnb_prices: dict[str, Decimal] = {}
        self.price_ranges: dict[str, PriceRange] = {}
        self.accounts: dict[str, Account] = {}
        self.orders = OrderStore(now_ms)
        self.trades: list[Trade] = []
        self.tape = Tape()
        self.amendments: list[Amendment] = []
        self.now = now_ms
        self.listeners: list[Listener] = []
        self._execution_id = 0
        self._touched: dict[str, dict[str, None]] = {}

    def rules(self, symbol: str) -> SymbolRules:
        found = self.symbols.get(symbol)
        if found is None:
            raise VenueError(-1121)
        return found

    def account_of(self, order: Order | OrderList) -> Account:
        return self.accounts[order.account]

    def touch(self, account: Account, asset: str) -> None:
        """Notes that a balance changed: the next `tell_balances` sends it."""
        account.update_time = self.now()
        self._touched.setdefault(account.name, {})[asset] = None

    def report(self, order: Order, kind: str, extra: Mapping[str, Any] | None = None, **options: Any) -> int:
        """Sends an executionReport, options as for reports.execution_report; returns its execution id."""
        self._execution_id += 1
        if not self.listeners:
            return self._execution_id
        event = reports.execution_report(order, self.symbols[order.symbol], kind, self._execution_id, **options)
        self.tell(order.account, {**event, **(extra or {})})
        return self._execution_id

    def tell(self, account: str, event: reports.Event) -> None:
        for listener in self.listeners:
            listener(account, event)

    def deposited(self, account: Account, asset: str, delta: Decimal) -> None:
        """Sends the events of money that came from outside, or went there."""
        self.touch(account, asset)
        self.tell(account.name, reports.balance_update(asset, delta, self.now()))
        self.tell_balances()

    def tell_list(self, found: OrderList, status_type: str | None = None) -> None:
        event = reports.list_status(found, self.now())
        self.tell(found.account, event if status_type is None else {**event, "l": status_type})

    def tell_balances(self) -> None:
        """Sends an outboundAccountPosition for each account whose balances changed."""
        touched, self._touched = self._touched, {}
        if not self.listeners:
            return
        for name, assets in touched.items():
            self.tell(name, reports.account_position(self.accounts[name], list(assets), self.now()))
