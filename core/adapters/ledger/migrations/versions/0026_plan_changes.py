"""Keeps the move of a stop that is under way, and plans that were made after their entry, which have ids of their own."""

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    with op.batch_alter_table("order_plans", schema=None) as batch_op:
        batch_op.add_column(sa.Column("change", sa.Text(), nullable=True))
        batch_op.drop_constraint(op.f("fk_order_plans_plan_id"), type_="foreignkey")
