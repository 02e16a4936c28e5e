"""A wrong program breaks a rule and nothing else: its replacement can be called like the original. It is caught by its
behaviour."""

import inspect
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from tests.simulation import __main__ as simulation
from tests.simulation.variants import VARIANTS

Swapped = tuple[Any, str, Any]


def _swapped(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Swapped]:
    found: list[Swapped] = []
    monkeypatch.setattr(mock.patch, "object", lambda *swap: found.append(swap))
    VARIANTS[name]()
    return found


def _called_as(signature: inspect.Signature, *, whole: bool) -> tuple[list[str], dict[str, str]]:
    """Returns arguments for every parameter, or for the required ones alone."""
    positional: list[str] = []
    named: dict[str, str] = {}
    for parameter in signature.parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        if whole or parameter.default is parameter.empty:
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = ""
            else:
                positional.append("")
    return positional, named


@pytest.mark.parametrize("name", VARIANTS)
def test_what_is_swapped_can_be_called_as_before(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    swaps = _swapped(name, monkeypatch)
    assert swaps
    for owner, attribute, new in swaps:
        before: Callable[..., Any] = inspect.getattr_static(owner, attribute)
        if isinstance(new, property) or not inspect.isroutine(new):
            assert isinstance(new, property) is isinstance(before, property)
            continue
        for whole in (False, True):
            positional, named = _called_as(inspect.signature(before), whole=whole)
            inspect.signature(new).bind(*positional, **named)


TWICE = "order mf-1 was executed 2 times"


@pytest.mark.parametrize(
    ("wrong", "right", "caught"),
    [
        ((TWICE,), (), True),
        ((), (), False),
        ((TWICE,), (TWICE,), False),
        (("message s0 failed: internal error in MarketFlow (TypeError); see the log", TWICE), (), False),
        (("p3 died of TypeError()", TWICE), (), False),
    ],
)
def test_a_wrong_program_is_caught_only_by_what_it_does(
    monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...], right: tuple[str, ...], caught: bool
) -> None:
    def live_one(seed: int, _signals: int, variant: str | None = None) -> simulation.Lived:
        return simulation.Lived(seed, wrong if variant else right, 0, Counter())

    monkeypatch.setattr(simulation, "_live_one", live_one)
    assert (simulation._catch("the fence is forgotten", 1) is not None) is caught
