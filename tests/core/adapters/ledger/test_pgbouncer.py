"""The ledger through a pooler that lends a connection for one transaction at a time, to many clients in turn."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url, text

from bot.clock import SystemClock
from core.adapters.ledger.engines import is_pooled, writing_transactions
from core.adapters.ledger.opening import look_into_ledger, open_as_standby, open_ledger
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.reader import open_reader
from core.domain.errors import LedgerUnavailable
from core.domain.messages import Message, SignalReceived, StoredMessage
from core.domain.signal import Signal
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.core.adapters.ledger.values import signal
from tests.servers.pgbouncer import running_pgbouncer
from tests.servers.postgres import PostgresServer

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(params=["refuses settings", "ignores settings"])
def pooled_url(request: pytest.FixtureRequest, postgres: PostgresServer, postgres_url: str) -> Iterator[str]:
    """Returns the same database behind pgbouncer: with its default settings, and with common ones."""
    ignores = {"ignore_startup_parameters": "idle_in_transaction_session_timeout"} if request.param[0] == "i" else {}
    with running_pgbouncer(postgres, **ignores) as port:
        yield make_url(postgres_url).set(port=port).render_as_string(hide_password=False)


async def test_it_is_noticed(pooled_url: str, postgres_url: str) -> None:
    assert await is_pooled(make_url(pooled_url))
    assert not await is_pooled(make_url(postgres_url))


async def test_no_standby_waits_behind_it(pooled_url: str) -> None:
    with pytest.raises(LedgerUnavailable, match="a standby needs a connection of its own"):
        await open_as_standby(pooled_url, SystemClock())


async def test_many_clients_write_and_read_through_few_connections(pooled_url: str, postgres_url: str) -> None:
    clock = SystemClock()
    ledger = await open_ledger(pooled_url, clock)
    others = [await look_into_ledger(pooled_url, clock) for _ in range(3)]
    board = open_reader(pooled_url)
    try:

        async def write(number: int) -> None:
            said = Signal("test", f"s{number}", "BUY_SM", "WIFUSDC", signal().close, NOON)
            (stored,) = await ledger.store([Message("test", said.signal_id, said.symbol, SignalReceived(said), NOON)])
            assert isinstance(stored, StoredMessage)
            await ledger.commit(CommitBatch(outcomes=[MessageOutcome(stored.seq, "ignored", NOON)]))

        async def read(number: int) -> None:
            reader = [*(one.reader for one in others), ledger.reader, board][number % 5]
            await LedgerQueries(reader).recent_signals(5)
            await others[number % 3].load("2026-11-24")

        for begin in range(0, 32, 8):
            await asyncio.gather(*(work(number) for number in range(begin, begin + 8) for work in (write, read)))
        assert await LedgerQueries(ledger.reader).newest_seq() == 32
    finally:
        for one in (*others, ledger):
            await one.close()
        await board.close()
    again = await open_ledger(postgres_url, clock)  # and without the pooler, on what was written through it
    assert await LedgerQueries(again.reader).newest_seq() == 32
    await again.close()


async def test_a_transaction_that_hangs_is_still_ended_by_the_server(pooled_url: str) -> None:
    writing = writing_transactions(make_url(pooled_url), pooled=True)
    show = text("SHOW idle_in_transaction_session_timeout")
    assert await writing.run(lambda connection: connection.scalar(show)) == "10s"
    await writing.close()
