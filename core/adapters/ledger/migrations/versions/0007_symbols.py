"""Indexes for the executions of a symbol, and for exits, in time order."""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.drop_index(op.f("ix_executions_symbol_seq"), "executions")
    op.create_index(op.f("ix_executions_symbol_executed_at_seq"), "executions", ["symbol", "executed_at", "seq"])
    op.drop_index("ix_executions_exits", "executions")
    exits = sa.text("profit_pct IS NOT NULL")
    op.create_index(
        "ix_executions_exits", "executions", ["executed_at", "seq"], sqlite_where=exits, postgresql_where=exits
    )
