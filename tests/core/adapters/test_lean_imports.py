"""Imports that leave out or postpone: what the block imports is affected, and nothing after it."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from core.adapters.lean_imports import built_when_used, left_out, postponed

LIBRARY = """
try:
    import lean_extra
except ImportError:
    lean_extra = None
"""
NOWHERE = "lean_nowhere"
EXTRA = "import sys\nsys.lean_executed = True\nanswer = 42\n"


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "lean_library.py").write_text(LIBRARY)
    (tmp_path / "lean_extra.py").write_text(EXTRA)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "lean_executed", False, raising=False)
    finders = list(sys.meta_path)
    yield
    assert sys.meta_path == finders
    for name in ("lean_library", "lean_extra"):
        sys.modules.pop(name, None)


def executed() -> bool:
    return bool(vars(sys)["lean_executed"])


def test_what_is_left_out_is_as_if_it_were_not_installed_until_the_end_of_the_block() -> None:
    with left_out("lean_extra"):
        assert importlib.import_module("lean_library").lean_extra is None
    assert not executed()
    assert importlib.import_module("lean_extra").answer == 42


def test_what_is_postponed_is_executed_when_something_of_it_is_asked_for() -> None:
    with postponed("lean_extra"):
        library = importlib.import_module("lean_library")
    assert not executed()
    assert library.lean_extra.answer == 42
    assert executed()


def test_what_cannot_be_found_is_missing_postponed_or_not() -> None:
    with postponed("lean_nowhere"), pytest.raises(ModuleNotFoundError):
        importlib.import_module(NOWHERE)


def test_a_model_is_built_when_it_is_used_and_those_after_the_block_at_once() -> None:
    with built_when_used():

        class Early(BaseModel):
            number: int

    class Late(BaseModel):
        number: int

    assert (Early.__pydantic_complete__, Late.__pydantic_complete__) == (False, True)
    assert Early.model_validate_json('{"number": 1}').number == 1
    assert Early.__pydantic_complete__
