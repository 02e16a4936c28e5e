"""Tables of orders: each order, its steps and fills, and the approvals asked for."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, select, text

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import Amount, UtcTime, counting_key
from core.adapters.ledger.row import Row, reason_columns, reason_of, signal_columns
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.domain.approval import Approval, ApprovalState
from core.domain.order import Booked, Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.signal import Side
from core.domain.trade_size import Sizing

IN_FLIGHT = text("state IN ({})".format(", ".join(f"'{state}'" for state in OrderState if state.in_flight)))

IS_OPEN = text("state = 'OPEN'")

OF_SIGNAL = text("orders.leg IS NULL")
"""The orders that signals led to; the others carry out the plan of one, or go on with its entry."""

orders = Table(
    "orders",
    metadata,
    Column("client_order_id", Text, primary_key=True),
    Column("inbox_seq", BigInteger, ForeignKey("inbox.seq"), nullable=False),
    Column("signal_type", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("state", Text, nullable=False),
    Column("trading_mode", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("order_id", Text),
    Column("executed_qty", Amount, nullable=False),
    Column("quote_qty", Amount, nullable=False),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Column("reason", Text),
    Column("approved_by", Text),
    Column("approved_at", UtcTime),
    Column("signal", Text, nullable=False),
    Column("type", Text, nullable=False, server_default=OrderType.MARKET.value),
    Column("time_in_force", Text),
    Column("limit_price", Amount),
    Column("stop_price", Amount),
    Column("trailing_delta", BigInteger),
    Column("plan_id", Text),  # with the next three: what the order is to its plan; all null for the order of a signal
    Column("leg", Text),
    Column("leg_number", BigInteger),
    Column("generation", BigInteger),
    Column("list_id", Text),
    Column("booked_profit", Amount, nullable=False, server_default="0"),
    Column("booked_cost", Amount, nullable=False, server_default="0"),
    Column("booked_gross", Amount, nullable=False, server_default="0"),
    Column("expires_at", UtcTime),
    Column("sizing", Text),
    Column("arrival_price", Amount),
    Column("sent_at", UtcTime),
    Column("answered_at", UtcTime),
    Index(None, "inbox_seq"),
    Index(None, "order_id"),
    Index(None, "plan_id"),
    partial("ix_orders_in_flight", "inbox_seq", where=IN_FLIGHT),
)

order_steps = Table(
    "order_steps",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("client_order_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("order_id", Text),
    Column("executed_qty", Amount, nullable=False),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Index(None, "client_order_id", "seq"),
    sqlite_autoincrement=True,
)

fills = Table(
    "fills",
    metadata,
    Column("client_order_id", Text, ForeignKey("orders.client_order_id"), primary_key=True),
    Column("trade_id", Text, primary_key=True),  # the exchange's: a testnet that is reset restarts them
    Column("symbol", Text, nullable=False),
    Column("price", Amount, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_asset", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("token", Text, primary_key=True),
    Column("inbox_seq", BigInteger, ForeignKey("inbox.seq"), nullable=False),
    Column("signal_type", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", Text),
    Column("signal", Text, nullable=False),
    Column("sizing", Text),
    Index(None, "inbox_seq"),
    partial("ix_approvals_open", "inbox_seq", where=IS_OPEN),
)

_FILL = tuple(Fill.__dataclass_fields__)


def order_row(order: Order) -> Row:
    return {
        **signal_columns(order.signal),
        "client_order_id": order.client_order_id,
        "inbox_seq": order.inbox_seq,
        "side": order.side.value,
        "qty": order.qty,
        "price": order.price,
        "state": order.state.value,
        "trading_mode": order.trading_mode,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "order_id": order.order_id,
        "executed_qty": order.executed_qty,
        "quote_qty": order.quote_qty,
        "approved_by": storable(order.approved_by) if order.approved_by is not None else None,
        "approved_at": order.approved_at,
        "type": order.terms.type.value,
        "time_in_force": order.terms.time_in_force.value if order.terms.time_in_force is not None else None,
        "limit_price": order.terms.limit_price,
        "stop_price": order.terms.stop_price,
        "trailing_delta": order.terms.trailing_delta,
        "plan_id": order.leg.plan_id if order.leg is not None else None,
        "leg": order.leg.kind.value if order.leg is not None else None,
        "leg_number": order.leg.number if order.leg is not None else None,
        "generation": order.leg.generation if order.leg is not None else None,
        "list_id": order.list_id,
        "booked_profit": order.booked.profit,
        "booked_cost": order.booked.cost,
        "booked_gross": order.booked.gross,
        "expires_at": order.expires_at,
        "sizing": _sizing_text(order.sizing),
        "arrival_price": order.arrival_price,
        "sent_at": order.sent_at,
        "answered_at": order.answered_at,
        **reason_columns(order.reason),
    }


def order_step_row(order: Order) -> Row:
    """Returns a row of `order_steps`: one step of an order's progress."""
    reasons = reason_columns(order.reason)
    return {
        "client_order_id": order.client_order_id,
        "at": order.updated_at,
        "state": order.state.value,
        "qty": order.qty,
        "price": order.price,
        "order_id": order.order_id,
        "executed_qty": order.executed_qty,
        "reason_code": reasons["reason_code"],
        "reason_params": reasons["reason_params"],
    }


