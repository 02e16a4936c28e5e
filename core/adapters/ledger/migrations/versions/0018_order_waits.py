"""Removes events of a retired kind from the outbox: a pending exit has an event of its own."""

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind = 'order_waits'")
