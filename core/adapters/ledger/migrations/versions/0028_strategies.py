"""A position, its exit and its results belong to a strategy: what is open to that of its entry, results of before to `default`."""

import json

import sqlalchemy as sa
from alembic import op

from core.adapters.ledger.column_types import Amount, UtcTime

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | None = None
depends_on: str | None = None

_OVER = "('FILLED', 'REJECTED', 'CANCELED', 'EXPIRED', 'DENIED', 'DECLINED')"


def upgrade() -> None:
    _with_strategy("positions", _positions())
    _with_strategy("wanted_exits", _exits())
    _with_strategy("day_results", _days())
    op.add_column("trades", sa.Column("strategy", sa.Text(), server_default="default", nullable=False))
    op.create_table(
        "strategy_pauses",
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("strategy", name=op.f("pk_strategy_pauses")),
    )
    # What is still open goes on with the position that it belongs to.
    for symbol, strategy in _owners().items():
        values = {"symbol": symbol, "strategy": strategy}
        for table, where in (
            ("positions", ""),
            ("wanted_exits", ""),
            ("order_plans", " AND state NOT IN ('CLOSED', 'MISSED')"),
        ):
            op.get_bind().execute(sa.text(f"UPDATE {table} SET strategy = :strategy WHERE symbol = :symbol{where}"), values)
        for table, key, column, where in (
            ("orders", "client_order_id", "signal", f"state NOT IN {_OVER}"),
            ("approvals", "token", "signal", "state = 'OPEN'"),
            ("wanted_exits", "symbol", "wanted", "ended_at IS NULL"),
        ):
            _name(table, key, column, f"symbol = :symbol AND {where}", values)


def _owners() -> dict[str, str]:
    """Returns whose a position or an entry is, by symbol, where one is open: there was one entry at a time, and its record named
    the strategy."""
    positions = sa.table("positions", sa.column("symbol", sa.Text()), sa.column("is_open", sa.Boolean()))
    held = op.get_bind().execute(sa.select(positions.c.symbol).where(positions.c.is_open)).scalars().all()
    last = sa.text("SELECT strategy FROM executions WHERE symbol = :symbol AND side = 'BUY' ORDER BY executed_at DESC LIMIT 1")
    owners = {symbol: op.get_bind().execute(last, {"symbol": symbol}).scalar() or "default" for symbol in held}
    entries = sa.text(f"SELECT symbol, signal FROM orders WHERE side = 'BUY' AND state NOT IN {_OVER}")
    for symbol, body in op.get_bind().execute(entries).all():
        named = json.loads(body).get("extra", {}).get("strategy")
        owners[symbol] = named if isinstance(named, str) and named else "default"
    return owners


def _strategy() -> sa.Column[str]:
    return sa.Column("strategy", sa.Text(), server_default="default", nullable=False)


def _positions() -> list[sa.schema.SchemaItem]:
    amounts = ("trip_sold", "trip_cost", "trip_proceeds", "trip_gross")
    return [
        sa.Column("symbol", sa.Text(), nullable=False),
        _strategy(),
        *(sa.Column(name, Amount(), nullable=False) for name in ("qty", "cost", "value")),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=True),
        *(sa.Column(name, Amount(), nullable=False) for name in amounts),
        sa.PrimaryKeyConstraint("symbol", "strategy", name=op.f("pk_positions")),
    ]


def _exits() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("symbol", sa.Text(), nullable=False),
        _strategy(),
        sa.Column("qty", Amount(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "strategy", name=op.f("pk_wanted_exits")),
    ]


def _days() -> list[sa.schema.SchemaItem]:
    names = ("day", "quote_asset", "symbol", "signal_type", "trading_mode")
    return [
        *(sa.Column(name, sa.Text(), nullable=False) for name in names),
        _strategy(),
        *(sa.Column(name, Amount(), nullable=False) for name in ("profit", "gross")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("exits", "wins")),
        sa.PrimaryKeyConstraint(*names, "strategy", name=op.f("pk_day_results")),
    ]


def _with_strategy(table: str, columns: list[sa.schema.SchemaItem]) -> None:
    """Makes a table anew, with the strategy in its key, and takes over its rows: SQLite changes no key."""
    kept = ", ".join(one.name for one in columns if isinstance(one, sa.Column) and one.name != "strategy")
    op.execute(f"CREATE TABLE {table}_before AS SELECT * FROM {table}")
    op.drop_table(table)
    op.create_table(table, *columns)
    op.execute(f"INSERT INTO {table} ({kept}) SELECT {kept} FROM {table}_before")
    op.drop_table(f"{table}_before")


def _name(table: str, key: str, column: str, where: str, owner: dict[str, str]) -> None:
    """Has the stored signals of what is still open in a symbol name its owner's strategy."""
    question = f"SELECT {key} AS name, {column} AS body FROM {table} WHERE {where}"
    for name, body in op.get_bind().execute(sa.text(question), {"symbol": owner["symbol"]}).all():
        found = json.loads(body)
        signal = found["signal"] if column == "wanted" else found
        extra = {name: value for name, value in signal.get("extra", {}).items() if name != "strategy"}
        if owner["strategy"] != "default":
            extra["strategy"] = owner["strategy"]
        signal["extra"] = extra
        values = {"name": name, "body": json.dumps(found, separators=(",", ":"), ensure_ascii=False)}
        op.get_bind().execute(sa.text(f"UPDATE {table} SET {column} = :body WHERE {key} = :name"), values)
