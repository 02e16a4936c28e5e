"""The matching engine: symbols, books, accounts, orders and trades. Pure state; knows no HTTP."""

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from tests.venue.book import Fill, Levels, OrderBook, Price, floor_to
from tests.venue.errors import VenueError, filter_failure, rejected
from tests.venue.filters import Market, SymbolRules, edited
from tests.venue.model import ZERO, Account, Order, OrderRequest, Trade

OpenKey = tuple[str, str]
INSUFFICIENT = "Account has insufficient balance for requested action."
NO_LIQUIDITY = "Order book liquidity is less than symbol minimum quantity."


class Exchange:
    """The matching engine. Every change is one call that happens completely, or raises VenueError and changes nothing."""

    def __init__(self, exchange_info: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self.info: dict[str, Any] = {k: v for k, v in exchange_info.items() if k != "symbols"}
        self.symbols: dict[str, SymbolRules] = {entry["symbol"]: SymbolRules(entry) for entry in exchange_info["symbols"]}
        self.books: dict[str, OrderBook] = {symbol: OrderBook() for symbol in self.symbols}
        self.bnb_prices: dict[str, Decimal] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: list[Order] = []
        self.trades: list[Trade] = []
        self.visible_after_ms = 0
        self.share_at_once: Decimal | None = None
        """The part that a MARKET order takes at once: the rest stays open until `work_off` or `cancel`; None: all."""
        self._now = now_ms
        self._by_id: dict[tuple[str, int], Order] = {}
        self._by_client_id: dict[tuple[str, str, str], list[Order]] = {}
        self._open: dict[OpenKey, dict[int, Order]] = {}
        self._next_order: dict[str, int] = {}
        self._next_trade: dict[str, int] = {}

    def rules(self, symbol: str) -> SymbolRules:
        found = self.symbols.get(symbol)
        if found is None:
            raise VenueError(-1121)
        return found

    def edit_symbol(self, symbol: str, **changes: object) -> None:
        self.symbols[symbol] = SymbolRules(edited(self.symbols[symbol].info, changes))

    def clone_symbol(self, source: str, base: str, quote: str) -> str:
        """Adds base+quote with the rules of `source`; returns its name."""
        info = {**self.symbols[source].info, "symbol": base + quote, "baseAsset": base, "quoteAsset": quote}
        self.symbols[base + quote] = SymbolRules(info)
        self.books.setdefault(base + quote, OrderBook())
        return base + quote

    def set_book(self, symbol: str, bids: Levels, asks: Levels, last: Price | None = None) -> None:
        """Sets new liquidity; resting orders that it reaches are filled as maker, at their own price."""
        self.books[symbol].replace(bids, asks, last)
        resting = [order for order in self.orders_open(None, symbol) if order.type != "MARKET"]
        for order in resting:
            fills = self.books[symbol].plan(order.side, order.remaining, order.price)
            self.books[symbol].take(order.side, fills)
            for _, quantity in fills:
                self._fill(self.accounts[order.account], order, order.price, quantity, is_maker=True)
            if not order.remaining:
                self._close(order, "FILLED")

    def orders_open(self, account: Account | None, symbol: str | None) -> list[Order]:
        """Returns open orders, oldest first; None stands for all."""
        return [
            order
            for (name, of_symbol), orders in self._open.items()
            if (account is None or name == account.name) and (symbol is None or of_symbol == symbol)
            for order in orders.values()
        ]

    def find(self, account: Account, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Returns the account's order, by id or by the newest use of the client order id; None if there is none."""
        if order_id is not None:
            order = self._by_id.get((symbol, order_id))
            if order is None or order.account != account.name:
                return None
            return order if client_order_id in (None, order.client_order_id) else None
        used = self._by_client_id.get((account.name, symbol, client_order_id or ""))
        return used[-1] if used else None

    def check(self, account: Account, request: OrderRequest) -> list[Fill]:
        """Checks everything that can refuse an order before it exists; returns its immediate fills."""
        rules = self.rules(request.symbol)
        if rules.status != "TRADING":
            raise rejected("Market is closed.")
        if not account.can_trade:
            raise rejected("This account may not place or cancel orders.")
        self._check_type(rules, request)
        book = self.books[rules.symbol]
        rules.check(request, self._market(account, rules), self.info["exchangeFilters"])
        used = self._by_client_id.get((account.name, rules.symbol, request.client_order_id), ())
        if any(order.is_open for order in used):
            raise rejected("Duplicate order sent.")
        fills = self._plan(rules, request, book)
        self._check_balance(account, rules, request, fills)
        return fills

    def place(self, account: Account, request: OrderRequest) -> Order:
        """Executes a new order; raises VenueError if it is refused."""
        fills = self.check(account, request)
        rules = self.symbols[request.symbol]
        order = self._open_order(account, rules, request, fills)
        filled = sum((quantity for _, quantity in fills), ZERO)
        held_back = order.type == "MARKET" and self.share_at_once is not None
        may_rest = held_back or (order.type != "MARKET" and order.time_in_force == "GTC")
        if held_back:
            fills = _first_of(fills, floor_to(filled * (self.share_at_once or ZERO), rules.market_step))
        if order.time_in_force == "FOK" and filled < order.orig_qty:
            fills = []
        self.books[rules.symbol].take(order.side, fills)
        for price, quantity in fills:
            self._fill(account, order, price, quantity, is_maker=False)
        if order.orig_qty and not order.remaining:
            self._close(order, "FILLED")
        elif not may_rest:
            self._close(order, "EXPIRED")
        else:
            self._lock(account, rules, order)
        return order

    def work_off(self, order: Order) -> None:
        """Executes the rest of a MARKET order that was held back, as far as the book allows."""
        account, book = self.accounts[order.account], self.books[order.symbol]
        self._unlock(order)
        fills = book.plan(order.side, order.remaining, None)
        book.take(order.side, fills)
        for price, quantity in fills:
            self._fill(account, order, price, quantity, is_maker=False)
        order.update_time = self._now()
        self._close(order, "EXPIRED" if order.remaining else "FILLED")

    def cancel(self, order: Order) -> None:
        if not order.is_open:
            raise VenueError(-2011)
        order.update_time = self._now()
        self._close(order, "CANCELED")

    def _check_type(self, rules: SymbolRules, request: OrderRequest) -> None:
        if request.type not in rules.order_types:
            words = request.type.replace("_", " ").capitalize()
            raise rejected(f"{words} orders are not supported for this symbol.")
        if request.quote_qty is not None and not rules.info["quoteOrderQtyMarketAllowed"]:
            raise rejected("Quote order qty market orders are not support for this symbol.")

    def _market(self, account: Account, rules: SymbolRules) -> Market:
        book = self.books[rules.symbol]
        mine = self._open.get((account.name, rules.symbol), {}).values()
        held = account.balance(rules.base)
        buying = sum((order.remaining for order in mine if order.side == "BUY"), ZERO)
        return Market(
            average=book.average,
            last=book.last,
            open_orders=len(mine),
            open_orders_everywhere=len(self.orders_open(account, None)) if self.info["exchangeFilters"] else 0,
            position=held.free + held.locked + buying,
        )

    def _plan(self, rules: SymbolRules, request: OrderRequest, book: OrderBook) -> list[Fill]:
        if request.quote_qty is not None:
            if not book.facing(request.side):
                raise rejected(NO_LIQUIDITY)
            fills = book.plan_quote(request.side, request.quote_qty, rules.market_step)
            rules.check_lot(sum((quantity for _, quantity in fills), ZERO), is_market=True)
            return fills
        if request.quantity is None:
            raise filter_failure("LOT_SIZE")
        fills = book.plan(request.side, request.quantity, request.price)
        if request.type == "LIMIT_MAKER" and fills:
            raise rejected("Order would immediately match and take.")
        return fills

    def _check_balance(self, account: Account, rules: SymbolRules, request: OrderRequest, fills: list[Fill]) -> None:
        """Checks that a LIMIT order has its whole worth at its own price; a MARKET order the amount that it will take."""
        if request.side == "SELL":
            asset = rules.base
            needed = request.quantity
            if needed is None:
                needed = sum((quantity for _, quantity in fills), ZERO)
        else:
            asset = rules.quote
            if request.price is not None and request.quantity is not None:
                needed = request.price * request.quantity
            else:
                cost = sum((price * quantity for price, quantity in fills), ZERO)
                needed = request.quote_qty if request.quote_qty is not None else cost
        if account.balance(asset).free < needed:
            raise rejected(INSUFFICIENT)

    def _open_order(self, account: Account, rules: SymbolRules, request: OrderRequest, fills: list[Fill]) -> Order:
        now = self._now()
        quantity = request.quantity
        if quantity is None:
            quantity = sum((filled for _, filled in fills), ZERO)
        order = Order(
            symbol=rules.symbol,
            order_id=self._next_order.setdefault(rules.symbol, 28),
            client_order_id=request.client_order_id,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force or "GTC",
            price=request.price or ZERO,
            orig_qty=quantity,
            orig_quote_qty=request.quote_qty or ZERO,
            stp_mode=request.stp_mode,
            time=now,
            update_time=now,
            account=account.name,
            visible_at=now + self.visible_after_ms,
            strategy_id=request.strategy_id,
        )
        self._next_order[rules.symbol] += 1
        self.orders.append(order)
        self._by_id[rules.symbol, order.order_id] = order
        self._by_client_id.setdefault((account.name, rules.symbol, order.client_order_id), []).append(order)
        self._open.setdefault((account.name, rules.symbol), {})[order.order_id] = order
        return order

    def _lock(self, account: Account, rules: SymbolRules, order: Order) -> None:
        amount, asset = order.remaining, rules.base
        if order.side == "BUY":
            amount, asset = amount * order.price, rules.quote
        account.balance(asset).free -= amount
        account.balance(asset).locked += amount
        order.locked = amount

    def _fill(self, account: Account, order: Order, price: Decimal, quantity: Decimal, *, is_maker: bool) -> None:
        rules = self.symbols[order.symbol]
        quote = _cut(price * quantity, rules.quote_precision)
        paid, paid_asset = (quote, rules.quote) if order.side == "BUY" else (quantity, rules.base)
        got, got_asset = (quantity, rules.base) if order.side == "BUY" else (quote, rules.quote)
        source = account.balance(paid_asset)
        if is_maker:
            source.locked -= paid
            order.locked -= paid
        else:
            source.free -= paid
        account.balance(got_asset).free += got
        fee, fee_asset = self._commission(account, rules, got_asset, got, price, is_maker=is_maker)
        account.balance(fee_asset).free -= fee
        order.executed_qty += quantity
        order.quote_qty += quote
        order.update_time = account.update_time = self._now()
        order.status = "PARTIALLY_FILLED"
        trade = Trade(
            id=self._next_trade.setdefault(order.symbol, 56),
            symbol=order.symbol,
            order_id=order.order_id,
            price=price,
            qty=quantity,
            quote_qty=quote,
            commission=fee,
            commission_asset=fee_asset,
            time=order.update_time,
            is_buyer=order.side == "BUY",
            is_maker=is_maker,
            account=account.name,
        )
        self._next_trade[order.symbol] += 1
        order.trades.append(trade)
        self.trades.append(trade)

    def _commission(
        self,
        account: Account,
        rules: SymbolRules,
        asset: str,
        got: Decimal,
        price: Decimal,
        *,
        is_maker: bool,
    ) -> tuple[Decimal, str]:
        """Takes the commission out of what is received; in BNB at the discounted rate if the account burns BNB and has enough
        (faqs/commission_faq.md, whose worked example rounds half up)."""
        rate = account.rates.maker if is_maker else account.rates.taker
        if account.rates.bnb_burn:
            worth = got if asset == rules.quote else got * price
            bnb_price = price if rules.base == "BNB" else self._bnb_price(rules.quote)
            if bnb_price:
                fee = _round(worth / bnb_price * rate * account.rates.bnb_multiplier, 8)
                if account.balance("BNB").free >= fee:
                    return fee, "BNB"
        is_base = asset == rules.base
        digits = rules.base_commission_precision if is_base else rules.quote_commission_precision
        return _round(got * rate, digits), asset

    def _bnb_price(self, quote: str) -> Decimal:
        """Returns the price of 1 BNB in `quote`; 0 if unknown."""
        if quote == "BNB":
            return Decimal(1)
        listed = self.books.get(f"BNB{quote}")
        if listed is not None and listed.last:
            return listed.last
        return self.bnb_prices.get(quote, ZERO)

    def _close(self, order: Order, status: str) -> None:
        order.status = status
        del self._open[order.account, order.symbol][order.order_id]
        self._unlock(order)

    def _unlock(self, order: Order) -> None:
        if order.locked:
            rules = self.symbols[order.symbol]
            balance = self.accounts[order.account].balance(rules.quote if order.side == "BUY" else rules.base)
            balance.locked -= order.locked
            balance.free += order.locked
            order.locked = ZERO


def _first_of(fills: list[Fill], most: Decimal) -> list[Fill]:
    """Returns the fills up to a quantity."""
    first: list[Fill] = []
    for price, quantity in fills:
        if taken := min(quantity, most):
            first.append((price, taken))
            most -= taken
    return first


def _cut(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_DOWN)


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
