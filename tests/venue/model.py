"""The venue's nouns: balances, accounts, keys, orders, trades. Decimal money, times in milliseconds."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

Side = Literal["BUY", "SELL"]
ZERO = Decimal(0)


@dataclass(slots=True)
class Balance:
    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(slots=True)
class Rates:
    """Commission as fractions: 0.001 is 0.1 %. With `bnb_burn` the rate is multiplied by `bnb_multiplier`."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    bnb_burn: bool = False
    bnb_multiplier: Decimal = Decimal("0.75")


@dataclass(slots=True)
class Account:
    """An account. Orders, trades and the unfilled order count belong to it, whatever key was used."""

    name: str
    balances: dict[str, Balance] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    can_trade: bool = True
    uid: int = 354937868
    update_time: int = 0

    def balance(self, asset: str) -> Balance:
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key. `ip_allowed` false: the request comes from an address outside its whitelist; `ip_restricted` false: it has
    none."""

    key: str
    secret: str = field(repr=False)
    account: Account
    can_read: bool = True
    can_trade: bool = True
    ip_allowed: bool = True
    ip_restricted: bool = True
    can_withdraw: bool = False
    can_transfer: bool = False


@dataclass(slots=True)
class Trade:
    """One fill of one order. `id` counts per symbol, as on the real exchange: two symbols share numbers."""

    id: int
    symbol: str
    order_id: int
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    account: str


@dataclass(slots=True)
class Order:
    """An order; `order_id` counts per symbol. `visible_at`: the time from which queries find it."""

    symbol: str
    order_id: int
    client_order_id: str
    side: Side
    type: str
    time_in_force: str
    price: Decimal
    orig_qty: Decimal
    orig_quote_qty: Decimal
    stp_mode: str
    time: int
    account: str
    visible_at: int
    status: str = "NEW"
    executed_qty: Decimal = ZERO
    quote_qty: Decimal = ZERO
    update_time: int = 0
    strategy_id: int | None = None
    locked: Decimal = ZERO
    trades: list[Trade] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in ("NEW", "PARTIALLY_FILLED")

    @property
    def remaining(self) -> Decimal:
        return self.orig_qty - self.executed_qty


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A new order with well-formed parameters. Absent numbers are None."""

    symbol: str
    side: Side
    type: str
    time_in_force: str | None
    quantity: Decimal | None
    quote_qty: Decimal | None
    price: Decimal | None
    client_order_id: str
    stp_mode: str
    strategy_id: int | None = None
