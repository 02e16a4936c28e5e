"""Every test contains an assertion, or calls a function of the tests that does."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parent
_WORDS = frozenset({"raises", "warns", "fail", "expect"})  # of pytest and Playwright
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def called(function: Function) -> set[str]:
    """Returns the names of the functions and methods that it calls."""
    calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
    return {
        call.attr if isinstance(call, ast.Attribute) else call.id for call in calls if isinstance(call, ast.Attribute | ast.Name)
    }


def says_so_itself(function: Function) -> bool:
    names = called(function)
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(function))
    return asserts or bool(names & _WORDS) or any(name.startswith("assert_") for name in names)


def asserting(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Returns for each file the names of its functions that assert: its own, and those that it imports from the tests."""
    own = {
        path: {one.name for one in tree.body if isinstance(one, Function) and says_so_itself(one)} for path, tree in trees.items()
    }
    return {path: own[path] | set(_imported(tree, own)) for path, tree in trees.items()}


def _imported(tree: ast.Module, own: Mapping[str, set[str]]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            there = own.get(f"{(node.module or '').removeprefix('tests.').replace('.', '/')}.py", set())
            yield from (alias.asname or alias.name for alias in node.names if alias.name in there)


def without_an_assertion(sources: Mapping[str, str]) -> list[str]:
    """Returns the tests without a visible assertion. `sources` are files by their paths below `tests`."""
    trees = {path: ast.parse(source) for path, source in sources.items()}
    known = asserting(trees)
    return [
        f"{path}:{one.lineno} {one.name}"
        for path, tree in sorted(trees.items())
        if Path(path).name.startswith("test_")
        for one in functions(tree)
        if one.name.startswith("test_") and not says_so_itself(one) and not called(one) & known[path]
    ]


def test_in_every_test_an_assertion_can_be_seen() -> None:
    sources = {str(path.relative_to(TESTS)): path.read_text() for path in TESTS.rglob("*.py")}
    assert len(sources) > 200
    assert without_an_assertion(sources) == []


def test_one_without_is_found_and_one_that_waits_alone_is_one() -> None:
    helper = "def held(): assert True\nasync def until(true): ..."
    source = """
from tests.a.helper import held, until
def test_nothing(): run()
async def test_waits(): await until(lambda: True)
async def test_of_a_method(): await firm.settled()
def test_says(): assert True
def test_of_another(): held()
def test_raises():
    with pytest.raises(ValueError): run()
def test_method(): result.assert_outcomes(passed=1)
"""
    found = without_an_assertion({"a/helper.py": helper, "a/test_x.py": source})
    assert [line.split()[-1] for line in found] == ["test_nothing", "test_waits", "test_of_a_method"]
