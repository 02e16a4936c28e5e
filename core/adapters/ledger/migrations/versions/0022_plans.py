"""Keeps the plan of each entry, and of each order what it is to its plan and what its fills have brought so far."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | None = None
depends_on: str | None = None

_OPEN = "state IN ('SUBMITTED', 'UNKNOWN', 'ACCEPTED', 'PARTIALLY_FILLED', 'CANCEL_SUBMITTED')"


def upgrade() -> None:
    for column in (
        sa.Column("stop_price", Amount(), nullable=True),
        sa.Column("trailing_delta", sa.BigInteger(), nullable=True),
        sa.Column("plan_id", sa.Text(), nullable=True),
        sa.Column("leg", sa.Text(), nullable=True),
        sa.Column("leg_number", sa.BigInteger(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=True),
        sa.Column("list_id", sa.Text(), nullable=True),
        sa.Column("booked_profit", Amount(), nullable=False, server_default="0"),
        sa.Column("booked_cost", Amount(), nullable=False, server_default="0"),
        sa.Column("booked_gross", Amount(), nullable=False, server_default="0"),
    ):
        op.add_column("orders", column)
    op.create_index("ix_orders_plan_id", "orders", ["plan_id"])
    op.drop_index("ix_orders_in_flight", table_name="orders")
    op.create_index("ix_orders_in_flight", "orders", ["inbox_seq"], sqlite_where=sa.text(_OPEN), postgresql_where=sa.text(_OPEN))
    op.create_table(
        "order_plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("exits", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entry_price", Amount(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("inbox_seq", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("sold_at", sa.Text(), nullable=False),
        sa.Column("exposed_since", UtcTime(), nullable=True),
        sa.Column("due_at", UtcTime(), nullable=True),
        sa.Column("closed_at", UtcTime(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_params", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["orders.client_order_id"], name=op.f("fk_order_plans_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_order_plans")),
    )
    still_open = sa.text("state <> 'CLOSED'")
    op.create_index("ix_order_plans_open", "order_plans", ["symbol"], sqlite_where=still_open, postgresql_where=still_open)
