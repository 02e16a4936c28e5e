"""The SQLite file that a demo keeps: marked as a demo's, so that no ledger with real trades is ever demonstrated on."""

import sqlite3
from contextlib import closing
from pathlib import Path

from core.adapters.private_files import make_private
from core.domain.errors import MarketFlowError
from demo.cast import PEOPLE, TRADING_DESK

_MARK = 0x4D464445  # of SQLite's header, https://sqlite.org/pragma.html#pragma_application_id


def claim(file: Path) -> None:
    """Marks a new file as a demo's. Raises MarketFlowError for one that is there and is not a demo's."""
    try:
        if file.exists() and file.stat().st_size:
            if not _is_demos(file):
                raise MarketFlowError(f"{file} is not the ledger of a demo; name a new file, or leave --ledger out")
            return
        make_private(file)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"PRAGMA application_id = {_MARK}")
    except (sqlite3.Error, OSError) as error:
        raise MarketFlowError(f"{file} cannot be used as the ledger of a demo: {error}") from None


def _is_demos(file: Path) -> bool:
    """Tells it by the mark; of a ledger that an earlier version kept, by whom it notified: the demo's people alone."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        if connection.execute("PRAGMA application_id").fetchone() == (_MARK,):
            return True
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").fetchone() is None:
            return False
        chats = {chat for (chat,) in connection.execute("SELECT DISTINCT chat_id FROM deliveries")}
    return bool(chats) and chats <= {TRADING_DESK.chat_id, *(person.user_id for person in PEOPLE)}
