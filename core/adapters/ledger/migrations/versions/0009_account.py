"""A mark for the ledger, which its orders carry, and the symbols that it ever sent an order for."""

import secrets

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | None = None
depends_on: str | None = None

_MOST = 2**53 - 1  # Binance takes a LONG; JSON readers may support no larger integers than this


def upgrade() -> None:
    account = op.create_table(
        "account",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_account_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.bulk_insert(account, [{"id": 1, "mark": secrets.randbelow(_MOST) + 1}])
    op.create_table(
        "touched_symbols",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_touched_symbols")),
    )
    sent = "order_id IS NOT NULL OR state IN ('SUBMITTED', 'UNKNOWN', 'ACCEPTED', 'PARTIALLY_FILLED')"
    op.execute(f"INSERT INTO touched_symbols (symbol) SELECT DISTINCT symbol FROM orders WHERE {sent}")
