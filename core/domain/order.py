"""Orders, fills and a venue's answers. The legal moves of an order are in `core.domain.order_state_machine`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.money import ZERO, divide
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, OrderTerms
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.reasons import Reason
from core.domain.signal import Side, Signal
from core.domain.strategy_book import DEFAULT_STRATEGY, StrategyBook
from core.domain.trade_size import Sizing


@dataclass(frozen=True, slots=True)
class Booked:
    """The result of the fills of an exit so far, in quote asset: `profit` net and `gross` before commissions, `cost` of what
    was sold."""

    profit: Decimal = ZERO
    cost: Decimal = ZERO
    gross: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Order:
    """An order to the venue, and its progress.

    `qty` is base asset; `price` is the market price when it was decided (quote asset), `executed_qty` and `quote_qty` are
    cumulative; `signal` is the signal that it came from, `inbox_seq` the stored message; `approved_by` approved it at
    `approved_at`. `leg` says what it is to its plan, None for the order of a signal; `list_id` is the list that it stands in, for
    an entry the one that brings its exits.
    `booked` is for the fills that are in the position already. An entry that rests is taken off at `expires_at`. `sizing` is how
    `qty` was computed, where it was. `arrival_price` (quote asset) was the middle of the market when it was decided, None if that
    was not known or it protects a position; its last sending began at `sent_at` and had its answer at `answered_at`.
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
    terms: OrderTerms = AT_MARKET
    leg: PlanLeg | None = None
    list_id: str | None = None
    booked: Booked = Booked()
    expires_at: datetime | None = None
    sizing: Sizing | None = None
    arrival_price: Decimal | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.signal.symbol

    @property
    def book(self) -> StrategyBook:
        """Returns the book that its fills move."""
        return self.signal.book

    @property
    def rests(self) -> bool:
        """Tells whether it stays on the venue by its nature: nobody waits for its end, which is heard of later."""
        return self.terms.may_rest and self.state in {OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED}

    @property
    def protects(self) -> bool:
        """Tells whether it carries out the exits of a plan."""
        return self.leg is not None and self.leg.kind is not LegKind.ENTRY

    @property
    def waits_to_buy(self) -> bool:
        """Tells whether it is an entry that stays open by its nature."""
        return self.side is Side.BUY and self.terms.may_rest

    @property
    def in_flight(self) -> bool:
        """Tells whether its outcome is being found out: its symbol does nothing else meanwhile."""
        return self.state.in_flight and not self.rests

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


def by_trade(fills: Iterable[Fill]) -> list[Fill]:
    """Returns the fills of an order, oldest first: trade ids count up."""
    return sorted(fills, key=lambda fill: (len(fill.trade_id), fill.trade_id))


MET_OURS = "EXPIRED_IN_MATCH"
"""The `expiry_reason` of an order that the venue ended because it would have traded with another one of the account."""


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """The venue's report on an order: its state and, cumulatively, what was executed. `fills` may be empty if the answer carries
    none (a query): then they come from the account's trades. `mark` is that of the ledger that sent it, None if it was sent
    without. `qty` is the quantity ordered (base asset), 0 if it is not reported; `terms` are None if they are not.
    `expiry_reason` is the venue's own word for why it ended an order by itself (user-data-stream.md, "Order Expiry Reason"),
    empty if it tells none: OCO_TRIGGER is the end of a leg whose other leg began to work. `strategy_number` is its
    strategy's, None for the default one and where it is not reported. One that `is_pending` was taken, and is on no book yet: it
    waits for the entry of its list, and protects nothing."""

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
    terms: OrderTerms | None = None
    expiry_reason: str = ""
    strategy_number: int | None = None
    is_pending: bool = False

    @property
    def fills_complete(self) -> bool:
        return sum((fill.qty for fill in self.fills), ZERO) == self.executed_qty


def as_placed(order: Order, report: ExecutionReport) -> Order:
    """Returns the order as the venue has it. A ledger that was set back decides on a signal anew, at another price: what it had
    sent before has the same client order id, and maybe another size or limit."""
    qty, terms = report.qty or order.qty, report.terms or order.terms
    sizing = order.sizing if qty == order.qty else None  # it says how another quantity was computed
    return replace(order, qty=qty, terms=terms, sizing=sizing)


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


@dataclass(frozen=True, slots=True)
class ListPlaced:
    """An order list that the venue has accepted, with the report on each of its legs. A leg may have been refused all the same:
    its own report says so."""

    reports: tuple[ExecutionReport, ...]


PlaceResult = ExecutionReport | Rejected | NotTaken | Unanswered


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order that passed every rule, as requested from a venue. `qty` in base asset; `mark` is that of the sending ledger, and
    `strategy` the one whose order it is. `spares_ours`: it ends itself before it would trade with an order of ours that rests."""

    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    mark: int | None = None
    terms: OrderTerms = AT_MARKET
    strategy: str = DEFAULT_STRATEGY
    spares_ours: bool = False


@dataclass(frozen=True, slots=True)
class LegRequest:
    """One leg of an order list, with a client order id of its own: a leg without one could not be asked for."""

    client_order_id: str
    terms: OrderTerms


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Two orders to sell `qty` (base asset) of which the one that fills first cancels the other (rest-api.md, "New order list -
    OCO"): `above` the market a target, `below` it a stop. `mark` and `strategy` as in `OrderRequest`."""

    list_id: str
    symbol: str
    qty: Decimal
    above: LegRequest
    below: LegRequest
    mark: int | None = None
    strategy: str = DEFAULT_STRATEGY


@dataclass(frozen=True, slots=True)
class EntryList:
    """An entry together with the orders that are to sell what it buys: a `target`, a `stop`, or both (rest-api.md, "New order
    list - OPO", "- OPOCO"). The `entry` fills whole at once or not at all; then the exchange itself places the others, for what
    was received after its commission. They have no quantity before."""

    list_id: str
    entry: OrderRequest
    target: LegRequest | None = None
    stop: LegRequest | None = None

    @property
    def symbol(self) -> str:
        return self.entry.symbol

    @property
    def exits(self) -> tuple[LegRequest, ...]:
        """Returns the legs that wait for the entry, the target first."""
        return tuple(leg for leg in (self.target, self.stop) if leg is not None)


PlaceListResult = ListPlaced | Rejected | NotTaken | Unanswered
