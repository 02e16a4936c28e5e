"""A fingerprint of the last record taken from each partition."""

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.add_column("source_positions", sa.Column("witness", sa.Text(), nullable=True))
