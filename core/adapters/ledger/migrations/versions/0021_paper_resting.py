"""Keeps what open orders of the paper exchange wait for and bind. Every order before was over as soon as it was placed."""

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("paper_orders", sa.Column("resting", sa.Text(), nullable=True))
    is_open = sa.text("resting IS NOT NULL")
    op.create_index(
        "ix_paper_orders_open", "paper_orders", ["order_id"], sqlite_where=is_open, postgresql_where=is_open
    )
