"""Keeps with each execution whose it was, what it was for and which plan it belonged to; the history gets all of them anew."""

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | None = None
depends_on: str | None = None

_BATCH = 1_000


def upgrade() -> None:
    op.add_column("order_plans", sa.Column("strategy", sa.Text(), server_default="default", nullable=False))
    op.add_column("executions", sa.Column("strategy", sa.Text(), server_default="default", nullable=False))
    op.add_column("executions", sa.Column("role", sa.Text(), server_default="exit", nullable=False))
    op.add_column("executions", sa.Column("plan_id", sa.Text(), nullable=True))
    op.execute("UPDATE executions SET role = 'entry' WHERE side = 'BUY'")
    # A plan's own exits have their client order id as their signal's id; those that were retried have not, and stay "exit".
    for kind, role in (("SELL_STOP_LOSS", "stop"), ("SELL_TAKE_PROFIT", "target"), ("SELL_TIME_LIMIT", "time_limit")):
        op.execute(
            f"UPDATE executions SET role = '{role}', plan_id = substr(client_order_id, 1, 32)"
            f" WHERE signal_type = '{kind}' AND signal_id = client_order_id"
        )
    op.execute(
        "UPDATE executions SET plan_id = client_order_id"
        " WHERE side = 'BUY' AND client_order_id IN (SELECT plan_id FROM order_plans)"
    )
    for rows in _strategies():
        for table, column in (("executions", "execution_id"), ("order_plans", "plan_id")):
            op.get_bind().execute(sa.text(f"UPDATE {table} SET strategy = :strategy WHERE {column} = :name"), rows)
    op.execute(
        "UPDATE executions SET strategy = (SELECT p.strategy FROM order_plans p WHERE p.plan_id = executions.plan_id)"
        " WHERE role IN ('stop', 'target', 'time_limit') AND plan_id IN (SELECT plan_id FROM order_plans)"
    )
    op.execute("DELETE FROM export_positions")


def _strategies() -> Iterator[list[dict[str, str]]]:
    """Yields the strategies that orders of before named, some at a time."""
    orders, last = sa.table("orders", sa.column("client_order_id", sa.Text()), sa.column("signal", sa.Text())), ""
    name, signal = orders.c.client_order_id, orders.c.signal
    while found := op.get_bind().execute(
        sa.select(name, signal).where(name > last, signal.like('%"strategy"%')).order_by(name).limit(_BATCH)
    ).all():
        last = found[-1][0]
        named = [(one, json.loads(text).get("extra", {}).get("strategy")) for one, text in found]
        if rows := [{"name": one, "strategy": strategy} for one, strategy in named if isinstance(strategy, str) and strategy]:
            yield rows
