"""Counts the entries of a position, which may be added to."""

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("positions", sa.Column("entries", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("positions", sa.Column("last_entry", sa.Text(), server_default=sa.text("''"), nullable=False))
