"""An order with an unknown fate is never reported as having done nothing."""

import pytest

from bot.texts import texts
from bot.views.chat_message import plain_text
from bot.views.events import render
from core.domain.signal import Side
from tests.bot.views.test_events import failed


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("side", list(Side))
def test_its_end_says_that_nothing_is_booked_and_not_that_nothing_was_done(side: Side, language: str) -> None:
    words = texts(language)
    unknown = failed("fate_unknown", side, symbol="WIFUSDC")
    told = plain_text(render(unknown, words).text)
    assert plain_text(words("failed.fate_unknown")) in told
    assert plain_text(words(f"failed.{side.lower()}")) not in told
