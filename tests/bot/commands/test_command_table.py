"""The one table of commands, `bot.commands.GROUPS`: whatever belongs to a command and is missing is named here."""

import pkgutil
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

import bot.commands
from bot.commands import BY_NAME, COMMANDS, GROUPS
from bot.commands.base import Command
from bot.texts import LANGUAGES, texts
from bot.views.chat_message import plain_text
from core.domain.access import Role
from tests.paths import ROOT

PAGES = [f"docs/{name}{suffix}.md" for name in ("chat", "running", "runbook") for suffix in ("", ".ru")] + [
    "README.md",
    "README.ru.md",
]
SAID = re.compile(r"`/([a-z]+)")


def table_rows(page: Path) -> str:
    """Returns the first cells of a page's tables."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.replace("\\|", "/").split(" | ")[0] for line in lines if line.startswith("|"))


def test_every_command_of_the_package_is_in_the_table() -> None:
    modules = [import_module(f"bot.commands.{one.name}") for one in pkgutil.iter_modules(bot.commands.__path__)]
    written = {value.name for module in modules for value in vars(module).values() if isinstance(value, Command)}
    written |= {one.name for module in modules for one in getattr(module, "COMMANDS", ()) if isinstance(one, Command)}
    assert written <= BY_NAME.keys()


def test_every_command_has_one_name_that_telegram_takes() -> None:
    assert [name for name, count in Counter(command.name for command in COMMANDS).items() if count > 1] == []
    for command in COMMANDS:
        assert re.fullmatch(r"[a-z0-9_]{1,32}", command.name)  # core.telegram.org/bots/api#botcommand


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_and_group_has_its_line_in_the_menu_and_in_help(language: str) -> None:
    say = texts(language)
    for command in COMMANDS:
        assert 1 <= len(plain_text(say(f"command.{command.name}"))) <= 256, command.name
    assert all(say(f"help.{group}") for group in GROUPS)


@pytest.mark.parametrize("page", ["docs/chat.md", "docs/chat.ru.md"])
def test_every_command_has_its_row_in_the_pages_about_the_chat(page: str) -> None:
    rows = table_rows(ROOT / page)
    assert [command.name for command in COMMANDS if f"`/{command.name}" not in rows] == []
    assert set(SAID.findall(rows)) <= BY_NAME.keys()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_command_that_there_is_not(page: str) -> None:
    paths = {
        "readyz",
        "healthz",
        "metrics",
        "docs",
        "signals",
        "openapi",
        "data",
        "newbot",
        "opt",
        "var",
    }  # and a word for @BotFather
    assert set(SAID.findall((ROOT / page).read_text(encoding="utf-8"))) <= BY_NAME.keys() | paths


def test_arguments_never_lower_the_role_that_a_command_needs() -> None:
    """Checks that arguments never lower the role: otherwise the menu would hide allowed commands."""
    for command in COMMANDS:
        assert command.role_with_arguments is None or command.role_with_arguments > command.role, command.name
        assert command.arguments or command.role_with_arguments is None, command.name
        assert command.role in Role
