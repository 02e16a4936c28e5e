"""Stores the asset with each amount set in the chat: 500 USDC are not 500 BTC."""

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("limits", sa.Column("asset", sa.Text(), nullable=True))
    op.add_column("controls", sa.Column("ask_asset", sa.Text(), nullable=True))
