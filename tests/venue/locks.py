"""Free and locked money: what open orders set aside, what fills take and bring, what is given back."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from tests.venue.fees import commission
from tests.venue.filters import SymbolRules
from tests.venue.model import ZERO, Account, Lock, Order, OrderList, Trade
from tests.venue.state import State


def needs(order: Order, rules: SymbolRules) -> tuple[str, Decimal]:
    """Returns the asset and amount that an open order keeps locked: a SELL base, a BUY quote at its own price."""
    if order.side == "SELL":
        return rules.base, order.remaining
    return rules.quote, order.remaining * (order.price or order.estimate)


class Settlement:
    """Moves money between free and locked, and executes and closes orders."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.changed: list[Order] = []
        """Legs of lists that were executed or closed, and are to be followed."""
        self.cancels_rename = False
        """A canceled order is found by the cancel's id only: web-socket-api.md says that it "will replace clientOrderId of the
        canceled order", and what a query by the former id then finds is not known."""
        self._next_trade: dict[str, int] = {}

    def lock(self, orders: Sequence[Order]) -> None:
        """Sets aside for one order, or once for the legs of an OCO: as much as the leg that needs most."""
        wanted = [needs(order, self._state.symbols[order.symbol]) for order in orders]
        asset, amount = max(wanted, key=lambda found: found[1])
        shared = Lock(asset)
        self._move(self._state.account_of(orders[0]), shared, amount)
        for order in orders:
            order.lock = shared

    def keep(self, account: Account, lock: Lock, amount: Decimal) -> None:
        """Makes a lock exactly this large."""
        self._move(account, lock, amount - lock.amount)

    def fill(self, order: Order, price: Decimal, quantity: Decimal, *, is_maker: bool) -> None:
        """Executes a part of an order, or all of it, which closes it."""
        state, rules, account = self._state, self._state.symbols[order.symbol], self._state.account_of(order)
        quote = _cut(price * quantity, rules.quote_precision)
        if order.side == "BUY":
            paid, paid_asset, got, got_asset = quote, rules.quote, quantity, rules.base
        else:
            paid, paid_asset, got, got_asset = quantity, rules.base, quote, rules.quote
        self._pay(account, order, paid_asset, paid)
        keeper = self._keeper(order)
        self._receive(account, keeper, got_asset, got)
        fee, fee_asset = commission(state, account, rules, (got, got_asset), price, is_maker=is_maker)
        self._charge(account, keeper, fee_asset, fee)
        order.executed_qty += quantity
        order.quote_qty += quote
        order.update_time = state.now()
        order.status = "PARTIALLY_FILLED" if order.remaining else "FILLED"
        trade = self._trade(order, price, quantity, quote, (fee, fee_asset), is_maker=is_maker)
        if order.is_open:
            self.trim(order)
            self._note(order)
        else:
            self.close(order, "FILLED")
        state.report(order, "TRADE", trade=trade)

    def close(self, order: Order, status: str, reason: str | None = None) -> None:
        order.status, order.expiry_reason, order.update_time = status, reason, self._state.now()
        self._state.orders.closed(order)
        self.trim(order)
        self._note(order)

    def cancel(self, order: Order, cancel_id: str) -> None:
        """Cancels an order; in the event the cancel's id stands where the order's was."""
        order.canceled_as = order.client_order_id
        self.close(order, "CANCELED")
        self._state.report(order, "CANCELED", client_id=cancel_id, replaced_id=order.client_order_id)
        if self.cancels_rename:
            self._state.orders.renamed(order, cancel_id)

    def expire(self, order: Order, reason: str, reject_reason: str = "NONE") -> None:
        self.close(order, "EXPIRED", reason)
        self._state.report(order, "EXPIRED", reject_reason=reject_reason)

    def _note(self, order: Order) -> None:
        if order.order_list_id >= 0:
            self.changed.append(order)

    def trim(self, order: Order) -> None:
        """Gives back what the open orders behind a lock do not need any more."""
        if not order.lock.amount:
            return
        found = self._state.orders.list_of(order)
        legs = found.legs if found else [order]
        rules = self._state.symbols[order.symbol]
        behind = [needs(leg, rules)[1] for leg in legs if leg.is_open and leg.lock is order.lock]
        self.keep(self._state.account_of(order), order.lock, min(order.lock.amount, max(behind, default=ZERO)))

    def _move(self, account: Account, lock: Lock, amount: Decimal) -> None:
        if amount:
            balance = account.balance(lock.asset)
            balance.free -= amount
            balance.locked += amount
            lock.amount += amount
            self._state.touch(account, lock.asset)

    def _pay(self, account: Account, order: Order, asset: str, amount: Decimal) -> None:
        """Takes what an order pays: from what it locked first, the rest from what is free."""
        balance = account.balance(asset)
        from_lock = min(amount, order.lock.amount) if order.lock.asset == asset else ZERO
        order.lock.amount -= from_lock
        balance.locked -= from_lock
        balance.free -= amount - from_lock
        self._state.touch(account, asset)

    def _keeper(self, order: Order) -> OrderList | None:
        """Returns the OPO list that keeps what this order receives."""
        found = self._state.orders.list_of(order)
        return found if found is not None and found.pays and found.working is order else None

    def _receive(self, account: Account, keeper: OrderList | None, asset: str, amount: Decimal) -> None:
        account.balance(asset).free += amount
        self._state.touch(account, asset)
        if keeper is not None:
            keeper.received.asset = asset
            self._move(account, keeper.received, amount)

    def _charge(self, account: Account, keeper: OrderList | None, asset: str, fee: Decimal) -> None:
        """Takes the commission. Of what an OPO received only if the free balance has too little, or it is BNB (faqs/opo.md)."""
        balance = account.balance(asset)
        if keeper is not None and asset == keeper.received.asset and (asset == "BNB" or balance.free < fee):
            self._move(account, keeper.received, -fee)
        balance.free -= fee
        self._state.touch(account, asset)

    def _trade(
        self, order: Order, price: Decimal, quantity: Decimal, quote: Decimal, fee: tuple[Decimal, str], *, is_maker: bool
    ) -> Trade:
        trade = Trade(
            id=self._next_trade.setdefault(order.symbol, 56),
            symbol=order.symbol,
            order_id=order.order_id,
            price=price,
            qty=quantity,
            quote_qty=quote,
            commission=fee[0],
            commission_asset=fee[1],
            time=order.update_time,
            is_buyer=order.side == "BUY",
            is_maker=is_maker,
            account=order.account,
            order_list_id=order.order_list_id,
        )
        self._next_trade[order.symbol] += 1
        order.trades.append(trade)
        self._state.trades.append(trade)
        return trade


def _cut(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_DOWN)
