"""Records where a running demo's ledger is, so that the dashboard beside it needs no setting; chooses which ledger to read."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.domain.errors import LedgerUnavailable

DEFAULT_URL = "sqlite+aiosqlite:///marketflow.db"


def _post() -> Path:
    return Path(tempfile.gettempdir()) / f"marketflow-demo-{os.getuid()}.url"


@contextlib.contextmanager
def signpost(database_url: str) -> Iterator[None]:
    """Publishes the ledger's address from entry to exit. Does nothing if it cannot be written."""
    path = _post()
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(database_url, encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == database_url:  # unless a demo started later has replaced it
                path.unlink()


def find_demo() -> str | None:
    """Returns the ledger of this user's demo; None if none runs."""
    path = _post()
    try:
        if path.lstat().st_uid != os.getuid():  # another user's file would show that user's numbers
            return None
        url = path.read_text(encoding="utf-8")
    except OSError:
        return None
    return url if Path(url.partition("///")[2]).exists() else None


def ledger_to_read(named: str | None, *, demo: bool = False) -> tuple[str, bool]:
    """Returns the URL of the ledger to read and whether it is a demo's: `named`, else that of this directory if it holds a `.env`
    or a ledger, else a running demo's. `demo` asks for the last. Raises LedgerUnavailable if none runs then."""
    found = find_demo()
    if demo:
        if found is None:
            raise LedgerUnavailable("no demo is running; start one with `make demo`")
        return found, True
    if named:
        return named, False
    is_here = Path(".env").exists() or Path(DEFAULT_URL.partition("///")[2]).exists()
    return (DEFAULT_URL, False) if is_here or found is None else (found, True)
