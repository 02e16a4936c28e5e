"""Orders, fills and what the venue says about them; the legal moves of an order stand in one table."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.errors import IllegalTransition
from core.domain.money import ZERO, divide
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal


class OrderState(StrEnum):
    """Denied by us, rejected by the venue, declined by the owner: three words for three things."""

    DENIED = "DENIED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    DECLINED = "DECLINED"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def in_flight(self) -> bool:
        """Committed, maybe sent, not yet settled: start-up must find out about these."""
        return self in _IN_FLIGHT

    @property
    def final(self) -> bool:
        return not MOVES[self]


_S = OrderState
_SETTLED = frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED})
MOVES: dict[OrderState, frozenset[OrderState]] = {
    _S.AWAITING_APPROVAL: frozenset({_S.SUBMITTED, _S.DECLINED, _S.DENIED, _S.EXPIRED, _S.CANCELED}),
    _S.SUBMITTED: frozenset({_S.UNKNOWN, _S.ACCEPTED, _S.REJECTED, _S.DENIED}) | _SETTLED,
    _S.UNKNOWN: frozenset({_S.SUBMITTED, _S.ACCEPTED, _S.REJECTED, _S.DENIED}) | _SETTLED,
    _S.ACCEPTED: _SETTLED | {_S.REJECTED},
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.DENIED: frozenset(),
    _S.DECLINED: frozenset(),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}
_IN_FLIGHT = frozenset({_S.SUBMITTED, _S.UNKNOWN, _S.ACCEPTED, _S.PARTIALLY_FILLED})


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


def check_move(old: OrderState, new: OrderState) -> None:
    """Raises IllegalTransition unless an order may go from `old` to `new`. Staying is always legal."""
    if new is not old and new not in MOVES[old]:
        raise IllegalTransition(f"an order cannot go from {old} to {new}")


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
