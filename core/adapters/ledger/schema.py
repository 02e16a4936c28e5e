"""Upgrades a database to the newest schema, step by step, in one transaction. Never downgrades."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, to: str = "head") -> None:
    """Applies every step that `connection`'s database lacks, up to the revision `to`."""
    from alembic import command  # noqa: PLC0415 - heavy

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def revisions(connection: Connection) -> tuple[str | None, str]:
    """Returns the revision of `connection`'s database, None if it is no ledger yet, and the newest revision."""
    from alembic.migration import MigrationContext  # noqa: PLC0415 - heavy
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    newest = ScriptDirectory.from_config(_config()).as_revision_number("head")
    return MigrationContext.configure(connection).get_current_revision(), str(newest)


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - heavy

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
