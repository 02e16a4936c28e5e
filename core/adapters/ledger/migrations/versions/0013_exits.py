"""Exits that stay pending until they are done, and a panic that outlives its process."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "wanted_exits",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_wanted_exits")),
    )
    op.add_column("controls", sa.Column("panic", sa.Text(), nullable=True))
