"""The records compared for a day: an order that ends after midnight belongs to two days."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.cli.daily_reconciliation import Prover
from bot.clock import SystemClock
from core.adapters.ledger.opening import open_ledger
from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.messages import StoredMessage
from core.domain.order import ExecutionReport
from core.domain.order_state_machine import OrderState
from core.records.commit_batch import CommitBatch
from core.records.message_outcome import MessageOutcome
from tests.bot.parts import FastClock
from tests.core.adapters.ledger.values import execution, fill, message, order
from tests.ledgers import make_ledger

DAY = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE_MIDNIGHT, APPROVED = DAY + timedelta(hours=23, minutes=55), DAY + timedelta(days=1, minutes=20)


class Exchange:
    """The exchange's records; each request returns only those between its times."""

    def __init__(self, *reports: ExecutionReport) -> None:
        self.reports = reports

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        return [report for report in self.reports if report.symbol == symbol and since <= report.at < until]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    ledger = await open_ledger(make_ledger(tmp_path / "ledger.db"), SystemClock())
    yield ledger
    await ledger.close()


async def test_an_order_approved_after_midnight_is_compared_on_both_days(ledger: SqlLedger) -> None:
    (stored,) = await ledger.store([replace(message(1), received_at=BEFORE_MIDNIGHT)])
    assert isinstance(stored, StoredMessage)
    done = replace(
        order(stored.seq, 1, OrderState.FILLED),
        executed_qty=Decimal(20),
        quote_qty=Decimal("9.602"),
        order_id="28",
        created_at=BEFORE_MIDNIGHT,
        updated_at=APPROVED,
    )
    part = replace(fill(), at=APPROVED)
    row = replace(execution(1), executed_at=APPROVED)
    verdict = MessageOutcome(stored.seq, "ordered", BEFORE_MIDNIGHT)
    await ledger.commit(CommitBatch(outcomes=[verdict], orders=[done], fills=[(done.client_order_id, part)], executions=[row]))
    report = ExecutionReport(
        *(done.client_order_id, "28", "WIFUSDC", done.side, OrderState.FILLED, Decimal(20), Decimal("9.602"), APPROVED), (part,)
    )
    for reports, count in (((report,), 0), ((replace(report, quote_qty=Decimal("9.7")),), 1), ((), 1)):
        for day in (DAY, DAY + timedelta(days=1)):
            proof = await Prover(ledger, Exchange(*reports), None, FastClock(), frozenset({"WIFUSDC"})).prove(day)
            assert len(proof.differences) == count, proof.differences
            assert proof.orders == 1


async def test_what_was_executed_but_not_booked_is_named(ledger: SqlLedger) -> None:
    (stored,) = await ledger.store([replace(message(1), received_at=BEFORE_MIDNIGHT - timedelta(days=2))])
    assert isinstance(stored, StoredMessage)
    lost = replace(order(stored.seq, 1, OrderState.FILLED), executed_qty=Decimal(20), quote_qty=Decimal("9.602"), order_id="28")
    await ledger.commit(CommitBatch(orders=[lost], fills=[(lost.client_order_id, fill())]))
    report = ExecutionReport(
        *(lost.client_order_id, "28", "WIFUSDC", lost.side, OrderState.FILLED, Decimal(20), Decimal("9.602")),
        DAY + timedelta(hours=12),
        (fill(),),
    )
    proof = await Prover(ledger, Exchange(report), None, FastClock(), frozenset({"WIFUSDC"})).prove(DAY)
    assert proof.differences == (f"order {lost.client_order_id}: executed, but there is no execution",)
