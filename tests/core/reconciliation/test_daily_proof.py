"""The daily reconciliation, on plain values."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.adapters.snowflake.history import COLUMNS
from core.domain.daily_proof import Proof
from core.domain.order import ExecutionReport, Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.reconciliation.daily_proof import Decision, LedgerDay, prove
from tests.core.adapters.ledger.values import NOW, execution, fill, order

DONE = replace(order(1, state=OrderState.FILLED), executed_qty=Decimal(20), quote_qty=Decimal("9.602"), order_id="28")
ROW = execution(1)
REPORT = ExecutionReport(
    *(ROW.execution_id, "28", "WIFUSDC", DONE.side, OrderState.FILLED, Decimal(20), Decimal("9.602"), NOW), (fill(),)
)
IN_HISTORY = {column: getattr(ROW, column) for column in COLUMNS}


def day(row: Execution = ROW, done: Order | None = DONE, fills: Sequence[Fill] = (fill(),)) -> LedgerDay:
    orders = {} if done is None else {done.client_order_id: done}
    return LedgerDay(
        decisions=[],
        orders=orders,
        fills=dict.fromkeys(orders, fills),
        of_orders={row.execution_id: row},
        executions={row.execution_id: row},
        results=[],
    )


def proof(books: LedgerDay, report: ExecutionReport = REPORT, **others: Any) -> Proof:
    given = {"account": [report], "known": {DONE.client_order_id: DONE}, "history": None, **others}
    return prove("2026-03-01", books, now=NOW, **given)


def test_books_that_agree() -> None:
    found = proof(day(), history=[IN_HISTORY])
    assert (found.differences, found.orders, found.fills, found.executions, found.in_history) == ((), 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"price": Decimal("0.48")}, "price is 0.48, its order makes 0.4801"),
        ({"fee": Decimal(0)}, "fee is 0 WIF, its fills make 0.02 WIF"),
        ({"qty": Decimal(19)}, "quantity is 19, its fills make 20"),
        ({"quote_qty": Decimal("9.6")}, "quote amount is 9.6, its order says 9.602"),
    ],
)
def test_an_execution_that_is_not_its_order(changes: dict[str, Any], words: str) -> None:
    (difference,) = proof(day(replace(ROW, **changes))).differences
    assert words in difference


def test_an_execution_without_an_order() -> None:
    assert f"execution {ROW.execution_id}: there is no order of it" in proof(day(done=None)).differences


def test_a_fee_that_nobody_took() -> None:
    free = replace(fill(), fee=Decimal(0))
    (difference,) = proof(day(fills=[free]), replace(REPORT, fills=(free,))).differences
    assert difference == f"execution {ROW.execution_id}: fee is 0.02 WIF, its fills have none"


def test_an_order_that_was_other_on_the_exchange() -> None:
    (difference,) = proof(day(), replace(REPORT, quote_qty=Decimal("9.7"))).differences
    assert difference == f"order {ROW.execution_id}: quote amount is 9.602 in the ledger, 9.7 on the exchange"


def test_what_is_on_its_way_to_the_history_is_not_missing_there() -> None:
    assert proof(day(), history=[]).differences == (f"execution {ROW.execution_id}: missing in the history",)
    found = proof(day(), history=[], unexported=[ROW.execution_id, "of another day"])
    assert (found.differences, found.unexported) == ((), 1)


def test_a_row_that_is_there_twice_is_named() -> None:
    found = proof(day(), history=[IN_HISTORY, IN_HISTORY])
    assert found.differences == (f"history: more than one row of execution {ROW.execution_id}",)


@pytest.mark.parametrize(
    ("outcome", "minutes", "said"),
    [
        (None, 10, ""),
        (None, 10.01, "nothing was decided about it"),
        ("ignored", 600, ""),
        ("ordered", 0, "decided to order, but there is no order"),
    ],
)
def test_a_signal_has_a_decision_in_time_and_its_order(outcome: str | None, minutes: float, said: str) -> None:
    came = Decision(2, "kafka:t t/0/2", NOW - timedelta(minutes=minutes), outcome)
    found = proof(replace(day(), decisions=[came])).differences
    assert found == ((f"signal kafka:t t/0/2: {said}",) if said else ())


def test_an_order_that_was_decided_is_looked_for_by_its_signal() -> None:
    came = Decision(DONE.inbox_seq, "kafka:t t/0/1", NOW, "ordered")
    assert proof(replace(day(), decisions=[came])).differences == ()
