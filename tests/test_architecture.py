"""docs/architecture.md names every room once, and nothing that there is not."""

import re

from tests.paths import ROOT

PAGE = ROOT / "docs" / "architecture.md"
NAMED = re.compile(r"`((?:core|bot|dashboard|demo|local_telegram|warehouse|deploy|bench|tests)(?:/[\w./]+)?)`")


def first_cells() -> list[str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [name for line in lines if line.startswith("| `") for name in NAMED.findall(line.split(" | ")[0])]


def test_every_room_has_one_line() -> None:
    rooms = {
        str(path.parent.relative_to(ROOT))
        for package in ("bot", "core")
        for path in (ROOT / package).rglob("__init__.py")
        if not {"migrations", "versions"} & set(path.parts)
    }
    assert rooms - set(first_cells()) == set()
    assert len(first_cells()) == len(set(first_cells()))


def test_every_layer_of_the_import_contracts_has_its_line() -> None:
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package, layers in re.findall(r'containers = \["(\w+)"\]\nexhaustive = true\nlayers = \[\n(.*?)\]', contracts, re.DOTALL):
        for room in re.findall(r"\w+", layers):
            assert {f"{package}/{room}", f"{package}/{room}.py"} & set(first_cells()), room


def test_everything_that_is_named_exists() -> None:
    assert [name for name in NAMED.findall(PAGE.read_text(encoding="utf-8")) if not (ROOT / name).exists()] == []
