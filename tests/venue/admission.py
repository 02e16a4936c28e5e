"""Everything that can refuse an order before it exists, and a pending order again when it is placed."""

from collections.abc import Sequence
from decimal import Decimal

from tests.venue.book import Fill, OrderBook
from tests.venue.errors import VenueError, filter_failure, rejected
from tests.venue.filters import Counts, Market, SymbolRules
from tests.venue.model import CONTINGENT, ZERO, Account, Order, OrderRequest
from tests.venue.self_trade import MODES, SelfTrade
from tests.venue.state import State
from tests.venue.stops import is_reached

INSUFFICIENT = "Account has insufficient balance for requested action."
NO_LIQUIDITY = "Order book liquidity is less than symbol minimum quantity."
BAD_PRICES = "The relationship of the prices for the orders is not correct."


class Admission:
    """Raises VenueError for what the exchange refuses; changes nothing."""

    def __init__(self, state: State, self_trade: SelfTrade) -> None:
        self._state = state
        self._self_trade = self_trade

    def check(self, account: Account, request: OrderRequest) -> list[Fill]:
        """Checks a new order; returns its immediate fills."""
        self.check_filters(account, [request])
        return self.check_engine(account, request)

    def check_filters(self, account: Account, requests: Sequence[OrderRequest], *, lists: int = 0) -> None:
        """Checks the symbol, its filters and the numbers of open orders."""
        rules = self._state.rules(requests[0].symbol)
        if rules.status != "TRADING":
            raise rejected("Market is closed.")
        if not account.can_trade:
            raise rejected("This account may not place or cancel orders.")
        for request in requests:
            _check_type(rules, request)
            rules.check(request, self._market(account, rules))
        resting = [request for request in requests if lists or request.type != "MARKET"]
        if resting:
            self._check_counts(account, rules, resting, lists)

    def check_engine(self, account: Account, request: OrderRequest) -> list[Fill]:
        """Checks what the matching engine judges: the id, the prices and the balance; returns the immediate fills."""
        self.check_new_id(account, request)
        self.check_prices(account, request)
        fills = self._plan(self._state.symbols[request.symbol], request)
        self._check_balance(account, [request], fills)
        return fills

    def check_new_id(self, account: Account, request: OrderRequest) -> None:
        if self._state.orders.is_used(account, request.symbol, request.client_order_id):
            raise rejected("Duplicate order sent.")

    def check_prices(self, account: Account, request: OrderRequest) -> None:
        """Refuses a stop on the wrong side of the last trade, and a maker that would take."""
        book = self._state.books[request.symbol]
        stop = request.stop_price
        if stop is not None and is_reached(request.type, request.side, stop, book.last):
            raise rejected("Order would trigger immediately.")
        rivals = self._self_trade.rivals(account, request) if request.type not in CONTINGENT else []
        if request.type == "LIMIT_MAKER" and (rivals or book.plan(request.side, Decimal(1), request.price)):
            raise rejected("Order would immediately match and take.")
        if rivals and request.stp_mode not in MODES:
            raise VenueError(-1020)

    def check_pair(self, account: Account, above: OrderRequest, below: OrderRequest) -> None:
        """Checks that the last trade is between the prices of an OCO, and the balance for its larger leg."""
        last = self._state.books[above.symbol].last
        high, low = pair_price(above), pair_price(below)
        if (high is not None and high <= last) or (low is not None and low >= last):
            raise rejected(BAD_PRICES)
        for request in (above, below):
            self.check_prices(account, request)
        self._check_balance(account, [above, below], [])

    def check_pending(self, account: Account, request: OrderRequest) -> None:
        """Checks a pending order when it is placed: filters, prices and balance."""
        rules = self._state.symbols[request.symbol]
        rules.check(request, self._market(account, rules))
        self.check_prices(account, request)
        self._check_balance(account, [request], self._plan(rules, request))

    def check_amended(self, account: Account, order: Order, quantity: Decimal) -> None:
        """Checks the filters of an open order for its new quantity."""
        rules = self._state.symbols[order.symbol]
        price = None if order.limit is None else order.price
        request = OrderRequest(
            order.symbol, order.side, order.type, None, quantity, None, price, order.client_order_id, order.stp_mode
        )
        rules.check(request, self._market(account, rules))

    def estimate(self, request: OrderRequest) -> Decimal:
        """Returns the price by which a BUY locks its quote asset."""
        return request.price or request.stop_price or self._state.books[request.symbol].last

    def _check_counts(self, account: Account, rules: SymbolRules, new: Sequence[OrderRequest], lists: int) -> None:
        orders, algo = len(new), sum(request.type in CONTINGENT for request in new)
        # a MARKET order is not open, and an algo limit concerns algo orders only
        here = self._state.orders
        total = Counts(
            orders + len(here.open_of(account, rules.symbol)),
            algo and algo + len(here.algo_of(account, rules.symbol)),
            lists and lists + len(here.lists_of(account, rules.symbol)),
        )
        rules.check_counts(total)
        if self._state.info["exchangeFilters"]:
            everywhere = Counts(
                orders + len(here.open_of(account, None)),
                algo and algo + len(here.algo_of(account, None)),
                lists and lists + len(here.lists_of(account)),
            )
            rules.check_counts_everywhere(everywhere, self._state.info["exchangeFilters"])

    def _market(self, account: Account, rules: SymbolRules) -> Market:
        book = self._state.books[rules.symbol]
        held = account.balance(rules.base)
        buying = (order.remaining for order in self._state.orders.open_of(account, rules.symbol) if order.side == "BUY")
        return Market(book.average, book.last, held.free + held.locked + sum(buying, ZERO))

    def _plan(self, rules: SymbolRules, request: OrderRequest) -> list[Fill]:
        book: OrderBook = self._state.books[rules.symbol]
        if request.quote_qty is not None:
            if not book.facing(request.side):
                raise rejected(NO_LIQUIDITY)
            fills = book.plan_quote(request.side, request.quote_qty, rules.market_step)
            rules.check_lot(sum((quantity for _, quantity in fills), ZERO), is_market=True)
            return fills
        if request.quantity is None:
            raise filter_failure("LOT_SIZE")
        if request.type in CONTINGENT:
            return []
        return book.plan(request.side, request.quantity, request.price)

    def _check_balance(self, account: Account, requests: Sequence[OrderRequest], fills: list[Fill]) -> None:
        """Checks that there is enough for the order, or for the leg of an OCO that needs most."""
        rules = self._state.symbols[requests[0].symbol]
        asset = rules.base if requests[0].side == "SELL" else rules.quote
        if account.balance(asset).free < max(self._needed(request, fills) for request in requests):
            raise rejected(INSUFFICIENT)

    def _needed(self, request: OrderRequest, fills: list[Fill]) -> Decimal:
        """Returns the whole worth at its own price for an order that can rest; for MARKET orders what they will take."""
        if request.side == "SELL":
            return sum((quantity for _, quantity in fills), ZERO) if request.quantity is None else request.quantity
        if request.type != "MARKET" and request.quantity is not None:
            return request.quantity * self.estimate(request)
        return request.quote_qty if request.quote_qty is not None else sum((p * quantity for p, quantity in fills), ZERO)


def pair_price(request: OrderRequest) -> Decimal | None:
    """Returns the price by which a leg of an OCO is compared with the last trade: the limit of a LIMIT_MAKER and of a
    TAKE_PROFIT_LIMIT, the stop price of the others; None for a trailing one without."""
    if request.type in ("LIMIT_MAKER", "TAKE_PROFIT_LIMIT"):
        return request.price
    return request.stop_price


def _check_type(rules: SymbolRules, request: OrderRequest) -> None:
    if request.type not in rules.order_types:
        words = request.type.replace("_", " ").capitalize()
        raise rejected(f"{words} orders are not supported for this symbol.")
    if request.quote_qty is not None and not rules.info["quoteOrderQtyMarketAllowed"]:
        raise rejected("Quote order qty market orders are not support for this symbol.")
    if request.trailing_delta is not None and not rules.allows("allowTrailingStop"):
        raise rejected("Trailing stop orders are not supported for this symbol.")
    allowed = rules.info.get("allowedSelfTradePreventionModes")
    if allowed is not None and request.stp_mode not in allowed:
        raise VenueError(-1013, "This symbol does not allow the specified self-trade prevention mode.")
