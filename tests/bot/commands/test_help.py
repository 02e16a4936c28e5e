"""/help of one command: from the one table, in both languages, with examples that work."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot.commands import BY_NAME
from bot.commands.arguments.russian import COMMAND_NAMES
from bot.commands.base import examples
from bot.texts import LANGUAGES, texts
from core.domain.access import Role
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import ROOMY, Firm, firm_on

NO = ("is not valid", "There is no ", "Can't place", "Unknown command")


@pytest.fixture
async def firm(server: RunningChat, tmp_path: Path) -> AsyncIterator[Firm]:
    """Yields a program with a position in WIFUSDC."""
    async with firm_on(server, tmp_path, limits=replace(ROOMY, trade_quote=Decimal(50))) as running:
        await running.held()
        yield running


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", BY_NAME)
def test_every_command_says_what_it_does_in_a_language(name: str, language: str) -> None:
    say = texts(language)
    assert say(f"about.{name}") != say(f"command.{name}")
    assert say(f"about.{name}").endswith(".")


def test_every_russian_name_is_of_a_command_and_every_command_has_one() -> None:
    assert set(COMMAND_NAMES.values()) == BY_NAME.keys()


@pytest.mark.parametrize("name", BY_NAME)
async def test_help_has_usage_examples_that_work_and_who_may(firm: Firm, name: str) -> None:
    one = BY_NAME[name]
    said = (await firm.owner.ask(f"/help {one.name}")).text
    assert f"Usage: /{one.usage}" in said
    assert "Who may: " in said
    for example in examples(firm.context, one):
        assert example in said
        answer = (await firm.owner.ask(example, within=30)).text
        assert not any(no in answer for no in NO), f"{example}: {answer}"
        if example == "/lang ru":
            await until(lambda: firm.context.people.recipients.speech(firm.owner.id)[0] == "ru")
            await firm.owner.ask("/lang en")


@pytest.mark.parametrize("said", ["/help buy", "/help /buy", "/help BUY", "/help купить", "/help покупка"])
async def test_a_command_is_found_by_its_name_with_or_without_slash_and_in_russian(firm: Firm, said: str) -> None:
    text = (await firm.owner.ask(said)).text
    assert text.startswith("/buy: buy manually")
    assert "/buy SOLUSDC 50 USDC stop 5% target 10%" in text
    assert "Who may: traders and owners" in text


async def test_help_of_a_misspelled_command_offers_the_nearest(firm: Firm) -> None:
    answered = await firm.owner.ask("/help postions")
    assert "Did you mean /positions" in answered.text
    firm.owner.press(answered, "/help positions")
    assert (await firm.owner.wait_for_edit(answered)).text.startswith("/positions: ")
    assert "There is no command xyzzy" in (await firm.owner.ask("/help xyzzy")).text
    assert firm.portfolio.role(firm.owner.id) is Role.OWNER
