"""The venue's nouns: balances, accounts, keys, orders, trades. Decimal money, times in milliseconds."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Side = Literal["BUY", "SELL"]
ZERO = Decimal(0)
OPEN = ("NEW", "PARTIALLY_FILLED", "PENDING_NEW")
CONTINGENT = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
MARKET_KINDS = ("MARKET", "STOP_LOSS", "TAKE_PROFIT")


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
    public_key: Ed25519PublicKey | None = field(default=None, repr=False)
    """Of an Ed25519 key, which has no secret here."""


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
    order_list_id: int = -1


@dataclass(slots=True, eq=False)
class Lock:
    """An amount of one asset set aside for open orders. The two legs of an OCO share one."""

    asset: str = ""
    amount: Decimal = ZERO


@dataclass(slots=True, eq=False)
class Order:
    """An order; `order_id` counts per symbol. `visible_at`: the time from which queries find it; `working_time`: the time from
    which it was on the book, -1 before."""

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
    strategy_type: int | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    trailing_time: int = -1
    extreme: Decimal | None = None
    """The best trade price since a trailing order began to follow."""
    working_time: int = -1
    expiry_reason: str | None = None
    order_list_id: int = -1
    canceled_as: str | None = None
    """The client id that it had when it was canceled."""
    prevented_qty: Decimal = ZERO
    prevented_match_id: int = -1
    estimate: Decimal = ZERO
    """The price by which a BUY locks its quote asset."""
    lock: Lock = field(default_factory=Lock)
    trades: list[Trade] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_working(self) -> bool:
        """Tells whether the order is on the book."""
        return self.working_time > 0 and self.is_open

    @property
    def is_waiting(self) -> bool:
        """Tells whether it is a stop or take profit order that was not triggered yet."""
        return self.type in CONTINGENT and self.working_time < 0 and self.status == "NEW"

    @property
    def limit(self) -> Decimal | None:
        """Returns the worst price it may trade at; None for the market kinds."""
        return None if self.type in MARKET_KINDS else self.price

    @property
    def remaining(self) -> Decimal:
        return self.orig_qty - self.executed_qty - self.prevented_qty


@dataclass(frozen=True, slots=True)
class Amendment:
    """One reduction of one open order."""

    order: Order
    execution_id: int
    former_id: str
    new_id: str
    former_qty: Decimal
    new_qty: Decimal
    time: int


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
    strategy_type: int | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None

    @property
    def limit(self) -> Decimal | None:
        return None if self.type in MARKET_KINDS else self.price


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A new order list with well-formed parameters: one OCO pair, or a working order and what is pending behind it."""

    client_list_id: str
    legs: tuple[OrderRequest, ...]
    """The pair or the pending orders; of a pair the one above first."""
    working: OrderRequest | None = None
    pays: bool = False

    @property
    def all(self) -> tuple[OrderRequest, ...]:
        return self.legs if self.working is None else (self.working, *self.legs)


@dataclass(slots=True, eq=False)
class OrderList:
    """Orders that depend on each other: an OCO pair, or a working order with the pending ones that follow its full fill."""

    order_list_id: int
    client_list_id: str
    symbol: str
    account: str
    contingency: str
    time: int
    legs: list[Order]
    working: Order | None = None
    pays: bool = False
    """OPO: what the working order receives is kept for the pending ones, and is their quantity."""
    received: Lock = field(default_factory=Lock)
    queries: int = 0
    """The number of times that GET orderList was asked for it."""
    status: str = "EXECUTING"
    status_type: str = "EXEC_STARTED"

    @property
    def is_open(self) -> bool:
        return self.status == "EXECUTING"
