"""The schema that every table of the ledger is part of."""

from sqlalchemy import Index, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def partial(name: str, *columns: str, where: object) -> Index:
    """Returns an index of the rows that `where` holds for. The migrations make it, in either database; `postgresql_where` would
    load that dialect into every process here."""
    return Index(name, *columns, sqlite_where=where)
