"""The table of plans: each entry's exits, and how far they are carried out."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Table, Text, select, text

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.adapters.ledger.column_types import Amount, UtcTime
from core.adapters.ledger.row import Row, reason_columns, reason_of
from core.adapters.ledger.tables.entry import LedgerTable, Writing
from core.adapters.ledger.tables.metadata import metadata, partial
from core.domain.strategy_book import DEFAULT_STRATEGY
from core.domain.trade_plan import PlanState, TradePlan

IS_OPEN = text("state NOT IN ({})".format(", ".join(f"'{state}'" for state in PlanState if state.is_over)))

order_plans = Table(
    "order_plans",
    metadata,
    Column("plan_id", Text, primary_key=True),  # the entry's client order id; of a plan made later an id of its own
    Column("symbol", Text, nullable=False),
    Column("exits", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("entry_price", Amount, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("inbox_seq", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("sold_at", Text, nullable=False),
    Column("part_sold", Text, nullable=False, server_default="[]"),
    Column("change", Text),
    Column("exposed_since", UtcTime),
    Column("due_at", UtcTime),
    Column("closed_at", UtcTime),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Column("reason", Text),
    Column("strategy", Text, nullable=False, server_default=DEFAULT_STRATEGY),
    partial("ix_order_plans_open", "symbol", where=IS_OPEN),
)


def plan_row(plan: TradePlan) -> Row:
    return {
        "plan_id": plan.plan_id,
        "symbol": plan.symbol,
        "exits": codec.plans.encode(plan.exits),
        "state": plan.state.value,
        "entry_price": plan.entry_price,
        "created_at": plan.created_at,
        "inbox_seq": plan.inbox_seq,
        "generation": plan.generation,
        "failures": plan.failures,
        "sold_at": codec.prices.encode(plan.sold_at),
        "part_sold": codec.parts_sold.encode(plan.part_sold),
        "change": codec.changes.encode(plan.change) if plan.change is not None else None,
        "exposed_since": plan.exposed_since,
        "due_at": plan.due_at,
        "closed_at": plan.closed_at,
        "strategy": storable(plan.strategy),
        **reason_columns(plan.why),
    }


def plan_of(row: Mapping[str, Any]) -> TradePlan:
    return TradePlan(
        plan_id=row["plan_id"],
        symbol=row["symbol"],
        exits=codec.plans.decode(row["exits"]),
        state=PlanState(row["state"]),
        entry_price=row["entry_price"],
        created_at=row["created_at"],
        inbox_seq=row["inbox_seq"],
        generation=row["generation"],
        failures=row["failures"],
        sold_at=codec.prices.decode(row["sold_at"]),
        part_sold=codec.parts_sold.decode(row["part_sold"]),
        change=codec.changes.decode(row["change"]) if row["change"] is not None else None,
        exposed_since=row["exposed_since"],
        why=reason_of(row),
        due_at=row["due_at"],
        closed_at=row["closed_at"],
        strategy=row["strategy"],
    )


TABLES: tuple[LedgerTable, ...] = (
    LedgerTable(
        order_plans,
        Writing.REPLACE,
        plan_row,
        plan_of,
        batch="plans",
        state="plans",
        at_start=select(order_plans).where(IS_OPEN).order_by(order_plans.c.created_at),
    ),
)
