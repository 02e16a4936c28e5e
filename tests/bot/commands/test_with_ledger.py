"""The chat on the real ledger: each commit is reported once, also across a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.notifications.dispatcher import NotificationDispatcher
from bot.telegram.client import connect
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.telegram_app import TelegramChat
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.messages import Message, SignalReceived, StoredMessage
from core.domain.reasons import reason
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from local_telegram.server import RunningChat
from tests.bot.conftest import PEOPLE, running, until
from tests.bot.parts import NOON, OWNER, STRANGER, FastClock, Office, alone, executed, signal
from tests.chat_client import ChatPerson
from tests.owner_deliveries import owners_notifier


@contextlib.asynccontextmanager
async def everything(server: RunningChat, url: str) -> AsyncIterator[tuple[SqlLedger, NotificationDispatcher]]:
    """Runs commands and alerts on the ledger at `url`, like the program."""
    clock = FastClock()
    ledger = await open_ledger(url, clock)
    office = Office(clock)
    reads = replace(office.context.ledger, queries=LedgerQueries(ledger.reader), analytics=LedgerAnalytics(ledger.reader))
    context = replace(office.context, ledger=reads)
    chat = TelegramChat(connect(server.token, server.api_url), context, ledger, RateLimiters(clock), alone(clock))
    bot = connect(server.token, server.api_url)
    notifier = owners_notifier(bot, OWNER, ledger, clock)
    async with running(chat.run()), running(notifier.run()):
        await until(lambda: chat.ready[0])
        yield ledger, notifier
    await office.inbox.close()
    await ledger.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"


async def test_the_owner_is_told_of_a_stranger_once_also_after_a_restart(server: RunningChat, url: str) -> None:
    owner, stranger = (ChatPerson(server.room, PEOPLE[index]) for index in (0, 3))
    for _ in range(2):
        async with everything(server, url) as (_, notifier):
            stranger.send("/start")
            stranger.send("/status")
            await owner.ask("/positions")
            await owner.wait_for("<b>Mallory</b> @<b>mallory</b> (id 6666)")
            while await notifier.pending():  # noqa: ASYNC110 - told, but not yet marked so
                await asyncio.sleep(0.01)
    assert stranger.id == STRANGER
    assert stranger.received == []
    assert sum("6666" in message.text for message in owner.received) == 1


async def test_what_is_committed_is_told_and_can_be_asked_for(server: RunningChat, url: str) -> None:
    owner = ChatPerson(server.room, PEOPLE[0])
    async with everything(server, url) as (ledger, _):
        said = signal("BUY_<SM>")
        message = Message(said.source, said.signal_id, said.symbol, SignalReceived(said), NOON)
        (stored,) = await ledger.store([message])
        assert isinstance(stored, StoredMessage)
        await ledger.commit(
            CommitBatch(outcomes=[MessageOutcome(stored.seq, "denied", NOON, reason("paused"))], events=[executed()])
        )
        alert = await owner.wait_for("BUY_SM executed")
        assert alert.text.startswith("🟩 BUY_SM executed\nSymbol: WIFUSDC\nPrice: 0.4805\n")
        assert "BUY_<SM> WIFUSDC 0.4801: denied, trading is paused" in (await owner.ask("/signals")).text
        assert "No closed trades in this period." in (await owner.ask("/pnl all")).text
