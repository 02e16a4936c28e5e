"""The ledger that is read beside a running demo: never the demo's where the directory has one of its own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.ledger.demo_location import DEFAULT_URL, ledger_to_read, signpost
from core.domain.errors import LedgerUnavailable


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Runs a demo in an empty directory, as far as its signpost goes."""
    elsewhere, here = tmp_path / "tmp", tmp_path / "here"
    elsewhere.mkdir()
    here.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    monkeypatch.chdir(here)
    (elsewhere / "demo.db").touch()
    url = f"sqlite+aiosqlite:///{elsewhere}/demo.db"
    with signpost(url):
        yield url


def test_the_demo_is_read_where_nothing_else_is_there(demo: str) -> None:
    assert ledger_to_read(None) == (demo, True)
    assert ledger_to_read("postgresql+asyncpg://x") == ("postgresql+asyncpg://x", False)


@pytest.mark.parametrize("own", [".env", "marketflow.db"])
def test_a_directory_with_settings_or_a_ledger_uses_those_unless_asked(demo: str, own: str) -> None:
    Path(own).touch()
    assert ledger_to_read(None) == (DEFAULT_URL, False)
    assert ledger_to_read(None, demo=True) == (demo, True)


def test_a_demo_that_is_asked_for_and_does_not_run_is_said(demo: str) -> None:
    Path(demo.partition("///")[2]).unlink()
    assert ledger_to_read(None) == (DEFAULT_URL, False)
    with pytest.raises(LedgerUnavailable, match="no demo is running"):
        ledger_to_read(None, demo=True)
