"""docs/glossary.md has each word once, in order, and the names that stand in the ledger still do."""

import re

from core.adapters.ledger.tables.registry import TABLES
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
WORDS, RENAMED = PAGE.split("## Words that were renamed")


def words() -> list[str]:
    rows = re.findall(r"^\| (.+?) \| .+ \|$", WORDS, re.MULTILINE)
    return [row for row in rows if row != "word"]


def test_each_word_stands_once_and_in_order() -> None:
    each = [word for row in words() for word in row.split(", ")]
    assert len(each) == len({word.casefold() for word in each})
    assert words() == sorted(words(), key=lambda word: word.replace("-", " ").casefold())


def test_a_word_that_is_gone_is_not_defined() -> None:
    retired = {"book", "desk", "wish", "hold", "hand", "audience", "speaker", "pace", "verdict", "membership"}
    assert retired & {word for row in words() for word in row.split(", ")} == set()


def test_tables_that_keep_an_old_name_are_in_the_ledger() -> None:
    named = {name for row in re.findall(r"tables? ([^|;,]+(?:, `\w+`)*)", RENAMED) for name in re.findall(r"`(\w+)`", row)}
    assert named
    assert named <= {entry.table.name for entry in TABLES}
