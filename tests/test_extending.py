"""The diffs of docs/extending.md fit the source, as it is or as it is with them: their files are there, with what they change."""

import re
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILE = re.compile(r"^--- (?P<old>\S+)\n\+\+\+ b/(?P<path>\S+)\n(?P<hunks>(?:(?!^--- ).*\n?)*)", re.MULTILINE)


def changed_files() -> Iterator[tuple[str, list[str]]]:
    """Yields each changed file with its hunks; new files are left out."""
    for block in re.findall(r"```diff\n(.*?)```", PAGE, re.DOTALL):
        for found in FILE.finditer(block):
            if found["old"] != "/dev/null":
                yield found["path"], re.split(r"^@@.*\n", found["hunks"], flags=re.MULTILINE)[1:]


@pytest.mark.parametrize(("path", "hunks"), list(changed_files()))
def test_a_diff_fits_the_file_that_it_changes(path: str, hunks: list[str]) -> None:
    text = "\n" + (ROOT / path).read_text(encoding="utf-8")
    assert hunks
    for hunk in hunks:
        before, after = (
            "".join(f"{line[1:]}\n" for line in hunk.splitlines() if not line.startswith(sign)) for sign in ("+", "-")
        )
        assert f"\n{before}" in text or f"\n{after}" in text, hunk


def test_the_new_migration_follows_the_latest() -> None:
    latest = max(path.name[:4] for path in (ROOT / "core/adapters/ledger/migrations/versions").glob("[0-9]*.py"))
    new = re.findall(r'^\+(?:down_)?revision: .*"(\d+)"$', PAGE, re.MULTILINE)
    assert new == [f"{int(latest) + 1:04}", latest]


def test_every_section_of_the_table_has_its_diff() -> None:
    sections = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert len(re.findall(r"^\| \[", PAGE, re.MULTILINE)) == len(sections)
    assert PAGE.count("```diff") == len(sections) - 1  # a setting is one line, shown as it is
