"""Keeps with each order and each question how its size was computed."""

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("sizing", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("sizing", sa.Text(), nullable=True))
