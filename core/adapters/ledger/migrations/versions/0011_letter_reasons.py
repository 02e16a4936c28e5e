"""Stores the reason why a record is unreadable as a value, so that each reader gets it in their own language."""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("dead_letters", sa.Column("reason_code", sa.Text()))
    op.add_column("dead_letters", sa.Column("reason_params", sa.Text()))
