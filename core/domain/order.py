"""Orders, fills and a venue's answers. The legal moves of an order are in `core.domain.order_state_machine`."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import ZERO, divide
from core.domain.order_state_machine import OrderState
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal


@dataclass(frozen=True, slots=True)
class Order:
    """What we ask of the venue, and how far it got.

    `qty` is base asset; `price` is the market price seen when it was decided (quote asset), `executed_qty` and `quote_qty` are
    cumulative; `signal` is the opinion it came from, `inbox_seq` the stored message; `approved_by` said yes to it, `approved_at`.
    """

    client_order_id: str
    signal: Signal
    inbox_seq: int
    side: Side
    qty: Decimal
    price: Decimal
    state: OrderState
    trading_mode: str
    created_at: datetime
    updated_at: datetime
    order_id: str | None = None
    executed_qty: Decimal = ZERO
    quote_qty: Decimal = ZERO
    reason: Reason | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.signal.symbol

    @property
    def average_price(self) -> Decimal:
        """Average fill price in quote asset; 0 while nothing is filled."""
        return divide(self.quote_qty, self.executed_qty) if self.executed_qty else ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution print. Its order and `trade_id` are its identity: a testnet that is reset begins trade ids anew. `price` in
    quote asset, `qty` in base asset, `fee` in `fee_asset`."""

    symbol: str
    trade_id: str
    price: Decimal
    qty: Decimal
    fee: Decimal
    fee_asset: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """What the venue said about an order: its state and, cumulatively, what was executed. `fills` may be empty where the
    answer carries none (a query): then they come from the account's trades. `mark` is the ledger's that it was sent with, None
    where it was sent without. `qty` is what was asked for (base asset), 0 where that is not told."""

    client_order_id: str
    order_id: str
    symbol: str
    side: Side
    state: OrderState
    executed_qty: Decimal
    quote_qty: Decimal
    at: datetime
    fills: tuple[Fill, ...] = ()
    mark: int | None = None
    qty: Decimal = ZERO

    @property
    def fills_complete(self) -> bool:
        return sum((fill.qty for fill in self.fills), ZERO) == self.executed_qty


@dataclass(frozen=True, slots=True)
class UnreadableOrder:
    """An order with our prefix that the venue tells otherwise than documented: that it is there is all that is known of it.
    `order_id` is empty where not even that could be read."""

    client_order_id: str
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class RecentOrders:
    """The newest orders of a symbol, the oldest first; what could not be read of ours stands apart, so that it hides no other."""

    reports: tuple[ExecutionReport, ...] = ()
    unreadable: tuple[UnreadableOrder, ...] = ()


# What a venue answers to `place`: exactly one of these. Only Unanswered leaves open whether an order exists.


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite refusal: there is no order and the same request would be refused again."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Certainly not placed, through no fault of the order (overload, rate limit, clock): may be tried anew after
    `retry_after` seconds."""

    reason: Reason
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No one knows yet whether there is an order. `detail` is for the log; it carries no secret."""

    detail: str


PlaceResult = ExecutionReport | Rejected | NotTaken | Unanswered


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A MARKET order that passed every rule: what a venue is asked. `qty` in base asset; `mark` is that of the ledger which it
    comes from."""

    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    mark: int | None = None
