"""The dashboard's texts: the same keys in both languages, none that nobody says, and nothing foreign becomes HTML."""

import re
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

import dashboard
from core.domain.position import Role
from dashboard.looks import Column, card, safe, table
from dashboard.texts import CATALOGUES, language_of, texts


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_catalogues_say_the_same() -> None:
    english, russian = CATALOGUES["en"], CATALOGUES["ru"]
    assert english.keys() == russian.keys()
    assert [key for key, sentence in english.items() if placeholders(sentence) != placeholders(russian[key])] == []


def test_no_text_is_dead_and_none_is_missing() -> None:
    source = "".join(path.read_text() for path in Path(dashboard.__file__).parent.glob("*.py"))
    words = {*re.findall(r'"([a-z_0-9]+)"', source), *(role.value for role in Role)}
    named = set(re.findall(r"""["'](dash\.[a-z_0-9]+)["']""", source))
    stems = set(re.findall(r'f"(dash\.[a-z_]*)\{', source))
    dead = {
        key
        for key in CATALOGUES["en"]
        if key not in named and key.removesuffix("_help") not in named and not _is_built(key, stems, words)
    }
    assert dead == set()
    assert named <= CATALOGUES["en"].keys()


def _is_built(key: str, stems: set[str], words: set[str]) -> bool:
    """Tells whether a key is one of those that begin alike, with a word that stands somewhere."""
    return any(key.startswith(stem) and key.removeprefix(stem).removesuffix("_help") in words for stem in stems)


def test_a_browser_is_spoken_to_in_its_language() -> None:
    assert [language_of(locale) for locale in ("ru-RU", "RU", "en-GB", "de", "", None)] == ["ru", "ru", "en", "en", "en", "en"]
    assert str(texts("en", "Nowhere/At_All").zone) == "UTC"
    assert texts("ru", "Asia/Tokyo").time(datetime(2026, 3, 1, 12, tzinfo=UTC)) == "21:00"
    assert texts("ru")("outcome.executed") == "исполнен"  # the chat's own words


def test_nothing_from_outside_becomes_html() -> None:
    evil = '<img src=x onerror="1">'
    assert "<img" not in table([Column(evil, is_first=True)], [[evil]])
    assert "<img" not in card(evil, evil, evil, {evil: evil})
    assert '"1"' not in safe(evil)
