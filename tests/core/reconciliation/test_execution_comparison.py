"""The ledger's executions beside the exchange's records: every amount that differs is named, and no order is asked for twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.errors import SymbolUnknown
from core.domain.order import ExecutionReport
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution
from core.domain.signal import Side
from core.reconciliation.execution_comparison import compare_executions
from core.reconciliation.spare_capacity import SpareCapacity
from core.reconciliation.symbol_comparison import Comparison
from tests.core.adapters.ledger.values import NOW, execution, fill
from tests.core.virtual_time import VirtualClock

OURS = execution(1)
THEIRS = ExecutionReport(
    *(OURS.client_order_id, "28", "WIFUSDC", Side.BUY, OrderState.FILLED, Decimal(20), Decimal("9.602"), NOW), (fill(),)
)


@dataclass
class Records:
    """The exchange's records of the account; `asked` holds every question."""

    reports: Sequence[ExecutionReport]
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    async def orders_between(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExecutionReport]:
        self.asked.append((symbol, since, until))
        if symbol == "GONEUSDC":
            raise SymbolUnknown("HTTP 400, code -1121: Invalid symbol.")
        return [report for report in self.reports if since <= report.at < until]


async def compared(records: Records, *executions: Execution, **others: Any) -> Comparison:
    return await compare_executions(records, executions, SpareCapacity(VirtualClock()), **others)


async def test_what_agrees_is_not_mentioned() -> None:
    found = await compared(Records([THEIRS]), OURS)
    assert (found.differences, found.notes) == ([], [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"executed_qty": Decimal(19)}, "quantity is 20 in the ledger, 19 on the exchange"),
        ({"quote_qty": Decimal("9.6")}, "quote amount is 9.602 in the ledger, 9.6 on the exchange"),
        ({"order_id": "29"}, "order id is 28 in the ledger, 29 on the exchange"),
        ({"fills": (replace(fill(), fee=Decimal("0.03")),)}, "fee is 0.02 WIF in the ledger, 0.03 on the exchange"),
        ({"order_id": "29", "client_order_id": "x"}, "is in the ledger, the exchange does not know it"),
    ],
)
async def test_what_differs_is_named(changes: dict[str, Any], said: str) -> None:
    (difference,) = (await compared(Records([replace(THEIRS, **changes)]), OURS)).differences
    assert difference.startswith("WIFUSDC: order 28")
    assert difference.endswith(said)


async def test_a_symbol_is_asked_about_once_with_room_for_clocks_that_differ() -> None:
    """Asks from before its first execution until after its last: an order is older than its end."""
    later = replace(OURS, order_id="30", client_order_id="mf-2", executed_at=NOW + timedelta(hours=2))
    early, late = replace(THEIRS, at=NOW - timedelta(minutes=4)), later.executed_at + timedelta(minutes=4)
    records = Records([early, replace(THEIRS, order_id="30", client_order_id="mf-2", at=late)])
    assert (await compared(records, later, OURS)).differences == []
    assert records.asked == [("WIFUSDC", NOW - timedelta(minutes=5), NOW + timedelta(hours=2, minutes=5))]


async def test_a_symbol_that_is_gone_is_a_note_and_the_others_are_compared() -> None:
    told: list[tuple[str, int, int]] = []
    found = await compared(Records([]), replace(OURS, symbol="GONEUSDC"), OURS, progress=lambda *so_far: told.append(so_far))
    assert found.notes == ["GONEUSDC: 1 executions not compared, the exchange knows no such symbol (any more)"]
    assert found.differences == ["WIFUSDC: order 28 is in the ledger, the exchange does not know it"]
    assert told == [("GONEUSDC", 1, 2), ("WIFUSDC", 2, 2)]
