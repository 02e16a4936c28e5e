"""The documents that people read, with what is and what is not code in them."""

import re
from pathlib import Path

from tests.paths import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """Returns a document's path in the repository."""
    return path.relative_to(ROOT).as_posix()


def fences(text: str, language: str) -> list[str]:
    """Returns what stands in the fenced blocks of a language."""
    return [block for found, block in _FENCE.findall(text) if found == language]


def prose(text: str) -> str:
    """Returns a document without its fenced blocks."""
    return _FENCE.sub("", text)
