"""The id of each invite's maker: a link is valid only as long as that person may invite. Older links, with no known maker,
end."""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    for table in ("people", "invites"):
        op.add_column(table, sa.Column("inviter", sa.BigInteger(), nullable=True))
