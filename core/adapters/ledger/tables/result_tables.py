"""Tables of results: positions, trades, executions and sums by day. `executions` is part of the outward contract."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, select, text

from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import Amount, UtcTime, counting_key
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.domain.position import Execution, Position, Role, Trade
from core.domain.signal import Side
from core.domain.strategy_book import DEFAULT_STRATEGY

IS_EXIT = text("profit_pct IS NOT NULL")

positions = Table(
    "positions",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("strategy", Text, primary_key=True, server_default=DEFAULT_STRATEGY),
    Column("qty", Amount, nullable=False),
    Column("cost", Amount, nullable=False),
    Column("value", Amount, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("opened_at", UtcTime),
    Column("trip_sold", Amount, nullable=False),
    Column("trip_cost", Amount, nullable=False),
    Column("trip_proceeds", Amount, nullable=False),
    Column("trip_gross", Amount, nullable=False),
    Column("entries", Integer, nullable=False, server_default=text("0")),
    Column("last_entry", Text, nullable=False, server_default=text("''")),
)

trades = Table(
    "trades",
    metadata,
    Column("trade_id", Text, nullable=False, unique=True),
    Column("symbol", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("entry_cost", Amount, nullable=False),
    Column("proceeds", Amount, nullable=False),
    Column("profit", Amount, nullable=False),
    Column("profit_pct", Amount, nullable=False),
    Column("gross", Amount, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("trading_mode", Text, nullable=False),
    Column("strategy", Text, nullable=False, server_default=DEFAULT_STRATEGY),
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Index(None, "symbol", "seq"),
    sqlite_autoincrement=True,
)

executions = Table(
    "executions",
    metadata,
    Column("execution_id", Text, nullable=False, unique=True),
    Column("symbol", Text, nullable=False),
    Column("executed_at", UtcTime, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("profit_pct", Amount),
    Column("signal_type", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("quote_qty", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_asset", Text, nullable=False),
    Column("profit_quote", Amount),
    Column("trading_mode", Text, nullable=False),
    Column("gross_quote", Amount),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("strategy", Text, nullable=False, server_default=DEFAULT_STRATEGY),
    Column("role", Text, nullable=False, server_default=Role.EXIT.value),
    Column("plan_id", Text),
    Column("signal_price", Amount),
    Column("arrival_price", Amount),
    Column("asked_qty", Amount),
    Column("fee_quote", Amount),
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Index(None, "symbol", "executed_at", "seq"),
    Index(None, "executed_at", "seq"),
    Index(None, "strategy", "executed_at", "seq"),
    partial("ix_executions_exits", "executed_at", "seq", where=IS_EXIT),
    sqlite_autoincrement=True,
)

day_results = Table(
    "day_results",
    metadata,
    Column("day", Text, primary_key=True),
    Column("quote_asset", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("signal_type", Text, primary_key=True),
    Column("trading_mode", Text, primary_key=True),
    Column("strategy", Text, primary_key=True, server_default=DEFAULT_STRATEGY),
    Column("profit", Amount, nullable=False),
    Column("gross", Amount, nullable=False),
    Column("exits", Integer, nullable=False),
    Column("wins", Integer, nullable=False),
)

totals = Table(
    "totals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

_POSITION = tuple(Position.__dataclass_fields__)


_TRADE = tuple(Trade.__dataclass_fields__)


_EXECUTION = tuple(Execution.__dataclass_fields__)


def position_row(position: Position) -> Row:
    return {name: getattr(position, name) for name in _POSITION} | {"strategy": storable(position.strategy)}


def position_of(row: Mapping[str, Any]) -> Position:
    return Position(**{name: row[name] for name in _POSITION})


def trade_row(trade: Trade) -> Row:
    return {name: getattr(trade, name) for name in _TRADE} | {"strategy": storable(trade.strategy)}


def trade_of(row: Mapping[str, Any]) -> Trade:
    return Trade(**{name: row[name] for name in _TRADE})


def execution_row(execution: Execution) -> Row:
    row = {name: getattr(execution, name) for name in _EXECUTION}
    return row | {"side": execution.side.value, "role": execution.role.value, "strategy": storable(execution.strategy)}


def execution_of(row: Mapping[str, Any]) -> Execution:
    values = {name: row[name] for name in _EXECUTION}
    return Execution(**values | {"side": Side(row["side"]), "role": Role(row["role"])})


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        positions,
        Writing.REPLACE,
        position_row,
        position_of,
        batch="positions",
        state="positions",
        at_start=select(positions),
    ),
    LedgerTable(trades, Writing.ADD, trade_row, trade_of, batch="trades"),
    LedgerTable(executions, Writing.APART, execution_row, execution_of, batch="executions"),
    LedgerTable(day_results, Writing.APART),
    LedgerTable(totals, Writing.APART),
)
