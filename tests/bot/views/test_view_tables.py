"""The table of events: each kind has its view, and a text to be counted by."""

from typing import get_args

import pytest

from bot.texts import texts
from bot.views.audit_entry import ENTRIES, audit_entry
from bot.views.events import VIEWS
from core.domain.access import Reader
from core.domain.events.table import Event
from core.domain.messages import ApprovalAnswered, ApprovalTimedOut, Body, ReaderRequested


def test_each_kind_of_event_has_its_view() -> None:
    assert {kind.__name__ for kind in get_args(Event)} == {kind.__name__ for kind in VIEWS}


def test_each_kind_of_message_has_its_entry_in_the_audit() -> None:
    assert {kind.__name__ for kind in get_args(Body)} == {kind.__name__ for kind in ENTRIES}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (ApprovalAnswered("t", True, 1, "Ann"), "approved, WIFUSDC"),
        (ApprovalTimedOut("t"), "approval expired, WIFUSDC"),
        (ReaderRequested(Reader(1, zone="Europe/Berlin"), 1, "Ann", ("zone",)), "time zone Europe/Berlin"),
        (ReaderRequested(Reader(1), 1, "Ann", ("muted_until",)), "notifications: unmuted"),
        (ReaderRequested(Reader(1), 1, "Ann", ("heartbeat_hours",)), "notifications: heartbeat off"),
    ],
)
def test_an_act_says_what_it_was_about(body: Body, words: str) -> None:
    assert audit_entry(body, texts("en"), "WIFUSDC") == words


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_a_view_is_counted_as_has_a_text(language: str) -> None:
    assert all(texts(language).has(f"digest.{view.counted_as}_count") for view in VIEWS.values())
