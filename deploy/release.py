"""Makes what a release consists of, from the commit that its tag names: `make release`.

The wheel, a bill of materials of each lock, the notes from CHANGELOG.md, and the checksums of all. It publishes nothing.
"""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_WHEEL = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


def main(target: Path, root: Path = ROOT) -> int:
    """Writes a release of `root` into the folder `target`; returns 1, and writes nothing, where something is missing."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    notes = notes_of((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if problems := list(_problems(root, version, notes)):
        print("\n".join((f"{version} cannot be released:", *(f"  {problem}" for problem in problems))), file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as source:
        with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "HEAD"))) as tagged:
            tagged.extractall(source, filter="data")
        subprocess.run([sys.executable, "-c", _WHEEL, target.resolve()], cwd=source, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "deploy/sbom.py", target.resolve() / "sbom"], cwd=source, check=True)
    (target / "NOTES.md").write_text(notes, encoding="utf-8")
    sums = [f"{_sha256(path)}  {path.relative_to(target)}" for path in sorted(target.rglob("*")) if path.is_file()]
    (target / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")
    print(f"{version} is in {target}: {len(sums)} files and their SHA256SUMS")
    return 0


def notes_of(changelog: str, version: str) -> str:
    """Returns what the changelog says of a version; empty if it has no section of it."""
    found = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return found[1].strip() + "\n" if found else ""


def _problems(root: Path, version: str, notes: str) -> Iterator[str]:
    """Yields what a release lacks."""
    if not notes.strip():
        yield f"CHANGELOG.md has no section [{version}] with its day: rename [Unreleased], and begin a new one"
    tags = _git(root, "tag", "--points-at", "HEAD").decode().split()
    if f"v{version}" not in tags:
        yield f"the tag v{version} is not on this commit: git tag v{version}"
    if _git(root, "status", "--porcelain"):
        yield "the working tree has changes that are not committed"


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True).stdout


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