def order_of(row: Mapping[str, Any]) -> Order:
    return Order(
        client_order_id=row["client_order_id"],
        signal=codec.signals.decode(row["signal"]),
        inbox_seq=row["inbox_seq"],
        side=Side(row["side"]),
        qty=row["qty"],
        price=row["price"],
        state=OrderState(row["state"]),
        trading_mode=row["trading_mode"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        order_id=row["order_id"],
        executed_qty=row["executed_qty"],
        quote_qty=row["quote_qty"],
        reason=reason_of(row),
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        terms=_terms_of(row),
        leg=_leg_of(row),
        list_id=row["list_id"],
        booked=Booked(row["booked_profit"], row["booked_cost"], row["booked_gross"]),
        expires_at=row["expires_at"],
        sizing=_sizing_of(row),
        arrival_price=row["arrival_price"],
        sent_at=row["sent_at"],
        answered_at=row["answered_at"],
    )


def _leg_of(row: Mapping[str, Any]) -> PlanLeg | None:
    if row["leg"] is None:
        return None
    return PlanLeg(row["plan_id"], LegKind(row["leg"]), row["leg_number"], row["generation"])


def _terms_of(row: Mapping[str, Any]) -> OrderTerms:
    time_in_force = TimeInForce(row["time_in_force"]) if row["time_in_force"] is not None else None
    return OrderTerms(OrderType(row["type"]), time_in_force, row["limit_price"], row["stop_price"], row["trailing_delta"])


def _sizing_text(sizing: Sizing | None) -> str | None:
    return codec.sizings.encode(sizing) if sizing is not None else None


def _sizing_of(row: Mapping[str, Any]) -> Sizing | None:
    return codec.sizings.decode(row["sizing"]) if row["sizing"] is not None else None


def fill_row(pair: tuple[str, Fill]) -> Row:
    """Returns a row of `fills`; `pair` is the order's client order id and the fill."""
    client_order_id, fill = pair
    return {"client_order_id": client_order_id, **{name: getattr(fill, name) for name in _FILL}}


def fill_of(row: Mapping[str, Any]) -> Fill:
    return Fill(**{name: row[name] for name in _FILL})


def approval_row(approval: Approval) -> Row:
    return {
        **signal_columns(approval.signal),
        "token": approval.token,
        "inbox_seq": approval.inbox_seq,
        "side": approval.side.value,
        "qty": approval.qty,
        "price": approval.price,
        "state": approval.state.value,
        "asked_at": approval.asked_at,
        "expires_at": approval.expires_at,
        "decided_at": approval.decided_at,
        "decided_by": storable(approval.decided_by) if approval.decided_by is not None else None,
        "sizing": _sizing_text(approval.sizing),
    }


def approval_of(row: Mapping[str, Any]) -> Approval:
    return Approval(
        token=row["token"],
        signal=codec.signals.decode(row["signal"]),
        inbox_seq=row["inbox_seq"],
        side=Side(row["side"]),
        qty=row["qty"],
        price=row["price"],
        state=ApprovalState(row["state"]),
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        sizing=_sizing_of(row),
    )


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        orders,
        Writing.REPLACE,
        order_row,
        order_of,
        batch="orders",
        state="orders",
        at_start=select(orders).where(IN_FLIGHT).order_by(orders.c.inbox_seq),
    ),
    LedgerTable(order_steps, Writing.APPEND, order_step_row, batch="orders"),
    LedgerTable(fills, Writing.ADD, fill_row, batch="fills"),
    LedgerTable(
        approvals,
        Writing.REPLACE,
        approval_row,
        approval_of,
        batch="approvals",
        state="approvals",
        at_start=select(approvals).where(IS_OPEN).order_by(approvals.c.inbox_seq),
    ),
)
