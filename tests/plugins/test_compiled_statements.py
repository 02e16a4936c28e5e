"""Statements that the tests' engines share: compiled once, and for each kind of database apart."""

from sqlalchemy import Column, Integer, MetaData, Table, create_engine, literal, select

from tests.plugins.compiled_statements import CompiledStatements

_POSTGRESQL = "postgresql+asyncpg://127.0.0.1/none"  # nothing connects to it
_ITEMS = Table("items", MetaData(), Column("number", Integer))


def test_what_one_engine_has_compiled_another_takes_with_its_own_values() -> None:
    used, values = [], []
    for number in (1, 2):
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            _ITEMS.create(connection)
            connection.execute(_ITEMS.insert(), {"number": number})
            found = connection.execute(select(_ITEMS.c.number).where(_ITEMS.c.number == literal(number)))
            used.append(found.context.compiled)
            values.append(found.scalar_one())
        engine.dispose()
    assert used[0] is used[1]
    assert values == [1, 2]


def test_databases_of_another_kind_or_version_share_nothing() -> None:
    lite, older, newer = (create_engine(url).dialect for url in ("sqlite://", _POSTGRESQL, _POSTGRESQL))
    newer.server_version_info = (99,)
    compiled = CompiledStatements()
    compiled[(lite, "statement")] = "for SQLite"
    compiled[(older, "statement")] = "for PostgreSQL"
    assert compiled[(create_engine("sqlite://").dialect, "statement")] == "for SQLite"
    assert compiled.get((newer, "statement")) is None
    assert len(compiled) == 2
