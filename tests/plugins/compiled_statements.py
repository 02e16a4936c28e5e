"""Compiles each SQL statement once in a process of the tests, where each of their thousands of engines would do it anew."""

from collections.abc import Iterator, MutableMapping
from typing import Any

from sqlalchemy import Connection, Engine, event

_MOST = 4_000  # statements; then all are compiled anew

Key = tuple[Any, ...]


class CompiledStatements(MutableMapping[Key, Any]):
    """Shares what engines of one kind and server have compiled. SQLAlchemy's key begins with the engine's own dialect, in whose
    place stands what the SQL depends on."""

    def __init__(self) -> None:
        self._known: dict[Key, Any] = {}

    def __getitem__(self, key: Key) -> Any:
        return self._known[_shared(key)]

    def __setitem__(self, key: Key, compiled: Any) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_shared(key)] = compiled

    def __delitem__(self, key: Key) -> None:
        del self._known[_shared(key)]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def _shared(key: Key) -> Key:
    dialect, *rest = key
    return (type(dialect), dialect.server_version_info, *rest)


_COMPILED = CompiledStatements()


def pytest_configure() -> None:
    """Gives it to every connection of every engine."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)
