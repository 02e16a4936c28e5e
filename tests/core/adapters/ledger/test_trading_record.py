"""The past that protections look back on, and computed sizes: on every database, the same as was added up while it ran."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.adapters.ledger.sql_ledger import SqlLedger
from core.domain.approval import Approval, ApprovalState
from core.domain.equity_mark import EquityMark, LossReset
from core.domain.messages import StoredMessage
from core.domain.position import Execution, Trade
from core.domain.signal import Side
from core.domain.trade_size import SizeCap, SizeKind, Sizing, TradeSize
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import TradingRecord
from core.state.trading_record import RunningRecord
from tests.core.adapters.ledger import values
from tests.core.adapters.ledger.conftest import Reopen
from tests.core.adapters.ledger.values import BEGIN, NOW

TODAY = NOW.date().isoformat()
SIZING = Sizing(
    SizeKind.RISK,
    Decimal("0.5"),
    Decimal("12340.5000000000000001"),
    Decimal("1187.31"),
    "USDC",
    Decimal(5),
    SizeCap.NOTIONAL,
    Decimal(1000),
)


def sale(number: int, profit: str, *, stop: bool = False, symbol: str = "WIFUSDC", days: int = 0) -> Execution:
    done = replace(values.execution(number, Decimal(profit)), symbol=symbol, executed_at=NOW - timedelta(days=days))
    return replace(done, signal_type="SELL_STOP_LOSS" if stop else "SELL_SM")


def trade(number: int, profit: str) -> Trade:
    amount, at = Decimal(profit), NOW + timedelta(minutes=number)
    return Trade(
        f"mf-{number}", "WIFUSDC", NOW, at, Decimal(20), Decimal(10), 10 + amount, amount, amount * 10, amount, "USDC", "paper"
    )


async def test_the_record_that_is_loaded_is_the_one_that_was_kept_up(ledger: SqlLedger, reopen: Reopen) -> None:
    running = RunningRecord()
    sales = [sale(1, "-1.00000001"), sale(2, "0.3", stop=True), sale(3, "-0.5", stop=True, symbol="SOLUSDC")]
    for number, one in enumerate(sales):
        batch = CommitBatch(executions=[one], trades=[trade(number, str(one.profit_quote))])
        await ledger.commit(batch)
        running.apply(batch)
    loaded = (await (await reopen()).load(TODAY)).record
    expected = TradingRecord({"USDC": Decimal("-1.20000001")}, {"WIFUSDC": NOW, "SOLUSDC": NOW}, {"default": 1})
    assert loaded == expected
    assert RunningRecord.from_ledger(loaded) == running


async def test_results_are_of_the_whole_past_and_stops_of_the_last_days(ledger: SqlLedger) -> None:
    trips = list(values.round_trips(60))
    old = [sale(1000, "-2", stop=True, days=30), sale(1001, "-2", stop=True, symbol="SOLUSDC", days=7)]
    await ledger.commit(CommitBatch(executions=[*trips, *old]))
    record = (await ledger.load(TODAY)).record
    sums: dict[str, Decimal] = {}
    for one in [*trips, *old]:
        if one.profit_quote is not None:
            sums[one.quote_asset] = sums.get(one.quote_asset, Decimal(0)) + one.profit_quote
    assert record.realised == sums
    assert record.stopped == {"SOLUSDC": NOW - timedelta(days=7)}


@pytest.mark.parametrize(
    ("profits", "reset_after", "losing"),
    [
        ([], None, 0),
        (["-1", "1", "-1", "-2"], None, 2),
        (["-1", "-1"], None, 2),
        (["-1", "0"], None, 0),
        (["-1", "-1", "-1"], 1, 1),
        (["-1", "-1"], 1, 0),
    ],
)
async def test_losing_exits_count_back_to_the_last_gain_or_reset(
    ledger: SqlLedger, profits: Sequence[str], reset_after: int | None, losing: int
) -> None:
    await ledger.commit(CommitBatch(trades=[trade(number, profit) for number, profit in enumerate(profits)]))
    if reset_after is not None:
        await ledger.commit(CommitBatch(loss_reset=LossReset(NOW + timedelta(minutes=reset_after), "Анна")))
    state = await ledger.load(TODAY)
    assert state.record.losing_exits.get("default", 0) == losing
    assert (state.loss_reset is None) is (reset_after is None)


async def test_of_marks_of_the_equity_the_last_is_kept(ledger: SqlLedger, reopen: Reopen) -> None:
    assert (await ledger.load(TODAY)).equity_mark is None
    first = EquityMark(BEGIN, "USDC", Decimal(1000), Decimal(1000), {"USDC": Decimal(1000)})
    last = EquityMark(
        NOW, "USDC", Decimal("999.0000000000000001"), Decimal(1000), {"USDC": Decimal("-0.00000001"), "BTC": Decimal(2)}
    )
    await ledger.commit(CommitBatch(equity_mark=first))
    await ledger.commit(CommitBatch(equity_mark=last))
    assert (await (await reopen()).load(TODAY)).equity_mark == last


async def test_a_size_and_its_computation_come_back_with_signal_order_and_question(ledger: SqlLedger, reopen: Reopen) -> None:
    signal = replace(values.signal(1), size=TradeSize(SizeKind.RISK, Decimal("0.5")))
    (stored,) = await ledger.store([values.message(1)])
    assert isinstance(stored, StoredMessage)
    order = replace(values.order(stored.seq), signal=signal, sizing=SIZING)
    question = Approval(
        "token", signal, stored.seq, Side.BUY, order.qty, order.price, ApprovalState.OPEN, NOW, NOW, sizing=SIZING
    )
    await ledger.commit(CommitBatch(orders=[order], approvals=[question]))
    state = await (await reopen()).load(TODAY)
    assert state.orders == [order]
    assert state.approvals == [question]
