"""The first version of the ledger."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime, counting_key

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "controls",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("pause", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_controls_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controls")),
    )
    op.create_table(
        "day_results",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("quote_asset", sa.Text(), nullable=False),
        sa.Column("profit", Amount(), nullable=False),
        sa.Column("gross", Amount(), nullable=False),
        sa.Column("exits", sa.Integer(), nullable=False),
        sa.Column("wins", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "quote_asset", name=op.f("pk_day_results")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("seq", counting_key(), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_dead_letters")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "executions",
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("executed_at", UtcTime(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("profit_pct", Amount(), nullable=True),
        sa.Column("signal_type", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("quote_qty", Amount(), nullable=False),
        sa.Column("fee", Amount(), nullable=False),
        sa.Column("fee_asset", sa.Text(), nullable=False),
        sa.Column("profit_quote", Amount(), nullable=True),
        sa.Column("trading_mode", sa.Text(), nullable=False),
        sa.Column("gross_quote", Amount(), nullable=True),
        sa.Column("base_asset", sa.Text(), nullable=False),
        sa.Column("quote_asset", sa.Text(), nullable=False),
        sa.Column("seq", counting_key(), autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_executions")),
        sa.UniqueConstraint("execution_id", name=op.f("uq_executions_execution_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("executions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_executions_exits",
            ["seq"],
            unique=False,
            sqlite_where=sa.text("profit_pct IS NOT NULL"),
            postgresql_where=sa.text("profit_pct IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_executions_symbol_seq"), ["symbol", "seq"], unique=False)

    op.create_table(
        "inbox",
        sa.Column("seq", counting_key(), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("signal_type", sa.Text(), nullable=True),
        sa.Column("symbol", sa.Text(), nullable=True),
        sa.Column("close", Amount(), nullable=True),
        sa.Column("ts", UtcTime(), nullable=True),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_params", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "source_id", name=op.f("uq_inbox_source_source_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_signals",
            ["seq"],
            unique=False,
            sqlite_where=sa.text("kind = 'signal'"),
            postgresql_where=sa.text("kind = 'signal'"),
        )
        batch_op.create_index(
            "ix_inbox_undecided",
            ["seq"],
            unique=False,
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )

    op.create_table(
        "outbox",
        sa.Column("seq", counting_key(), autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_unsent",
            ["priority", "seq"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL"),
        )

    op.create_table(
        "paper_balances",
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("amount", Amount(), nullable=False),
        sa.PrimaryKeyConstraint("asset", name=op.f("pk_paper_balances")),
    )
    op.create_table(
        "paper_orders",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_paper_orders")),
    )
    with op.batch_alter_table("paper_orders", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_paper_orders_client_order_id_order_id"), ["client_order_id", "order_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_paper_orders_symbol_order_id"), ["symbol", "order_id"], unique=False)

    op.create_table(
        "positions",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("cost", Amount(), nullable=False),
        sa.Column("value", Amount(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=True),
        sa.Column("trip_sold", Amount(), nullable=False),
        sa.Column("trip_cost", Amount(), nullable=False),
        sa.Column("trip_proceeds", Amount(), nullable=False),
        sa.Column("trip_gross", Amount(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_positions")),
    )
    op.create_table(
        "holds",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("differences", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("lifted_at", UtcTime(), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_holds")),
    )
    lease = op.create_table(
        "lease",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("commits", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", UtcTime(), nullable=True),
        sa.Column("seen_at", UtcTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_lease_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
    )
    op.bulk_insert(lease, [{"id": 1, "epoch": 0, "holder": "", "session": "", "commits": 0}])
    op.create_table(
        "source_positions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "partition", name=op.f("pk_source_positions")),
    )
    op.create_table(
        "strangers",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_strangers")),
    )
    op.create_table(
        "totals",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_totals")),
    )
    op.create_table(
        "trades",
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("entry_cost", Amount(), nullable=False),
        sa.Column("proceeds", Amount(), nullable=False),
        sa.Column("profit", Amount(), nullable=False),
        sa.Column("profit_pct", Amount(), nullable=False),
        sa.Column("gross", Amount(), nullable=False),
        sa.Column("quote_asset", sa.Text(), nullable=False),
        sa.Column("trading_mode", sa.Text(), nullable=False),
        sa.Column("seq", counting_key(), autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_trades")),
        sa.UniqueConstraint("trade_id", name=op.f("uq_trades_trade_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("trades", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trades_symbol_seq"), ["symbol", "seq"], unique=False)

    op.create_table(
        "approvals",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("inbox_seq", sa.BigInteger(), nullable=False),
        sa.Column("signal_type", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("decided_at", UtcTime(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["inbox_seq"], ["inbox.seq"], name=op.f("fk_approvals_inbox_seq")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_approvals")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index(
            "ix_approvals_open",
            ["inbox_seq"],
            unique=False,
            sqlite_where=sa.text("state = 'OPEN'"),
            postgresql_where=sa.text("state = 'OPEN'"),
        )

    op.create_table(
        "orders",
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("inbox_seq", sa.BigInteger(), nullable=False),
        sa.Column("signal_type", sa.Text(), nullable=False),
        sa.Column("signal_id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trading_mode", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("executed_qty", Amount(), nullable=False),
        sa.Column("quote_qty", Amount(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason_params", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", UtcTime(), nullable=True),
        sa.Column("signal", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["inbox_seq"], ["inbox.seq"], name=op.f("fk_orders_inbox_seq")),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_orders")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_orders_in_flight",
            ["inbox_seq"],
            unique=False,
            sqlite_where=sa.text("state IN ('SUBMITTED', 'UNKNOWN', 'ACCEPTED', 'PARTIALLY_FILLED')"),
            postgresql_where=sa.text("state IN ('SUBMITTED', 'UNKNOWN', 'ACCEPTED', 'PARTIALLY_FILLED')"),
        )
        batch_op.create_index(batch_op.f("ix_orders_inbox_seq"), ["inbox_seq"], unique=False)

    op.create_table(
        "fills",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("price", Amount(), nullable=False),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("fee", Amount(), nullable=False),
        sa.Column("fee_asset", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["client_order_id"], ["orders.client_order_id"], name=op.f("fk_fills_client_order_id")),
        sa.PrimaryKeyConstraint("symbol", "trade_id", name=op.f("pk_fills")),
    )
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fills_client_order_id"), ["client_order_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fills_client_order_id"))

    op.drop_table("fills")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_orders_inbox_seq"))
        batch_op.drop_index(
            "ix_orders_in_flight",
            sqlite_where=sa.text("state IN ('SUBMITTED', 'UNKNOWN', 'ACCEPTED', 'PARTIALLY_FILLED')"),
            postgresql_where=sa.text("state IN ('SUBMITTED', 'UNKNOWN', 'ACCEPTED', 'PARTIALLY_FILLED')"),
        )

    op.drop_table("orders")
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_approvals_open", sqlite_where=sa.text("state = 'OPEN'"), postgresql_where=sa.text("state = 'OPEN'")
        )

    op.drop_table("approvals")
    with op.batch_alter_table("trades", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trades_symbol_seq"))

    op.drop_table("trades")
    op.drop_table("totals")
    op.drop_table("strangers")
    op.drop_table("source_positions")
    op.drop_table("lease")
    op.drop_table("holds")
    op.drop_table("positions")
    with op.batch_alter_table("paper_orders", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_paper_orders_client_order_id_order_id"))
        batch_op.drop_index(batch_op.f("ix_paper_orders_symbol_order_id"))

    op.drop_table("paper_orders")
    op.drop_table("paper_balances")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_unsent", sqlite_where=sa.text("sent_at IS NULL"), postgresql_where=sa.text("sent_at IS NULL")
        )

    op.drop_table("outbox")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_inbox_undecided", sqlite_where=sa.text("decided_at IS NULL"), postgresql_where=sa.text("decided_at IS NULL")
        )
        batch_op.drop_index(
            "ix_inbox_signals", sqlite_where=sa.text("kind = 'signal'"), postgresql_where=sa.text("kind = 'signal'")
        )

    op.drop_table("inbox")
    with op.batch_alter_table("executions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_executions_symbol_seq"))
        batch_op.drop_index(
            "ix_executions_exits",
            sqlite_where=sa.text("profit_pct IS NOT NULL"),
            postgresql_where=sa.text("profit_pct IS NOT NULL"),
        )

    op.drop_table("executions")
    op.drop_table("dead_letters")
    op.drop_table("day_results")
    op.drop_table("controls")
