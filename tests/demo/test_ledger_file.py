"""A demo takes a file of its own alone: a ledger of trades is refused and left as it is."""

from contextlib import suppress
from pathlib import Path

import pytest

from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.domain.delivery import Delivery
from core.domain.errors import MarketFlowError
from core.domain.events.priority import Priority
from demo.ledger_file import claim


async def opened(file: Path, *chats: int) -> None:
    """Opens a ledger that has notified these chats."""
    ledger = await open_ledger(f"sqlite+aiosqlite:///{file}", SystemClock())
    for number, chat in enumerate(chats):
        await ledger.keep_cursor("main", {}, Delivery(chat, number, Priority.NORMAL, number, number))
    await ledger.close()


async def test_a_new_file_is_a_demos_also_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    for _ in range(2):
        claim(file)
        await opened(file)
    assert file.exists()


@pytest.mark.parametrize(("chats", "taken"), [([1001], True), ([1001, 1002], True), ([1001, 77], False), ([], False)])
async def test_a_ledger_without_the_mark_is_known_by_its_chats(tmp_path: Path, chats: list[int], taken: bool) -> None:
    file = tmp_path / "ledger.db"
    await opened(file, *chats)
    before = file.read_bytes()
    with suppress(MarketFlowError) if taken else pytest.raises(MarketFlowError, match="is not the ledger of a demo"):
        claim(file)
    assert file.read_bytes() == before


def test_what_is_no_ledger_at_all_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but somebody's notes" * 100)
    with pytest.raises(MarketFlowError):
        claim(file)
