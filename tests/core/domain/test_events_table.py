"""An event cannot be forgotten: every class of `core.domain.events` is in the table and in the ledger's text form."""

import importlib
import pkgutil
from dataclasses import is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

import core.domain.events
from core.adapters.ledger import codec
from core.domain.events.table import EVENTS, Event, log_line_of, subject_of, topic_of
from tests.samples import sample


def classes() -> set[type[Any]]:
    """Returns every event class: a dataclass with a `kind`."""
    modules = [
        importlib.import_module(f"{core.domain.events.__name__}.{found.name}")
        for found in pkgutil.iter_modules(core.domain.events.__path__)
    ]
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and is_dataclass(value) and "kind" in value.__dataclass_fields__
        if value.__module__ == module.__name__
    }


def test_every_event_is_in_the_union_and_has_a_row() -> None:
    assert classes() == set(get_args(Event)) == set(EVENTS)


def test_kinds_are_what_the_classes_say_and_no_two_alike() -> None:
    kinds = {event: get_args(get_type_hints(event)["kind"]) for event in EVENTS}
    assert all(said == (event.__dataclass_fields__["kind"].default,) for event, said in kinds.items())
    assert len(set(kinds.values())) == len(EVENTS)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_topic_a_priority_and_a_line_that_can_be_made(kind: type[Event]) -> None:
    event = sample(kind)
    assert topic_of(event)
    assert event.priority is not None
    assert subject_of(event) != 0
    line = log_line_of(event)
    assert line is None or line.text


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_is_the_same_after_the_ledger(kind: type[Event]) -> None:
    event = sample(kind)
    assert codec.events.decode(codec.events.encode(event)) == event
