"""Several readers, each with a delivery cursor; the message that delivered each event; people invited by a link, with their
notification settings."""

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import UtcTime

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_PRIORITIES = (0, 1, 2)  # the ones that existed


def upgrade() -> None:
    _make_told()
    _make_deliveries()
    _make_people()
    op.drop_index("ix_outbox_unsent", "outbox")
    op.create_index(op.f("ix_outbox_priority_seq"), "outbox", ["priority", "seq"])
    for table, column in (("outbox", "sent_at"), ("outbox", "message_id"), ("approvals", "chat_id"), ("approvals", "message_id")):
        op.drop_column(table, column)


def _make_told() -> None:
    """Keeps the single reader's cursor under an empty name: the first reader to ask continues from there."""
    told = op.create_table(
        "told",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "priority", name=op.f("pk_told")),
    )
    outbox = sa.table("outbox", *(sa.column(name, sa.BigInteger()) for name in ("seq", "priority")), sa.column("sent_at", UtcTime()))
    for priority in _PRIORITIES:
        mine = sa.select(outbox.c.seq).where(outbox.c.priority == priority)
        first = mine.where(outbox.c.sent_at.is_(None)).order_by(outbox.c.seq).limit(1)
        last = mine.order_by(outbox.c.seq.desc()).limit(1)
        unsent, newest = op.get_bind().execute(first).scalar(), op.get_bind().execute(last).scalar()
        if newest is not None:
            seq = newest if unsent is None else unsent - 1
            op.bulk_insert(told, [{"reader": "", "priority": priority, "seq": seq}])


def _make_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("priority", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("question", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("chat_id", "message_id", "priority", "first_seq", name=op.f("pk_deliveries")),
    )
    op.execute(
        "INSERT INTO deliveries (chat_id, message_id, priority, first_seq, last_seq, reader, at, question)"
        " SELECT chat_id, message_id, 0, 0, 0, '', asked_at, inbox_seq FROM approvals"
        " WHERE state = 'OPEN' AND message_id IS NOT NULL"
    )
    op.create_index(op.f("ix_deliveries_priority_last_seq"), "deliveries", ["priority", "last_seq"])
    asks = sa.text("question IS NOT NULL")
    op.create_index("ix_deliveries_questions", "deliveries", ["question"], sqlite_where=asks, postgresql_where=asks)


def _make_people() -> None:
    op.create_table(
        "people",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_people")),
    )
    let_in = sa.text("revoked_at IS NULL")
    op.create_index("ix_people_let_in", "people", ["user_id"], sqlite_where=let_in, postgresql_where=let_in)
    op.create_table(
        "invites",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_invites")),
    )
    unused = sa.text("used_by IS NULL")
    op.create_index("ix_invites_unused", "invites", ["digest"], sqlite_where=unused, postgresql_where=unused)
    op.create_table(
        "readers",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("preferences", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", name=op.f("pk_readers")),
    )
