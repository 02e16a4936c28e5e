"""The executions of a symbol are found in the order of their time."""

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_index(op.f("ix_executions_symbol_executed_at_seq"), "executions", ["symbol", "executed_at", "seq"])
    op.drop_index(op.f("ix_executions_symbol_seq"), "executions")
