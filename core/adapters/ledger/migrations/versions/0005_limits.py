"""Limits set in the chat; a pause that ends by itself; the trades that need approval; a log of people's commands."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_limits")),
    )
    people = sa.text("source IN ('telegram', 'timer')")
    op.create_index("ix_inbox_by_people", "inbox", ["seq"], sqlite_where=people, postgresql_where=people)
    op.add_column("controls", sa.Column("until", UtcTime(), nullable=True))
    op.add_column("controls", sa.Column("ask_above", Amount(), nullable=True))
    op.add_column("controls", sa.Column("ask_besides", sa.Text(), nullable=True))
