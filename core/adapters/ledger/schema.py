"""Upgrades a database to the newest schema, step by step, in one transaction. Never downgrades."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
_APPLIED = table("alembic_version", column("version_num"))


def upgrade(connection: Connection, to: str = "head") -> None:
    """Applies every step that `connection`'s database lacks, up to the revision `to`."""
    from alembic import command  # noqa: PLC0415 - heavy

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def revisions(connection: Connection) -> tuple[str | None, str]:
    """Returns the revision of `connection`'s database, None if it is no ledger yet, and the newest revision.

    Does without Alembic, which takes a while to load: most starts find nothing to upgrade.
    """
    newest = max(step.name[:4] for step in (MIGRATIONS / "versions").glob("0*.py"))
    is_ledger = inspect(connection).has_table(_APPLIED.name)
    return (connection.scalar(select(_APPLIED.c.version_num)) if is_ledger else None), newest


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - heavy

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
