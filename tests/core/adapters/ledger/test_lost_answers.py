"""PostgreSQL behind a network that loses answers: committed data counts, and a silent server is abandoned."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url

from bot.clock import SystemClock
from core.adapters.ledger import engines
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.errors import LedgerUnavailable
from core.domain.messages import SourcePosition, StoredMessage
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger import values
from tests.servers.proxy import Proxy, proxy_to

TODAY = values.NOW.date().isoformat()


@pytest.fixture
async def proxy(postgres_url: str) -> AsyncIterator[Proxy]:
    port = make_url(postgres_url).port
    assert port is not None
    async with proxy_to(port) as proxy:
        yield proxy


@pytest.fixture
async def ledger(postgres_url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqlLedger]:
    monkeypatch.setattr(engines, "_ANSWER_SECONDS", 1.0)
    url = make_url(postgres_url).set(port=proxy.port).render_as_string(hide_password=False)
    ledger = await open_ledger(url, SystemClock())
    yield ledger
    proxy.come_back()
    await ledger.close()


async def test_a_commit_whose_answer_is_lost_is_known_to_have_happened(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(b"COMMIT")
    (stored,) = await ledger.store([values.message(1)], position=SourcePosition("kafka:t", 0, 2))
    assert isinstance(stored, StoredMessage)
    assert stored.message == values.message(1)
    assert await ledger.store([values.message(1)]) == [None]
    assert ledger.ready[0]


async def test_each_of_a_group_whose_answer_is_lost_gets_its_own(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(b"COMMIT")
    found = await asyncio.gather(*(ledger.store([values.message(number)]) for number in (1, 2, 3)))
    assert [one.message for (one,) in found if isinstance(one, StoredMessage)] == [values.message(number) for number in (1, 2, 3)]
    assert [one.message for one in (await ledger.load(TODAY)).waiting] == [values.message(number) for number in (1, 2, 3)]


async def test_a_transaction_that_was_cut_before_its_end_did_not_happen(ledger: SqlLedger, proxy: Proxy) -> None:
    proxy.lose_the_answer_to(b"INSERT INTO positions")
    with pytest.raises(LedgerUnavailable):
        await ledger.commit(CommitBatch(positions=[values.position("1")]))
    assert not (await ledger.load(TODAY)).positions
    await ledger.commit(CommitBatch(positions=[values.position("2")]))
    assert (await ledger.load(TODAY)).positions == [values.position("2")]


async def test_a_server_that_is_silent_is_given_up_and_found_again(ledger: SqlLedger, proxy: Proxy) -> None:
    await ledger.commit(CommitBatch(positions=[values.position("1")]))
    proxy.go_silent()
    began = time.monotonic()
    with pytest.raises(LedgerUnavailable, match="no answer in time"):
        await ledger.commit(CommitBatch(positions=[values.position("2")]))
    with pytest.raises(LedgerUnavailable):
        await ledger.load(TODAY)
    assert time.monotonic() - began < 10
    assert not ledger.ready[0]
    proxy.come_back()
    async with asyncio.timeout(20):
        while not ledger.ready[0]:
            try:
                await ledger.commit(CommitBatch(positions=[values.position("3")]))
            except LedgerUnavailable:
                await asyncio.sleep(0.1)
    assert (await ledger.load(TODAY)).positions == [values.position("3")]
