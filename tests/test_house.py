"""Measures of the code's structure: short files and functions, few parameters, few arrows between the rooms of bot."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = ("bot", "core", "dashboard", "demo", "local_telegram")
MIGRATIONS = ROOT / "core/adapters/ledger/migrations/versions"

LINES_OF_A_FILE = 399
LINES_OF_A_FUNCTION = 40
LINES_OF_MOST_FUNCTIONS = 20  # 95 of 100
PARAMETERS_OF_A_CONSTRUCTOR = 12
ROOMS_OF_BOT = 20
ARROWS_OF_BOT = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if path.parent != MIGRATIONS)


def functions() -> Iterator[tuple[str, Function]]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def length(function: Function) -> int:
    """Returns the number of a function's lines, docstring included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def arrows(package: str) -> set[tuple[str, str]]:
    """Returns which room of a package imports from which other one. A room is a module or package directly below it."""
    found = set()
    for path in (ROOT / package).rglob("*.py"):
        room = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
                parts = (node.module or "").split(".")
                targets = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
                found |= {(room, target) for target in targets if target != room}
    return found


def test_no_file_is_long() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: count for name, count in lines.items() if count > LINES_OF_A_FILE} == {}


def test_no_function_is_long() -> None:
    assert {name: length(function) for name, function in functions() if length(function) > LINES_OF_A_FUNCTION} == {}


def test_most_functions_are_short() -> None:
    lengths = sorted(length(function) for _, function in functions())
    assert lengths[len(lengths) * 95 // 100] <= LINES_OF_MOST_FUNCTIONS


def test_no_constructor_takes_many_parameters() -> None:
    """Rejects constructors with many parameters: such a class is two, or takes a value that holds what belongs together."""
    many = {
        name: len(function.args.args) + len(function.args.kwonlyargs) - 1
        for name, function in functions()
        if function.name == "__init__"
    }
    assert {name: count for name, count in many.items() if count > PARAMETERS_OF_A_CONSTRUCTOR} == {}


def test_the_rooms_of_bot_are_few_and_know_little_of_each_other() -> None:
    found = arrows("bot")
    assert len({room for arrow in found for room in arrow}) <= ROOMS_OF_BOT
    assert len(found) <= ARROWS_OF_BOT


@pytest.mark.parametrize("package", ["bot", "core"])
def test_imports_between_rooms_only_go_down(package: str) -> None:
    """Rejects circles of imports: each room can be understood by those below it alone. The order itself stands in the import
    contracts."""
    left = arrows(package)
    while left:
        bottom = {target for _, target in left} - {source for source, _ in left}
        assert bottom, f"rooms import each other in a circle: {sorted(left)}"
        left = {arrow for arrow in left if arrow[1] not in bottom}
