"""dbt and DuckDB in one process, run in the warehouse's environment: answers each line of JSON that it reads with one.

    {"dbt": ["build", ...], "environment": {...}}    whether that command of dbt succeeded
    {"ask": ["SELECT ...", ...], "file": "..."}      the rows of each question, with amounts and times as text

What dbt and others print goes where the errors go.
"""

import importlib
import json
import os
import sys
from typing import Any

_duckdb = importlib.import_module("duckdb")
_connections = importlib.import_module("dbt.adapters.duckdb.connections")
_cli = importlib.import_module("dbt.cli.main")


def _build(arguments: list[str], environment: dict[str, str]) -> bool:
    os.environ.update(environment)
    try:
        return bool(_cli.dbtRunner().invoke(arguments).success)
    finally:
        _connections.DuckDBConnectionManager.close_all_connections()  # as the end of its process does: the file stays locked


def _rows(connection: Any, question: str) -> list[dict[str, str | None]]:
    found = connection.execute(question)
    names = [column[0] for column in found.description]
    return [
        {name: None if value is None else str(value) for name, value in zip(names, row, strict=True)} for row in found.fetchall()
    ]


def _ask(file: str, questions: list[str]) -> list[list[dict[str, str | None]]]:
    with _duckdb.connect(file, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        return [_rows(connection, question) for question in questions]


def _answer(command: dict[str, Any]) -> object:
    if "dbt" in command:
        return _build(command["dbt"], command["environment"])
    return _ask(command["file"], command["ask"])


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=answers, flush=True)
