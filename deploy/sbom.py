"""Writes a bill of materials (CycloneDX 1.6, JSON) of each lock in requirements/: `make sbom`.

It names what the lock pins, whether or not it is installed: each package with its version, the hashes of the files that may be
installed, and what asked for it. Licenses come from what is installed here.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).resolve().parent.parent
_PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[^ ;\\]+)(?P<rest>.*?)(?=^[A-Za-z0-9]|\Z)", re.MULTILINE | re.DOTALL
)
_SPDX = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def main(target: Path) -> None:
    """Writes NAME.cdx.json for each lock into the folder `target`."""
    target.mkdir(parents=True, exist_ok=True)
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        document = bill_of_materials(lock.stem, lock.read_text(encoding="utf-8"))
        (target / f"{lock.stem}.cdx.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{target / lock.stem}.cdx.json: {len(document['components'])} packages")


def bill_of_materials(name: str, lock: str) -> dict[str, Any]:
    """Returns the document about a lock; the same lock gives the same one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = {"type": "application", "bom-ref": "marketflow", "name": "marketflow", "version": project["version"]}
    pins = list(_PINNED.finditer(lock))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, lock)}",
        "metadata": {"component": root, "properties": [{"name": "lock", "value": f"requirements/{name}.txt"}]},
        "components": [_component(pin) for pin in pins],
        "dependencies": list(_dependencies(pins)),
    }


def _component(pin: re.Match[str]) -> dict[str, Any]:
    name, version = pin["name"], pin["version"]
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", pin["rest"])
    return {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "hashes": [{"alg": "SHA-256", "content": found} for found in hashes],
        **_licenses(name, version),
    }


def _licenses(name: str, version: str) -> dict[str, Any]:
    """Returns a package's license; nothing where it is not installed in this version, or does not say."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        return {}
    if stated["Version"] != version:
        return {}
    for expression in stated.get_all("License-Expression", []):
        if _SPDX.fullmatch(expression):
            return {"licenses": [{"expression": expression}]}
    classifiers = [one.rpartition(" :: ")[2] for one in stated.get_all("Classifier", []) if one.startswith("License :: ")]
    named = classifiers or [one for one in stated.get_all("License", []) if "\n" not in one]  # not where it is the whole text
    return {"licenses": [{"license": {"name": one}} for one in named]} if named else {}


def _dependencies(pins: list[re.Match[str]]) -> Iterator[dict[str, Any]]:
    """Yields what each package asked for, from the "via" of those that it asked for."""
    asked: dict[str, list[str]] = {name: [] for name in ("marketflow", *(pin["name"] for pin in pins))}
    for pin in pins:
        via = re.findall(r"^ +# +(?:via )?([A-Za-z0-9._-]+)", pin["rest"], re.MULTILINE)
        for name in {found for found in via if found in asked} or {"marketflow"}:
            asked[name].append(pin["name"])
    for name, wanted in sorted(asked.items()):
        yield {"ref": name, "dependsOn": sorted(wanted)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
