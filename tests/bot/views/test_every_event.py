"""No event is without words: each one of the table has a message, in every language."""

import pytest

from bot.texts import LANGUAGES, texts
from bot.views.chat_message import plain_text
from bot.views.events import render
from core.domain.events.table import EVENTS, Event
from tests.samples import sample


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_has_a_message(kind: type[Event], language: str) -> None:
    assert plain_text(render(sample(kind), texts(language)).text).strip()
