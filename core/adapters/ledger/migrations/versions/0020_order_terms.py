"""Keeps each order's terms: its type, how long it stays, and its limit price. Every order before was a MARKET order."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("type", sa.Text(), nullable=False, server_default="MARKET"))
    op.add_column("orders", sa.Column("time_in_force", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("limit_price", Amount(), nullable=True))
