"""Keeps the settings of a strategy that the chat made; the executions of one are found without reading those of the others."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import UtcTime

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "strategy_limits",
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("strategy", "name", name=op.f("pk_strategy_limits")),
    )
    op.create_index(op.f("ix_executions_strategy_executed_at_seq"), "executions", ["strategy", "executed_at", "seq"])
