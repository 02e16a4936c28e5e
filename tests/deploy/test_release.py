"""`make release` refuses what is not ready, and says everything that is missing at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

NOTES = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

### Added

- A thing.

## [1.2.2] - 2026-11-01

- Older.
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Returns a small repository with the locks and scripts of this one, at version 1.2.3."""
    root = tmp_path / "repository"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "__init__.py").touch()
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "marketflow"\nversion = "1.2.3"\n[tool.setuptools]\npackages = ["pkg"]\n'
    )
    (root / "CHANGELOG.md").write_text(NOTES)
    for name in ("deploy/release.py", "deploy/sbom.py", "requirements/build.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes((ROOT / name).read_bytes())
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "--quiet", "--message", "A version")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def release(root: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "deploy/release.py"), str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_tagged_version_is_made_with_its_notes_and_checksums(repository: Path, tmp_path: Path) -> None:
    git(repository, "tag", "v1.2.3")
    ended = release(repository, tmp_path / "made")
    assert (ended.returncode, ended.stderr) == (0, "")
    made = sorted(str(path.relative_to(tmp_path / "made")) for path in (tmp_path / "made").rglob("*") if path.is_file())
    assert made == ["NOTES.md", "SHA256SUMS", "marketflow-1.2.3-py3-none-any.whl", "sbom/build.cdx.json"]
    assert (tmp_path / "made/NOTES.md").read_text() == "### Added\n\n- A thing.\n"
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "made", capture_output=True, check=False)
    assert checked.returncode == 0


def test_what_is_missing_is_said_at_once_and_nothing_is_made(repository: Path, tmp_path: Path) -> None:
    (repository / "CHANGELOG.md").write_text(NOTES.replace("[1.2.3] - 2026-12-01", "[1.2.3]"))
    ended = release(repository, tmp_path / "made")
    assert ended.returncode == 1
    assert [line.split(":")[0] for line in ended.stderr.splitlines()] == [
        "1.2.3 cannot be released",
        "  CHANGELOG.md has no section [1.2.3] with its day",
        "  the tag v1.2.3 is not on this commit",
        "  the working tree has changes that are not committed",
    ]
    assert not (tmp_path / "made").exists()
