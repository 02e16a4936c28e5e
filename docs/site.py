"""Lays out what the site is made of, in build/site-pages: docs/ and the pages that stand outside of it, with links between them.

mkdocs calls `on_config` (`hooks` in mkdocs.yml).
"""

import posixpath
import re
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.exceptions import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "site-pages"
BESIDE_DOCS = {
    "README.md": "index.md",
    "README.ru.md": "index.ru.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "LICENSE": "LICENSE.md",
    "bench/RESULTS.md": "bench.md",
    ".env.example": "env.example.txt",
    ".pre-commit-config.yaml": "pre-commit-config.yaml.txt",
}
"""Files outside of docs/, and what they are called on the site."""

_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?(?=\))")
_HEADING = re.compile(r"^(#+ .+)$", re.MULTILINE)
_OTHER_LANGUAGE = re.compile(r"^\[(?:По-русски|In English)\]\([^)]*\)\n\n", re.MULTILINE)  # the site has a switch of its own
_CODE_IN_ROW = re.compile(r"`[^`\n]*`")
_ONE_FOR_BOTH = "<!-- the table -->\n"
"""What an English page has below it is for the Russian one, too."""


def on_config(config: Any) -> Any:
    """Has mkdocs read the pages that are laid out here."""
    shutil.rmtree(PAGES, ignore_errors=True)
    names = dict(_names())
    for source, name in names.items():
        target = PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".md"):
            text = _read(source)
            target.write_text(_page(source, "# License\n\n" + text if source == "LICENSE" else text, names), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, target)
    config["docs_dir"] = str(PAGES)
    return config


def _names() -> Iterator[tuple[str, str]]:
    """Yields each file by its path in the repository, with its path on the site."""
    yield from BESIDE_DOCS.items()
    for path in sorted((ROOT / "docs").rglob("*")):
        name = path.relative_to(ROOT / "docs").as_posix()
        if path.is_file() and path.suffix not in {".py", ".pyc"}:
            yield f"docs/{name}", re.sub(r"\.(en|ru)\.png$", r"-\1.png", name)  # pictures of both languages are on one page


def _page(source: str, text: str, names: dict[str, str]) -> str:
    """Returns a page as mkdocs takes it: its links lead to pages of the site."""
    if source.endswith(".ru.md"):
        text, anchors = text.partition(_ONE_FOR_BOTH)[0], iter(_anchors(_english_of(source)))
        text = _prose(text, lambda part: _HEADING.sub(lambda heading: f"{heading[1]} {{#{next(anchors)}}}", part))
        text += _read(_english_of(source)).partition(_ONE_FOR_BOTH)[2]
    return _prose(_OTHER_LANGUAGE.sub("", text), lambda part: _outside_code(source, part, names))


def _prose(text: str, change: Callable[[str], str]) -> str:
    """Returns a page with what stands outside of its fenced blocks changed."""
    return "".join(part if part.startswith("```") else change(part) for part in _FENCED.split(text))


def _outside_code(source: str, text: str, names: dict[str, str]) -> str:
    lines = (_row(line) if line.startswith("|") else line for line in text.split("\n"))
    return _LINK.sub(lambda link: _target(source, link[1], link[2], names), "\n".join(lines))


def _row(line: str) -> str:
    """Returns a table's row without the backslash that hosts want before a pipe in code, and Python-Markdown shows."""
    return _CODE_IN_ROW.sub(lambda code: code[0].replace("\\|", "|"), line)


def _target(source: str, link: str, anchor: str | None, names: dict[str, str]) -> str:
    """Returns a link from one page of the site to another. The reader's language is added by mkdocs."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link)) if link else source
    target = names.get(path) or names.get(f"{path}/README.md")
    if target is None:
        raise ConfigurationError(f"{source} links to {link}, which is not on the site")
    if anchor and path.endswith(".ru.md"):
        anchor = dict(zip(_anchors(path), _anchors(_english_of(path)), strict=False)).get(anchor, anchor)
    file = posixpath.relpath(re.sub(r"\.ru\.md$", ".md", target), posixpath.dirname(names[source]) or ".") if link else ""
    return file + (f"#{anchor}" if anchor else "")


def _english_of(source: str) -> str:
    return source.removesuffix(".ru.md") + ".md"


def _read(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")


@cache
def _anchors(source: str) -> list[str]:
    """Returns the names of a page's headings, in order. Those of the English page are the Russian one's on the site, so that a
    link to a heading is right in both."""
    found: list[str] = []
    for heading in _HEADING.findall("".join(part for part in _FENCED.split(_read(source)) if not part.startswith("```"))):
        name = re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")
        found.append(name if name not in found else f"{name}-{found.count(name)}")
    return found
