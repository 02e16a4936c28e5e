"""The venue as a test holds it: state, clock, keys, limits, faults, and the methods that arrange them."""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.paths import DATA
from tests.venue.book import Levels, Price
from tests.venue.faults import Faults
from tests.venue.limits import RateLimits
from tests.venue.matching import Exchange
from tests.venue.model import Account, ApiKey, Balance, Order, OrderList, Rates, Trade
from tests.venue.price_range import PriceRange
from tests.venue.streams import Streams

EXCHANGE_INFO = DATA / "binance" / "exchangeInfo_12_symbols.json"
NEWER_ROWS = DATA / "binance" / "exchangeInfo_2026_rows.json"
KEY, SECRET = "k" * 60 + "Test", "s" * 58 + "Secret"
READ_ONLY_KEY = "r" * 60 + "Test"
ED25519_KEY = "e" * 60 + "Test"
DEFAULT_BALANCES: Mapping[str, str] = {"USDC": "100000", "USDT": "100000"}
DEFAULT_PRICES: Mapping[str, str] = {
    "ETHBTC": "0.04",
    "BTCUSDT": "60000",
    "ETHUSDT": "2400",
    "BNBUSDT": "600",
    "BTCUSDC": "60000",
    "USDCUSDT": "1",
    "DOGEUSDT": "0.1",
    "SOLUSDT": "150",
    "SHIBUSDT": "0.00002",
    "PEPEUSDT": "0.00001",
    "WIFUSDT": "0.48",
    "WIFUSDC": "0.4801",
}


@dataclass(slots=True)
class Clock:
    """The venue's own time: `base` (epoch seconds) plus an offset that may be changed while it runs."""

    base: Callable[[], float] = time.time
    offset_ms: int = 0

    def now_us(self) -> int:
        return int(self.base() * 1_000_000) + self.offset_ms * 1000

    def now_ms(self) -> int:
        return self.now_us() // 1000


@dataclass(slots=True)
class ListLag:
    """The lag of the database behind GET orderList and allOrderList: by the time, by the number of questions, or by both."""

    ms: int = 0
    queries: int = 0

    def shows(self, found: OrderList, now: int) -> bool:
        found.queries += 1
        return found.queries > self.queries and now >= found.time + self.ms


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived, without its signature and key."""

    method: str
    path: str
    params: Mapping[str, str]
    time_us: int
    """Microseconds since the epoch, by the venue's clock."""


