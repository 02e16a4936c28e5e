"""Keeps when an entry that rests is taken off, and plans whose entry bought nothing."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import UtcTime

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("expires_at", UtcTime(), nullable=True))
    op.drop_index("ix_order_plans_open", table_name="order_plans")
    still_open = sa.text("state NOT IN ('CLOSED', 'MISSED')")
    op.create_index("ix_order_plans_open", "order_plans", ["symbol"], sqlite_where=still_open, postgresql_where=still_open)
