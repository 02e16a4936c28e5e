"""Events of a kind that is told no more leave the outbox: an exit that waits is told as such."""

from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.execute("DELETE FROM outbox WHERE kind = 'order_waits'")
