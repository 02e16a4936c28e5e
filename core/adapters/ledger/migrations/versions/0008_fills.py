"""Identifies a fill by its order and trade id: a testnet that is reset restarts its trade ids."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

_COLUMNS = "client_order_id, trade_id, symbol, price, qty, fee, fee_asset, at"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("pk_fills"), "fills")
        op.create_primary_key(op.f("pk_fills"), "fills", ["client_order_id", "trade_id"])
        op.drop_index(op.f("ix_fills_client_order_id"), "fills")
        return
    op.rename_table("fills", "fills_before")
    op.drop_index(op.f("ix_fills_client_order_id"), "fills_before")
    op.create_table(
        "fills",
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("fee", Amount(), nullable=False),
        sa.Column("fee_asset", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_order_id"], ["orders.client_order_id"], name=op.f("fk_fills_client_order_id")
        ),
        sa.PrimaryKeyConstraint("client_order_id", "trade_id", name=op.f("pk_fills")),
    )
    op.execute(f"INSERT INTO fills ({_COLUMNS}) SELECT {_COLUMNS} FROM fills_before")
    op.drop_table("fills_before")
