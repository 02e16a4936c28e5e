"""The ledger's tables. Names and columns of `executions` are part of the outward contract and are never renamed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from core.adapters.ledger.column_types import Amount, UtcTime, counting_key
from core.domain.order_state_machine import OrderState

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Conditions of partial indexes. A query uses the index only if it states the condition in the same words: use these.
UNDECIDED = text("decided_at IS NULL")
IS_SIGNAL = text("kind = 'signal'")
PRUNED = "pruned"
"""The kind of a pruned signal, of which only the content is left."""
BY_PEOPLE = text("source IN ('telegram', 'timer')")
IN_FLIGHT = text("state IN ({})".format(", ".join(f"'{state}'" for state in OrderState if state.in_flight)))
IS_EXIT = text("profit_pct IS NOT NULL")
IS_OPEN = text("state = 'OPEN'")
ASKS = text("question IS NOT NULL")
HAS_SUBJECT = text("subject IS NOT NULL")
IS_LET_IN = text("revoked_at IS NULL")
IS_UNUSED = text("used_by IS NULL")
IS_WANTED = text("ended_at IS NULL")


def _partial(name: str, *columns: str, where: object) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


inbox = Table(
    "inbox",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("signal_type", Text),
    Column("symbol", Text),
    Column("close", Amount),
    Column("ts", UtcTime),
    Column("decided_at", UtcTime),
    Column("outcome", Text),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Column("reason", Text),
    Column("facts", Text),
    UniqueConstraint("source", "source_id"),
    _partial("ix_inbox_undecided", "seq", where=UNDECIDED),
    _partial("ix_inbox_signals", "seq", where=IS_SIGNAL),
    _partial("ix_inbox_by_people", "seq", where=BY_PEOPLE),
    _partial("ix_inbox_signal_ids", "source_id", where=IS_SIGNAL),
    _partial("ix_inbox_mailbox_signals", "mailbox", "seq", where=IS_SIGNAL),
    sqlite_autoincrement=True,
)

orders = Table(
    "orders",
    metadata,
    Column("client_order_id", Text, primary_key=True),
    Column("inbox_seq", BigInteger, ForeignKey("inbox.seq"), nullable=False),
    Column("signal_type", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("state", Text, nullable=False),
    Column("trading_mode", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("order_id", Text),
    Column("executed_qty", Amount, nullable=False),
    Column("quote_qty", Amount, nullable=False),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Column("reason", Text),
    Column("approved_by", Text),
    Column("approved_at", UtcTime),
    Column("signal", Text, nullable=False),
    Index(None, "inbox_seq"),
    Index(None, "order_id"),
    _partial("ix_orders_in_flight", "inbox_seq", where=IN_FLIGHT),
)

order_steps = Table(
    "order_steps",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("client_order_id", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("order_id", Text),
    Column("executed_qty", Amount, nullable=False),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Index(None, "client_order_id", "seq"),
    sqlite_autoincrement=True,
)

fills = Table(
    "fills",
    metadata,
    Column("client_order_id", Text, ForeignKey("orders.client_order_id"), primary_key=True),
    Column("trade_id", Text, primary_key=True),  # the exchange's: a testnet that is reset restarts them
    Column("symbol", Text, nullable=False),
    Column("price", Amount, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_asset", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("qty", Amount, nullable=False),
    Column("cost", Amount, nullable=False),
    Column("value", Amount, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("opened_at", UtcTime),
    Column("trip_sold", Amount, nullable=False),
    Column("trip_cost", Amount, nullable=False),
    Column("trip_proceeds", Amount, nullable=False),
    Column("trip_gross", Amount, nullable=False),
)

trades = Table(
    "trades",
    metadata,
    Column("trade_id", Text, nullable=False, unique=True),
    Column("symbol", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("entry_cost", Amount, nullable=False),
    Column("proceeds", Amount, nullable=False),
    Column("profit", Amount, nullable=False),
    Column("profit_pct", Amount, nullable=False),
    Column("gross", Amount, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("trading_mode", Text, nullable=False),
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Index(None, "symbol", "seq"),
    sqlite_autoincrement=True,
)

executions = Table(
    "executions",
    metadata,
    Column("execution_id", Text, nullable=False, unique=True),
    Column("symbol", Text, nullable=False),
    Column("executed_at", UtcTime, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("profit_pct", Amount),
    Column("signal_type", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("client_order_id", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("quote_qty", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_asset", Text, nullable=False),
    Column("profit_quote", Amount),
    Column("trading_mode", Text, nullable=False),
    Column("gross_quote", Amount),
    Column("base_asset", Text, nullable=False),
    Column("quote_asset", Text, nullable=False),
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Index(None, "symbol", "executed_at", "seq"),
    Index(None, "executed_at", "seq"),
    _partial("ix_executions_exits", "executed_at", "seq", where=IS_EXIT),
    sqlite_autoincrement=True,
)

approvals = Table(
    "approvals",
    metadata,
    Column("token", Text, primary_key=True),
    Column("inbox_seq", BigInteger, ForeignKey("inbox.seq"), nullable=False),
    Column("signal_type", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("qty", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", Text),
    Column("signal", Text, nullable=False),
    Index(None, "inbox_seq"),
    _partial("ix_approvals_open", "inbox_seq", where=IS_OPEN),
)

controls = Table(
    "controls",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("pause", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime),
    Column("until", UtcTime),
    Column("ask_above", Amount),
    Column("ask_besides", Text),
    Column("ask_asset", Text),
    Column("panic", Text),
    CheckConstraint("id = 1", name="one_row"),
)

limits = Table(
    "limits",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("asset", Text),
)

holds = Table(
    "holds",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("differences", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("lifted_at", UtcTime),
    Column("lifted_by", Text, nullable=False),
)

wanted_exits = Table(
    "wanted_exits",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("qty", Amount, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("wanted", Text, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("commits", BigInteger, nullable=False),
    Column("taken_at", UtcTime),
    Column("seen_at", UtcTime),
    CheckConstraint("id = 1", name="one_row"),
)

account = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("mark", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

acknowledged_marks = Table(
    "acknowledged_marks",
    metadata,
    Column("mark", BigInteger, primary_key=True, autoincrement=False),
    Column("until", UtcTime, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

touched_symbols = Table(
    "touched_symbols",
    metadata,
    Column("symbol", Text, primary_key=True),
)

source_positions = Table(
    "source_positions",
    metadata,
    Column("source", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("witness", Text),
)

export_positions = Table(
    "export_positions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

proofs = Table(
    "proofs",
    metadata,
    Column("day", Text, primary_key=True),
    Column("proved_at", UtcTime, nullable=False),
    Column("differences", Integer, nullable=False),
    Column("complete", Boolean, nullable=False),
)

marks = Table(
    "marks",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("bid", Amount, nullable=False),
    Column("at", UtcTime, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("position", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("reason_code", Text),
    Column("reason_params", Text),
    Index(None, "position"),
    sqlite_autoincrement=True,
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", counting_key(), primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("subject", BigInteger),
    Index(None, "priority", "seq"),
    _partial("ix_outbox_subjects", "subject", "seq", where=HAS_SUBJECT),
    sqlite_autoincrement=True,
)

told = Table(
    "told",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("priority", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("priority", Integer, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("reader", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("question", BigInteger),
    Index(None, "priority", "last_seq"),
    _partial("ix_deliveries_questions", "question", where=ASKS),
)

people = Table(
    "people",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("inviter", BigInteger),
    _partial("ix_people_let_in", "user_id", where=IS_LET_IN),
)

invites = Table(
    "invites",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("invited_by", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_by", BigInteger),
    Column("inviter", BigInteger),
    _partial("ix_invites_unused", "digest", where=IS_UNUSED),
)

authenticators = Table(
    "authenticators",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("salt", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("ended_at", UtcTime),
    Column("wrong", Integer),
    Column("locked_until", UtcTime),
)

readers = Table(
    "readers",
    metadata,
    Column("chat_id", BigInteger, primary_key=True, autoincrement=False),
    Column("active", Boolean, nullable=False),
    Column("preferences", Text, nullable=False),
)

day_results = Table(
    "day_results",
    metadata,
    Column("day", Text, primary_key=True),
    Column("quote_asset", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    Column("signal_type", Text, primary_key=True),
    Column("trading_mode", Text, primary_key=True),
    Column("profit", Amount, nullable=False),
    Column("gross", Amount, nullable=False),
    Column("exits", Integer, nullable=False),
    Column("wins", Integer, nullable=False),
)

totals = Table(
    "totals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

strangers = Table(
    "strangers",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
)

pruned = Table(
    "pruned",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

paper_orders = Table(
    "paper_orders",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("client_order_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("report", Text, nullable=False),
    Index(None, "client_order_id", "order_id"),
    Index(None, "symbol", "order_id"),
)

paper_balances = Table(
    "paper_balances",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("amount", Amount, nullable=False),
)
