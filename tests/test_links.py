"""Every link of the documents leads to a file and a heading, and a Russian page goes along with its English one."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.documents import DOCUMENTS, fences, name_of, prose
from tests.paths import ROOT

LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?(?=\))")
MADE_BY_A_TEST = "<!-- the table -->"  # what stands below it is English on both pages
RUSSIAN = [path for path in DOCUMENTS if path.name.endswith(".ru.md")]


def english_of(page: Path) -> Path:
    return page.with_name(page.name.replace(".ru.md", ".md"))


def anchors(text: str) -> set[str]:
    """Returns the names by which the headings of a document can be linked to."""
    found: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def broken(path: Path, text: str) -> list[str]:
    """Returns the links of a document that lead nowhere."""
    wrong = []
    for file, anchor in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(text))):
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            wrong.append(file)
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8") if file else text):
            wrong.append(f"{file}#{anchor}")
    return wrong


def test_no_link_leads_nowhere() -> None:
    found = {name_of(path): broken(path, path.read_text(encoding="utf-8")) for path in DOCUMENTS}
    assert {name: links for name, links in found.items() if links} == {}


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = ROOT / "docs" / "chat.md"
    text = "# A heading: of *words*\n[a](#a-heading-of-words) [b](#b) [c](../README.md#try-it) [d](../README.md#x) [e](none.md)\n"
    assert broken(page, text) == ["#b", "../README.md#x", "none.md"]


def test_every_decision_is_listed() -> None:
    listed = re.findall(r"\]\((\d{4}[^)]+)\)", (ROOT / "docs/adr/README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", RUSSIAN, ids=name_of)
def test_a_russian_page_has_the_sections_and_the_commands_of_the_english_one(page: Path) -> None:
    both = (path.read_text(encoding="utf-8") for path in (page, english_of(page)))
    russian, english = (text.partition(MADE_BY_A_TEST)[0] for text in both)
    levels = [re.findall(r"^(#+) ", prose(text), re.MULTILINE) for text in (russian, english)]
    assert levels[0] == levels[1]
    commands = [re.sub(r" *# .*", "", "\n".join(fences(text, "bash"))) for text in (russian, english)]
    assert commands[0] == commands[1]


@pytest.mark.parametrize("page", RUSSIAN, ids=name_of)
def test_a_russian_page_links_to_russian_ones(page: Path) -> None:
    """A link to an English page where a Russian one exists would change the reader's language; the first line, and one to a
    heading that only the English page has, may."""
    _, _, rest = page.read_text(encoding="utf-8").split("\n\n", 2)
    linked = [page.parent / file for file, anchor in LINK.findall(rest) if re.search(r"(?<!\.ru)\.md$", file) and not anchor]
    assert [name_of(path.resolve()) for path in linked if path.with_name(path.name.replace(".md", ".ru.md")).exists()] == []
