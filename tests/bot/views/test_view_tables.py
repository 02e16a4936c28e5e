"""The table of events: each kind has its view, and a text to be counted by."""

from typing import get_args

import pytest

from bot.texts import texts
from bot.views.audit_entry import ENTRIES
from bot.views.events import VIEWS
from core.domain.events.table import Event
from core.domain.messages import Body


def test_each_kind_of_event_has_its_view() -> None:
    assert {kind.__name__ for kind in get_args(Event)} == {kind.__name__ for kind in VIEWS}


def test_each_kind_of_message_has_its_entry_in_the_audit() -> None:
    assert {kind.__name__ for kind in get_args(Body)} == {kind.__name__ for kind in ENTRIES}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_a_view_is_counted_as_has_a_text(language: str) -> None:
    assert all(texts(language).has(f"digest.{view.counted_as}_count") for view in VIEWS.values())
