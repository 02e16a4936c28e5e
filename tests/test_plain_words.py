"""Docstrings say what a thing does, in plain words, and the retired words of the glossary name no class."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

_OPENINGS = re.compile(r"(What|Whether|Who|Whom|Whose|Whoever|Whatever|How|Which|Where|When|Why|By which)\b")
_RETIRED = frozenset(
    {
        *("Book", "Hold", "Holding", "Desk", "Wish", "Wishes", "Deciding", "Picture", "Facts", "Measure", "Wanted", "Draft"),
        *("Changes", "Verdict", "Writes", "Membership", "Hand", "Speaker", "Pace", "Bucket", "Allowance", "Listener", "Audience"),
        *("Controls", "Asking", "Limits"),
    }
)
_RETIRED_VALUES = {"TradingState": "controls", "CommitBatch": "changes"}  # class: the name that its values had before
_STORED = {"core/domain/events/process.py"}  # the outbox of older ledgers has this name
_IMAGES = {"local_telegram/pictures.py"}  # a Picture there is one
_TEXTS = {"bot/settings/fields.py"}  # its strings are descriptions for users
_PLACES = ("bot", "core", "dashboard", "demo", "local_telegram", "bench", "warehouse", "tests")


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yields line and text of every docstring, those of attributes too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def files(*places: str) -> Iterator[Path]:
    return (path for place in places for path in sorted((ROOT / place).rglob("*.py")))


def indirect(source: str) -> list[str]:
    """Returns the docstrings of a file that begin with a question word."""
    return [f"{line} {text[:60]}" for line, text in docstrings(ast.parse(source)) if _OPENINGS.match(text.lstrip())]


def test_every_docstring_says_what_it_is_about() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in files(*_PLACES)}
    found = {path: lines for path, source in sources.items() if path not in _TEXTS and (lines := indirect(source))}
    assert found == {}


def test_retired_words_name_no_class() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in files(*_PLACES)
        if str(path.relative_to(ROOT)) not in _IMAGES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.lstrip("_") in _RETIRED
    ]
    assert found == []


def misnamed(source: str) -> list[str]:
    """Returns the parameters, variables and fields of a file that have a retired name for what they are."""
    declared = [
        (node.arg if isinstance(node, ast.arg) else ast.unparse(node.target), ast.unparse(node.annotation))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None
    ]
    return [
        f"{name}: {kind}" for name, kind in declared if any(name == old and new in kind for new, old in _RETIRED_VALUES.items())
    ]


def test_values_are_named_after_their_class() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text() for path in files(*_PLACES)}
    found = {path: names for path, source in sources.items() if path not in _STORED and (names := misnamed(source))}
    assert found == {}


def test_a_misnamed_value_is_found() -> None:
    assert misnamed("def f(controls: TradingState | None) -> None: ...\nchanges: int = 0\n") == ["controls: TradingState | None"]


def test_an_indirect_docstring_is_found() -> None:
    assert indirect('def f():\n    """Whether it rains."""\n') == ["2 Whether it rains."]
    assert indirect('def f():\n    """Tells whether it rains."""\n\nA = 1\n"""How much."""\n') == ["5 How much."]
