"""How far executions were exported to the history; the last price of what is held."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

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
