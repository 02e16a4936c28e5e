"""Counts wrong one-time codes in the ledger, so that a restart allows no new attempts."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import UtcTime

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("authenticators", sa.Column("wrong", sa.Integer(), nullable=True))
    op.add_column("authenticators", sa.Column("locked_until", UtcTime(), nullable=True))
