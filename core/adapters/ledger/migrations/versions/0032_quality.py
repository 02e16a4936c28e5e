"""Keeps what an execution is measured against: the price it was wanted at, the market it met, what was asked for, its fee in quote
asset, and when its request left and was answered. Rows of before do not know it."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("arrival_price", Amount(), nullable=True))
    op.add_column("orders", sa.Column("sent_at", UtcTime(), nullable=True))
    op.add_column("orders", sa.Column("answered_at", UtcTime(), nullable=True))
    for name in ("signal_price", "arrival_price", "asked_qty", "fee_quote"):
        op.add_column("executions", sa.Column(name, Amount(), nullable=True))
