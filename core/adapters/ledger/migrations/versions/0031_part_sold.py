"""Keeps what a target has sold of its share before it has sold all of it."""

import sqlalchemy as sa
from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("order_plans", sa.Column("part_sold", sa.Text(), server_default=sa.text("'[]'"), nullable=False))
