"""The whole story of a signal: the numbers of each decision, each step of an order, and the subject of each event."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime, counting_key

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "order_steps",
        sa.Column("seq", counting_key(), autoincrement=True, nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("executed_qty", Amount(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_params", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_order_steps")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_order_steps_client_order_id_seq"), "order_steps", ["client_order_id", "seq"])
    op.add_column("inbox", sa.Column("facts", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("subject", sa.BigInteger(), nullable=True))
    for name, table, columns, condition in (
        ("ix_outbox_subjects", "outbox", ["subject", "seq"], "subject IS NOT NULL"),
        ("ix_inbox_signal_ids", "inbox", ["source_id"], "kind = 'signal'"),
        ("ix_inbox_mailbox_signals", "inbox", ["mailbox", "seq"], "kind = 'signal'"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index(op.f("ix_orders_order_id"), "orders", ["order_id"])
    op.create_index(op.f("ix_dead_letters_position"), "dead_letters", ["position"])
    op.create_index(op.f("ix_approvals_inbox_seq"), "approvals", ["inbox_seq"])
