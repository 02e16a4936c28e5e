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
    """An order to the venue, and its progress.

    `qty` is base asset; `price` is the market price when it was decided (quote asset), `executed_qty` and `quote_qty` are
    cumulative; `signal` is the signal that it came from, `inbox_seq` the stored message; `approved_by` approved it at
    `approved_at`.
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
        """Returns the average fill price in quote asset; 0 while nothing is filled."""
        return divide(self.quote_qty, self.executed_qty) if self.executed_qty else ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill of an order. Its order and `trade_id` are its identity: a testnet that is reset restarts trade ids. `price` in
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
    """The venue's report on an order: its state and, cumulatively, what was executed. `fills` may be empty if the answer carries
    none (a query): then they come from the account's trades. `mark` is that of the ledger that sent it, None if it was sent
    without. `qty` is the quantity ordered (base asset), 0 if it is not reported."""

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
    """An order with our prefix that the venue reports in an undocumented way: only its existence is known. `order_id` is empty if
    not even that could be read."""

    client_order_id: str
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class RecentOrders:
    """The newest orders of a symbol, oldest first; unreadable ones of ours are listed apart, so that they hide no other."""

    reports: tuple[ExecutionReport, ...] = ()
    unreadable: tuple[UnreadableOrder, ...] = ()


# The answers of a venue to `place`: exactly one of these. Only Unanswered leaves open whether an order exists.


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite refusal: there is no order and the same request would be refused again."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Certainly not placed, through no fault of the order (overload, rate limit, clock): may be retried after `retry_after`
    seconds."""

    reason: Reason
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer: nobody knows yet whether there is an order. `detail` is for the log; it carries no secret."""

    detail: str


PlaceResult = ExecutionReport | Rejected | NotTaken | Unanswered


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A MARKET order that passed every rule, as requested from a venue. `qty` in base asset; `mark` is that of the sending
    ledger."""

    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    mark: int | None = None
