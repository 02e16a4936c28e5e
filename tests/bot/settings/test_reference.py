"""`.env.example`, docs/settings.md and docs/settings.ru.md, made of the settings. REWRITE=1 writes them anew."""

import ast
import inspect
import os
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from pydantic import PlainValidator, SecretStr
from pydantic.fields import FieldInfo

from bot.settings import fields as setting_fields
from bot.settings.fields import Needed
from bot.settings.settings import Settings
from bot.settings.validation import defaults_that_follow
from bot.texts import LANGUAGES, texts
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SETTABLE_LIMITS, is_length
from tests.paths import ROOT

EXAMPLE, PAGE = ROOT / ".env.example", ROOT / "docs" / "settings.md"
HEAD = """\
# MarketFlow's settings. Copy this file to .env (install -m 600 .env.example .env), fill in the first ones, then `make run`.
# A line that begins with # shows the default, or nothing if there is none. Values are taken letter for letter: $ is never
# expanded. Put single quotes around a value that holds ' #' or begins with a quote. An empty value counts as unset.
"""
INTRODUCTION = """\
# Settings

[По-русски](settings.ru.md)

Made of `bot/settings/fields.py`, as is [.env.example](../.env.example). They are read from the environment and, for what is not
there, from `.env`; an empty value counts as unset. A wrong value ends the start with exit code 2; all of them are named at once.
What "`/set`" stands beside can be changed in the chat, too ([running.md](running.md) explains the limits).
"""
RUSSIAN_PAGE = ROOT / "docs" / "settings.ru.md"
RUSSIAN_INTRODUCTION = """\
# Настройки

[In English](settings.md)

Страница сделана из `bot/settings/fields.py`, как и [.env.example](../.env.example). Настройки читаются из окружения, а чего там
нет, из `.env`; пустое значение считается незаданным. С неверным значением программа не запустится (код 2); все они названы сразу.
То, у чего стоит «`/set`», можно менять и в чате ([running.ru.md](running.ru.md) объясняет лимиты).
"""
RUSSIAN = tomllib.loads((ROOT / "docs" / "settings.ru.toml").read_text(encoding="utf-8"))
DERIVED = defaults_that_follow({})


def default_of(name: str, field: FieldInfo) -> str:
    """Returns the default as the variable would be set; empty if there is none."""
    value = DERIVED[name] if field.is_required() and name in DERIVED else field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    return str(value) if isinstance(value, str | int | Decimal) else ""


def descriptions() -> Mapping[str, str]:
    """Returns the text below each field. pydantic would read them as well, but at every start of the program."""
    classes = [one for one in ast.parse(inspect.getsource(setting_fields)).body if isinstance(one, ast.ClassDef)]
    pairs = [pair for one in classes for pair in pairwise(one.body)]
    return {
        field.target.id.upper(): " ".join(text.value.value.split())
        for field, text in pairs
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


DESCRIBED = descriptions()


def accepted(field: FieldInfo) -> str:
    """Returns the accepted values as a setting's parser states them; empty if it takes everything."""
    for annotation in (field.metadata, *(getattr(one, "__metadata__", ()) for one in getattr(field.annotation, "__args__", ()))):
        for validator in annotation:
            if isinstance(validator, PlainValidator):
                try:
                    validator.func("\0")  # type: ignore[call-arg]
                except ValueError as error:
                    return str(error)
    return ""


def example() -> str:
    lines = [HEAD]
    for section in Settings.sections():
        lines.append(f"# --- {section.__doc__} ---\n")
        for name, field in section.variables().items():
            lines += textwrap.wrap(DESCRIBED[name], 128, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
            lines.append(f"{'' if section is Needed else '#'}{name}={default_of(name, field)}")
        lines.append("")
    return "\n".join(lines)


def page() -> str:
    head = "| variable | default | meaning | accepted |"
    return "\n".join([INTRODUCTION, *tables(head, lambda section: section, lambda name: DESCRIBED[name], lambda text: text)])


def russian_page() -> str:
    head = "| переменная | по умолчанию | значение | принимается |"
    sections, variables, words = RUSSIAN["sections"], RUSSIAN["variables"], {"": ""} | RUSSIAN["accepted"]
    made = tables(head, sections.__getitem__, variables.__getitem__, words.__getitem__)
    return "\n".join([RUSSIAN_INTRODUCTION, *made])


Words = Callable[[str], str]


def tables(head: str, section_words: Words, described: Words, accepted_words: Words) -> Iterator[str]:
    for section in Settings.sections():
        yield f"## {section_words(section.__doc__ or '')}\n\n{head}\n|---|---|---|---|"
        for name, field in section.variables().items():
            default = default_of(name, field)
            cells = (
                f"`{name}`" + (" `/set`" if name in SETTABLE_LIMITS else ""),
                f"`{default}`" if default else "",
                described(name),
                accepted_words(accepted(field)),
            )
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""


def test_example_file_and_pages_are_made_of_the_settings() -> None:
    if os.environ.get("REWRITE"):
        EXAMPLE.write_text(example(), encoding="utf-8")
        PAGE.write_text(page(), encoding="utf-8")
        RUSSIAN_PAGE.write_text(russian_page(), encoding="utf-8")
    assert EXAMPLE.read_text(encoding="utf-8") == example(), "REWRITE=1 writes it anew"
    assert PAGE.read_text(encoding="utf-8") == page(), "REWRITE=1 writes it anew"
    assert RUSSIAN_PAGE.read_text(encoding="utf-8") == russian_page(), "REWRITE=1 writes it anew"


def test_russian_words_are_those_of_the_settings_and_no_others() -> None:
    """An assertion names the setting that docs/settings.ru.toml lacks, or still has."""
    fields = {name: field for section in Settings.sections() for name, field in section.variables().items()}
    assert RUSSIAN["variables"].keys() == fields.keys()
    assert RUSSIAN["sections"].keys() == {section.__doc__ for section in Settings.sections()}
    assert RUSSIAN["accepted"].keys() == {accepted(field) for field in fields.values()} - {""}


def test_every_setting_is_described_in_a_sentence() -> None:
    for name in Settings.variables():
        assert re.fullmatch(r"\S.*\.", DESCRIBED[name]), name


def test_every_field_belongs_to_one_section() -> None:
    own = [name for name, field in Settings.model_fields.items() if not field.exclude]
    assert sorted(name.upper() for name in own) == sorted(Settings.variables())


def test_every_limit_is_a_setting_that_the_chat_may_change() -> None:
    assert Settings.variables().keys() >= SETTABLE_LIMITS.keys()
    assert [limit.field.upper() for limit in SETTABLE_LIMITS.values()] == list(SETTABLE_LIMITS)
    fixed = {"symbols", "report_asset", "entry_style", "protection"}
    assert {field.name for field in fields(RiskLimits)} == fixed | {limit.field for limit in SETTABLE_LIMITS.values()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SETTABLE_LIMITS)
def test_a_limit_has_its_texts_and_an_example_that_is_accepted(name: str, language: str) -> None:
    limit, say = SETTABLE_LIMITS[name], texts(language)
    assert limit.read(limit.example)
    assert say(f"limit.{name}")
    shown = say.length(limit.example) if is_length(name) else limit.example
    assert shown in say(f"limit.short.{name}", value=limit.example, asset="USDC")
    assert say(f"set.{limit.kind}")
