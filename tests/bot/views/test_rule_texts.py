"""Every risk rule has its words in the story of a signal and in a question, in each language."""

import pytest

from bot.texts import LANGUAGES, texts
from bot.views.approval import measured
from core.policy.risk import RULES

NOT_IN_A_QUESTION = {"price_sanity"}  # the price band is narrower, and shown
SHOWN = {"value": "1.5", "limit": "2", "unit": "USDC"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["age", *(rule.name for rule in RULES)])
def test_a_measurement_has_its_words_in_the_story(name: str, language: str) -> None:
    assert "2" in texts(language)(f"why.measure_{name}", **measured(name, **SHOWN))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sorted({rule.name for rule in RULES} - NOT_IN_A_QUESTION))
def test_a_measurement_has_its_words_in_a_question(name: str, language: str) -> None:
    assert "2" in texts(language)(f"rule.{name}", **measured(name, **SHOWN))