class Venue:
    """One exchange, one main account, two keys: `key` may do everything, `read_only_key` may not trade."""

    def __init__(
        self,
        *,
        balances: Mapping[str, Price] = DEFAULT_BALANCES,
        prices: Mapping[str, Price] = DEFAULT_PRICES,
        clock: Callable[[], float] = time.time,
        latency_ms: float = 0,
    ) -> None:
        self.clock = Clock(clock)
        info = json.loads(EXCHANGE_INFO.read_text())
        self.exchange = Exchange(info, self.clock.now_ms)
        self.rate_limits: list[dict[str, Any]] = copy.deepcopy(info["rateLimits"])
        self.limits = RateLimits(self.rate_limits, self.clock.now_ms)
        self.faults = Faults()
        self.latency_ms = latency_ms
        self.list_lag = ListLag()
        self.streams = Streams(self.clock.now_ms, self.exchange.state.listeners)
        self.requests: list[Received] = []
        self.api_url = self.ws_url = ""
        self.keys: dict[str, ApiKey] = {}
        self.key, self.secret = KEY, SECRET
        self.read_only_key = READ_ONLY_KEY
        self.account = self.add_account("main", balances, key=KEY, secret=SECRET)
        self.keys[READ_ONLY_KEY] = ApiKey(READ_ONLY_KEY, SECRET, self.account, can_trade=False)
        for symbol, price in prices.items():
            self.set_price(symbol, price)

    @property
    def orders(self) -> list[Order]:
        """Returns every accepted order, oldest first."""
        return self.exchange.orders

    @property
    def trades(self) -> list[Trade]:
        return self.exchange.trades

    @property
    def lists(self) -> list[OrderList]:
        """Returns every accepted order list, oldest first."""
        return list(self.exchange.state.orders.lists.values())

    @property
    def balances(self) -> dict[str, Balance]:
        """Returns the main account's balances."""
        return self.account.balances

    def add_account(self, name: str, balances: Mapping[str, Price], *, key: str, secret: str) -> Account:
        account = Account(name, {asset: Balance(Decimal(free)) for asset, free in balances.items()})
        self.exchange.accounts[name] = account
        self.keys[key] = ApiKey(key, secret, account)
        return account

    def note(self, method: str, path: str, values: Mapping[str, str]) -> None:
        """Records a request that arrived, without its signature and key."""
        shown = {name: value for name, value in values.items() if name not in ("signature", "apiKey")}
        self.requests.append(Received(method, path, shown, self.clock.now_us()))

    def add_ed25519_key(self, key: str = ED25519_KEY) -> str:
        """Adds an Ed25519 key of the main account; returns its private half as PEM."""
        private = Ed25519PrivateKey.generate()
        self.keys[key] = ApiKey(key, "", self.account, public_key=private.public_key())
        return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def change_key(self, **rights: Any) -> None:
        """Changes the main key's permissions (API Management)."""
        self.keys[self.key] = replace(self.keys[self.key], **rights)

    def set_balance(self, asset: str, free: Price) -> None:
        """Sets what is free of an asset, as a deposit or a withdrawal does."""
        balance = self.account.balance(asset)
        delta, balance.free = Decimal(free) - balance.free, Decimal(free)
        if delta:
            self.exchange.state.deposited(self.account, asset, delta)

    def set_rates(self, *, maker: Price = "0.001", taker: Price = "0.001", bnb_burn: bool = False) -> None:
        """Sets the commission of the main account, as fractions."""
        self.account.rates = Rates(Decimal(maker), Decimal(taker), bnb_burn)

    def set_bnb_price(self, quote: str, price: Price) -> None:
        """Sets the price of 1 BNB in `quote`, if no BNB symbol has one."""
        self.exchange.bnb_prices[quote] = Decimal(price)

    def set_price(self, symbol: str, price: Price, spread: Price = "0") -> None:
        """Sets endless liquidity at exactly this price on both sides; `spread` is the distance of the two."""
        middle, half = Decimal(price), Decimal(spread) / 2
        self.exchange.set_book(symbol, [(middle - half, None)], [(middle + half, None)], middle)

    def set_book(self, symbol: str, *, bids: Levels = (), asks: Levels = (), last: Price | None = None) -> None:
        """Sets levels of (price, quantity); quantity None is endless. Orders take from them."""
        self.exchange.set_book(symbol, bids, asks, last)

    def set_average(self, symbol: str, price: Price | None) -> None:
        """Sets the average price that filters and avgPrice use; None: the last price."""
        self.exchange.books[symbol].average_override = None if price is None else Decimal(price)

    def edit_symbol(self, symbol: str, **changes: object) -> None:
        """Edits a symbol: keywords of filters.EDITABLE (`min_notional="5"`), `status="HALT"` or another field of it."""
        self.exchange.edit_symbol(symbol, **changes)

    def modernize(self, symbol: str) -> None:
        """Gives a symbol what a row of 2026 has beside it: every order type and flag, the limits of algo orders, lists and
        amendments, the self-trade modes. Prices, lots and amounts stay."""
        newer = json.loads(NEWER_ROWS.read_text())["symbols"][0]
        kept = ("orderTypes", "defaultSelfTradePreventionMode", "allowedSelfTradePreventionModes")
        flags = {name: value for name, value in newer.items() if name.endswith(("Allowed", "Stop")) or name in kept}
        filters = {rule["filterType"]: {k: v for k, v in rule.items() if k != "filterType"} for rule in newer["filters"]}
        counts = {kind: rule for kind, rule in filters.items() if kind.startswith(("MAX_NUM_", "TRAILING"))}
        self.exchange.edit_symbol(symbol, **flags, filters=counts)

    def add_symbol_of_2026(self, symbol: str, price: Price) -> None:
        """Lists a recorded symbol of 2026: TSLABUSDT (narrow price bands), BTCUSD (binance.us), ETHBTC."""
        rows = {row["symbol"]: row for row in json.loads(NEWER_ROWS.read_text())["symbols"]}
        self.exchange.list_symbol(rows[symbol])
        self.set_price(symbol, price)

    def trade(self, symbol: str, price: Price, quantity: Price | None = None) -> None:
        """Plays a trade of others: the last price. Resting orders with a better price are filled first, up to `quantity`; one at
        exactly this price is not filled. Stops and trailing orders follow it. The book stays as it is."""
        self.exchange.trade(symbol, price, quantity)

    def walk(self, symbol: str, *prices: Price) -> None:
        """Moves the market through prices, one `set_price` after the other."""
        for price in prices:
            self.set_price(symbol, price)

    def fill_order(self, symbol: str, order: int | str, quantity: Price, price: Price | None = None) -> None:
        """Fills so much of an order (its id, or its client id) that is on the book, at its own price or another."""
        self.exchange.fill(self._order(symbol, order), Decimal(quantity), None if price is None else Decimal(price))

    def set_price_range(self, symbol: str, up: Price | None, down: Price = "0") -> None:
        """Lets orders of a symbol trade only between these multiples of the average price; `up` None: at any price."""
        ranges = self.exchange.state.price_ranges
        ranges.pop(symbol, None)
        if up is not None:
            ranges[symbol] = PriceRange(Decimal(up), Decimal(down), Decimal(up), Decimal(down))

    def set_cancels_rename(self, *, renames: bool = True) -> None:
        """Lets canceled orders be found by their order id and by the cancel's id only."""
        self.exchange.settlement.cancels_rename = renames

    def expire_order(self, symbol: str, order: int | str, reason: str = "EXCHANGE_CANCELED") -> None:
        """Ends an open order by the exchange's own will."""
        self.exchange.expire(self._order(symbol, order), reason)

    def _order(self, symbol: str, order: int | str) -> Order:
        order_id, client_id = (order, None) if isinstance(order, int) else (None, order)
        found = self.exchange.find(self.account, symbol, order_id, client_id)
        if found is None or not found.is_open:
            raise ValueError(f"no open order {order!r} of {symbol}")
        return found

    def add_symbol(self, base: str, quote: str = "USDC", *, like: str = "WIFUSDC", price: Price = "0.4801") -> str:
        """Adds a made-up symbol with the rules of another; returns its name."""
        symbol = self.exchange.clone_symbol(like, base, quote)
        self.set_price(symbol, price)
        return symbol

    def delist(self, symbol: str) -> None:
        """Removes a symbol with everything that ever was of it (-1121)."""
        del self.exchange.symbols[symbol]

    def set_limits(
        self,
        *,
        weight_1m: int | None = None,
        orders_10s: int | None = None,
        orders_1d: int | None = None,
        raw_5m: int | None = None,
    ) -> None:
        """Sets new rate limits, announced by exchangeInfo too; counts restart."""
        wanted = {
            ("REQUEST_WEIGHT", "MINUTE"): weight_1m,
            ("ORDERS", "SECOND"): orders_10s,
            ("ORDERS", "DAY"): orders_1d,
            ("RAW_REQUESTS", "MINUTE"): raw_5m,
        }
        for rule in self.rate_limits:
            limit = wanted[rule["rateLimitType"], rule["interval"]]
            if limit is not None:
                rule["limit"] = limit
        self.limits.set_rules(self.rate_limits)

    def lift_limits(self) -> None:
        """Removes every limit that anything could reach."""
        endless = 10**12
        self.set_limits(weight_1m=endless, orders_10s=endless, orders_1d=endless, raw_5m=endless)
