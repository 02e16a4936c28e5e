"""Where a running demo's ledger is, so that the dashboard beside it needs no setting."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def _post() -> Path:
    return Path(tempfile.gettempdir()) / f"marketflow-demo-{os.getuid()}.url"


@contextlib.contextmanager
def signpost(database_url: str) -> Iterator[None]:
    """Names the ledger from entry to exit. Where it cannot be written down, it is not."""
    path = _post()
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(database_url, encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == database_url:  # not that of a demo started later
                path.unlink()


def find_demo() -> str | None:
    """The ledger of this user's demo; None where none runs."""
    path = _post()
    try:
        if path.lstat().st_uid != os.getuid():  # somebody else's file would show somebody else's numbers
            return None
        url = path.read_text(encoding="utf-8")
    except OSError:
        return None
    return url if Path(url.partition("///")[2]).exists() else None
