"""Tables of the current state: pause and mode, limits, symbol halts and pending exits."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table, Text, select, text

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import Amount, UtcTime
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata
from core.domain.money import ZERO
from core.domain.pending_exit import PendingExit
from core.domain.risk_limit import LimitSet
from core.domain.strategy_book import DEFAULT_STRATEGY
from core.domain.strategy_limit import StrategyLimit
from core.domain.strategy_pause import StrategyPause
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import ApprovalPolicy, Mode, Pause, TradingState

IS_WANTED = text("ended_at IS NULL")

controls = Table(
    "controls",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("pause", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime),
    Column("until", UtcTime),
    Column("ask_above", Amount),
    Column("ask_besides", Text),
    Column("ask_asset", Text),
    Column("panic", Text),
    CheckConstraint("id = 1", name="one_row"),
)

limits = Table(
    "limits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("asset", Text),
)

holds = Table(
    "holds",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("differences", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("lifted_at", UtcTime),
    Column("lifted_by", Text, nullable=False),
)

wanted_exits = Table(
    "wanted_exits",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("strategy", Text, primary_key=True, server_default=DEFAULT_STRATEGY),
    Column("qty", Amount, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("wanted", Text, nullable=False),
)


strategy_pauses = Table(
    "strategy_pauses",
    metadata,
    Column("strategy", Text, primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)

strategy_limits = Table(
    "strategy_limits",
    metadata,
    Column("strategy", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("asset", Text, nullable=False),
)


def trading_state_row(trading_state: TradingState) -> Row:
    return {
        "id": 1,
        "pause": trading_state.pause.value,
        "mode": trading_state.mode.value,
        "changed_by": storable(trading_state.changed_by),
        "changed_at": trading_state.changed_at,
        "until": trading_state.until,
        "ask_above": trading_state.asking.above,
        "ask_besides": storable(" ".join(sorted(trading_state.asking.besides))),
        "ask_asset": storable(trading_state.asking.asset),
        "panic": codec.panics.encode(trading_state.panic) if trading_state.panic is not None else None,
    }


def trading_state_of(row: Mapping[str, Any]) -> TradingState:
    asking = ApprovalPolicy(row["ask_above"] or ZERO, frozenset((row["ask_besides"] or "").split()), row["ask_asset"] or "")
    panic = codec.panics.decode(row["panic"]) if row["panic"] is not None else None
    return TradingState(Pause(row["pause"]), Mode(row["mode"]), row["changed_by"], row["changed_at"], row["until"], asking, panic)


def limit_row(limit: LimitSet) -> Row:
    return {
        "name": limit.name,
        "value": limit.value,
        "changed_by": storable(limit.changed_by),
        "changed_at": limit.changed_at,
        "asset": storable(limit.asset),
    }


def limit_of(row: Mapping[str, Any]) -> LimitSet:
    return LimitSet(row["name"], row["value"], row["changed_by"], row["changed_at"], row["asset"] or "")


def strategy_limit_row(found: StrategyLimit) -> Row:
    return {"strategy": storable(found.strategy), **limit_row(found.limit)}


def strategy_limit_of(row: Mapping[str, Any]) -> StrategyLimit:
    return StrategyLimit(row["strategy"], limit_of(row))


def hold_row(hold: SymbolHalt) -> Row:
    return {
        "symbol": hold.symbol,
        "differences": codec.reasons.encode(hold.differences),
        "words": storable(hold.words),
        "since": hold.since,
        "lifted_at": hold.lifted_at,
        "lifted_by": storable(hold.lifted_by),
    }


def hold_of(row: Mapping[str, Any]) -> SymbolHalt:
    differences = codec.reasons.decode(row["differences"])
    return SymbolHalt(row["symbol"], differences, row["since"], row["lifted_at"], row["lifted_by"])


def strategy_pause_row(pause: StrategyPause) -> Row:
    named = {"strategy": storable(pause.strategy), "changed_by": storable(pause.changed_by)}
    return {**named, "paused": pause.paused, "changed_at": pause.changed_at}


def strategy_pause_of(row: Mapping[str, Any]) -> StrategyPause:
    return StrategyPause(row["strategy"], row["paused"], row["changed_by"], row["changed_at"])


def exit_row(pending: PendingExit) -> Row:
    """Returns a row of `wanted_exits`: queried values have columns, the whole is stored as text."""
    return {
        "symbol": storable(pending.symbol),
        "strategy": storable(pending.signal.strategy),
        "qty": pending.qty,
        "since": pending.since,
        "due_at": pending.due_at,
        "ended_at": pending.ended_at,
        "wanted": codec.exits.encode(pending),
    }


def exit_of(row: Mapping[str, Any]) -> PendingExit:
    return codec.exits.decode(row["wanted"])


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        controls,
        Writing.REPLACE,
        trading_state_row,
        trading_state_of,
        batch="trading_state",
        state="trading_state",
        at_start=select(controls),
        is_single=True,
    ),
    LedgerTable(limits, Writing.REPLACE, limit_row, limit_of, batch="limits", state="limits", at_start=select(limits)),
    LedgerTable(holds, Writing.REPLACE, hold_row, hold_of, batch="holds", state="holds", at_start=select(holds)),
    LedgerTable(
        strategy_pauses,
        Writing.REPLACE,
        strategy_pause_row,
        strategy_pause_of,
        batch="strategy_pauses",
        state="strategy_pauses",
        at_start=select(strategy_pauses).where(strategy_pauses.c.paused),
    ),
    LedgerTable(
        strategy_limits,
        Writing.REPLACE,
        strategy_limit_row,
        strategy_limit_of,
        batch="strategy_limits",
        state="strategy_limits",
        at_start=select(strategy_limits).where(strategy_limits.c.value.is_not(None)),
    ),
    LedgerTable(
        wanted_exits,
        Writing.REPLACE,
        exit_row,
        exit_of,
        batch="exits",
        state="exits",
        at_start=select(wanted_exits).where(IS_WANTED),
    ),
)
