"""The position of the history export; the last price of each position; results by symbol and kind of signal."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime
from core.domain.money import EXACT

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "export_positions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_export_positions")),
    )
    op.create_table(
        "marks",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("bid", Amount(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_marks")),
    )
    op.drop_table("day_results")
    results = op.create_table(
        "day_results",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("quote_asset", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("signal_type", sa.Text(), nullable=False),
        sa.Column("trading_mode", sa.Text(), nullable=False),
        sa.Column("profit", Amount(), nullable=False),
        sa.Column("gross", Amount(), nullable=False),
        sa.Column("exits", sa.Integer(), nullable=False),
        sa.Column("wins", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "quote_asset", "symbol", "signal_type", "trading_mode", name=op.f("pk_day_results")),
    )
    found = _results()
    if found:
        op.bulk_insert(results, found)


def _results() -> list[dict[str, Any]]:
    """Sums up all exits so far. Adds in Python: SQLite has no exact arithmetic."""
    columns = ("quote_asset", "symbol", "signal_type", "trading_mode")
    executions = sa.table(
        "executions",
        *(sa.column(name, sa.Text()) for name in columns),
        sa.column("seq", sa.BigInteger()),
        sa.column("executed_at", UtcTime()),
        sa.column("profit_quote", Amount()),
        sa.column("gross_quote", Amount()),
    )
    days: dict[tuple[str, ...], dict[str, Any]] = {}
    last = -1
    while rows := op.get_bind().execute(
        sa.select(executions).where(executions.c.seq > last, executions.c.profit_quote.is_not(None))
        .order_by(executions.c.seq).limit(10_000)
    ).mappings().all():
        last = rows[-1]["seq"]
        for row in rows:
            key = (f"{row['executed_at']:%Y-%m-%d}", *(row[name] for name in columns))
            named = dict(zip(("day", *columns), key, strict=True))
            day = days.setdefault(key, named | {"profit": Decimal(0), "gross": Decimal(0), "exits": 0, "wins": 0})
            profit = row["profit_quote"]
            day["profit"] = EXACT.add(day["profit"], profit)
            day["gross"] = EXACT.add(day["gross"], profit if row["gross_quote"] is None else row["gross_quote"])
            day["exits"] += 1
            day["wins"] += int(profit > 0)
    return list(days.values())
