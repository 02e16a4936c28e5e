"""Alembic's entry: runs the steps on the connection that `schema.upgrade` passes in, inside its transaction."""

from alembic import context

from core.adapters.ledger.tables.registry import TABLES

_connection = context.config.attributes["connection"]

context.configure(
    connection=_connection,
    target_metadata=TABLES[0].table.metadata,
    render_as_batch=True,  # SQLite changes a table only by recreating it
    transactional_ddl=True,  # our transactions cover DDL on both: a step is applied whole or not at all
)
with context.begin_transaction():
    context.run_migrations()
