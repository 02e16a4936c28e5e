"""Every order and order list of the exchange, by id, by client id, and which of them are open."""

from collections.abc import Callable

from tests.venue.model import CONTINGENT, ZERO, Account, ListRequest, Order, OrderList, OrderRequest


class OrderStore:
    """Finds orders and lists, and gives them their ids. Order ids count per symbol, list ids over all."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.all: list[Order] = []
        self.lists: dict[int, OrderList] = {}
        self.visible_after_ms = 0
        self._now = now_ms
        self._by_id: dict[tuple[str, int], Order] = {}
        self._by_client_id: dict[tuple[str, str, str], list[Order]] = {}
        self._open: dict[tuple[str, str], dict[int, Order]] = {}
        self._next_order: dict[str, int] = {}

    def add_list(self, account: Account, symbol: str, request: ListRequest, legs: list[Order]) -> OrderList:
        """Makes a list of orders that were added before."""
        found = OrderList(
            order_list_id=len(self.lists),
            client_list_id=request.client_list_id,
            symbol=symbol,
            account=account.name,
            contingency="OCO" if request.working is None else "OTO",
            time=self._now(),
            legs=legs,
            working=None if request.working is None else legs[0],
            pays=request.pays,
        )
        for leg in legs:
            leg.order_list_id = found.order_list_id
        self.lists[found.order_list_id] = found
        return found

    def add(self, account: Account, request: OrderRequest, *, status: str = "NEW") -> Order:
        """Makes an order of a request; one without a quantity gets it later."""
        now = self._now()
        order = Order(
            symbol=request.symbol,
            order_id=self._next_order.setdefault(request.symbol, 28),
            client_order_id=request.client_order_id,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force or "GTC",
            price=request.price or ZERO,
            orig_qty=request.quantity or ZERO,
            orig_quote_qty=request.quote_qty or ZERO,
            stp_mode=request.stp_mode,
            time=now,
            update_time=now,
            account=account.name,
            visible_at=now + self.visible_after_ms,
            status=status,
            strategy_id=request.strategy_id,
            strategy_type=request.strategy_type,
            stop_price=request.stop_price,
            trailing_delta=request.trailing_delta,
        )
        self._next_order[order.symbol] += 1
        self.all.append(order)
        self._by_id[order.symbol, order.order_id] = order
        self._by_client_id.setdefault((account.name, order.symbol, order.client_order_id), []).append(order)
        self._open.setdefault((account.name, order.symbol), {})[order.order_id] = order
        return order

    def closed(self, order: Order) -> None:
        """Takes an order from the open ones."""
        self._open[order.account, order.symbol].pop(order.order_id, None)

    def renamed(self, order: Order, client_order_id: str) -> None:
        """Gives an order another client id; the former one finds it no more."""
        self._by_client_id[order.account, order.symbol, order.client_order_id].remove(order)
        order.client_order_id = client_order_id
        self._by_client_id.setdefault((order.account, order.symbol, client_order_id), []).append(order)

    def open_of(self, account: Account | None, symbol: str | None) -> list[Order]:
        """Returns open orders, oldest first; None stands for all."""
        return [
            order
            for (name, of_symbol), orders in self._open.items()
            if (account is None or name == account.name) and (symbol is None or of_symbol == symbol)
            for order in orders.values()
        ]

    def algo_of(self, account: Account, symbol: str | None) -> list[Order]:
        """Returns the open stop and take profit orders."""
        return [order for order in self.open_of(account, symbol) if order.type in CONTINGENT]

    def lists_of(self, account: Account, symbol: str | None = None) -> list[OrderList]:
        """Returns the open lists of an account."""
        return [
            found
            for found in self.lists.values()
            if found.is_open and found.account == account.name and symbol in (None, found.symbol)
        ]

    def is_used(self, account: Account, symbol: str, client_order_id: str) -> bool:
        """Tells whether an open order has this client id."""
        return any(order.is_open for order in self._by_client_id.get((account.name, symbol, client_order_id), ()))

    def find(self, account: Account, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Returns the account's order, by id or by the newest use of the client order id; None if there is none."""
        if order_id is not None:
            order = self._by_id.get((symbol, order_id))
            if order is None or order.account != account.name:
                return None
            return order if client_order_id in (None, order.client_order_id) else None
        used = self._by_client_id.get((account.name, symbol, client_order_id or ""))
        return used[-1] if used else None

    def find_list(self, account: Account, list_id: int | None, client_list_id: str | None) -> OrderList | None:
        """Returns the account's list, by id or by the newest use of its client id."""
        for found in reversed(self.lists.values()):
            if found.account != account.name or list_id not in (None, found.order_list_id):
                continue
            if client_list_id in (None, found.client_list_id):
                return found
        return None

    def list_of(self, order: Order) -> OrderList | None:
        return self.lists.get(order.order_list_id)
