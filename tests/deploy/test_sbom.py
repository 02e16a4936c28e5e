"""`make sbom` as it runs: a document for each lock, which names what that pins."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Returns the documents by the name of their lock."""
    target = tmp_path_factory.mktemp("sbom")
    subprocess.run([sys.executable, ROOT / "deploy/sbom.py", target], check=True, capture_output=True, cwd=target)
    return {path.name.removesuffix(".cdx.json"): json.loads(path.read_text(encoding="utf-8")) for path in target.iterdir()}


def test_every_lock_has_its_document(documents: dict[str, Any]) -> None:
    assert documents.keys() == {lock.stem for lock in LOCKS}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_pinned_package_is_named_with_its_version_and_hashes(lock: Path, documents: dict[str, Any]) -> None:
    text = lock.read_text(encoding="utf-8")
    components = documents[lock.stem]["components"]
    assert [f"{one['name']}=={one['version']}" for one in components] == re.findall(
        r"^[a-z0-9][^ \[]*==[^ ]+", text, re.MULTILINE
    )
    assert [found["content"] for one in components for found in one["hashes"]] == re.findall(r"sha256:([0-9a-f]{64})", text)
    assert all(one["hashes"] and one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in components)


def test_it_says_what_asked_for_what(documents: dict[str, Any]) -> None:
    asked = {one["ref"]: one["dependsOn"] for one in documents["runtime"]["dependencies"]}
    assert {"aiokafka", "python-binance", "python-telegram-bot"} <= set(asked["marketflow"])
    assert "yarl" in asked["aiohttp"]
    assert {one["bom-ref"] for one in documents["runtime"]["components"]} <= set().union(*asked.values())


def test_it_names_the_licenses_of_what_is_installed(documents: dict[str, Any]) -> None:
    stated = {one["name"]: one.get("licenses") for one in documents["runtime"]["components"]}
    assert stated["structlog"] == [{"expression": "MIT OR Apache-2.0"}]
