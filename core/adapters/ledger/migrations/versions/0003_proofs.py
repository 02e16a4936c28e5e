"""The days that were reconciled; executions indexed by exchange time."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import UtcTime

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "proofs",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("proved_at", UtcTime(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_proofs")),
    )
    op.create_index(op.f("ix_executions_executed_at_seq"), "executions", ["executed_at", "seq"])
