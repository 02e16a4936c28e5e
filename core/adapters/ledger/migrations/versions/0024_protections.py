"""Keeps the peak of the equity, and from when losing exits count."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "equity_marks",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("equity", Amount(), nullable=False),
        sa.Column("peak", Amount(), nullable=False),
        sa.Column("external", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_equity_marks_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equity_marks")),
    )
    op.create_table(
        "loss_resets",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_loss_resets_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loss_resets")),
    )
