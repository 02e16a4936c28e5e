"""Every reason that the program gives has a sentence, and the sentence gets what it names."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import core
from core.domain.reasons import SENTENCES, Reason, reason

CORE = Path(core.__file__).parent


def given_reasons() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yields place, code and parameters of each `reason("code", name=...)` in the source."""
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reason" and node.args):
                continue
            code = node.args[0]
            if isinstance(code, ast.Constant) and all(keyword.arg for keyword in node.keywords):
                where = f"{path.relative_to(CORE)}:{node.lineno}"
                yield where, str(code.value), frozenset(str(keyword.arg) for keyword in node.keywords)


def placeholders(code: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(SENTENCES[code]) if name)


@pytest.mark.parametrize(("where", "code", "params"), list(given_reasons()))
def test_a_reason_in_the_source_has_its_sentence_and_all_of_its_parameters(where: str, code: str, params: frozenset[str]) -> None:
    assert code in SENTENCES, where
    assert placeholders(code) == params, where


def test_the_source_was_really_searched() -> None:
    codes = {code for _, code, _ in given_reasons()}
    assert {"expired", "below_min_notional", "price_band", "never_placed", "approval_expired"} <= codes


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_a_sentence_is_one_line_without_what_is_left_to_fill_in(code: str) -> None:
    text = str(Reason(code, dict.fromkeys(placeholders(code), "7")))
    assert text
    assert not {"{", "}", "\n"} & set(text)


def test_a_parameter_may_hold_braces() -> None:
    assert str(reason("declined", who="{limit} {0}")) == "declined by {limit} {0}"


def test_a_reason_that_an_earlier_version_kept_is_shown_by_its_code() -> None:
    assert str(Reason("order_unknown", {"order_id": "7"})) == "order_unknown"
