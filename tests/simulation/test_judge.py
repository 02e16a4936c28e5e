"""The judge's demands on a ledger that was set back, and their limits."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from tests.simulation.accidents import SET_BACK
from tests.simulation.evidence import Evidence
from tests.simulation.judge import _orders


@pytest.mark.parametrize(
    ("accident", "status", "executed", "kept"),
    [
        (SET_BACK, "EXPIRED", 0, True),
        (SET_BACK, "EXPIRED", 5, False),
        (SET_BACK, "NEW", 0, False),
        ("", "EXPIRED", 0, False),
    ],
)
def test_only_an_order_that_ended_empty_may_be_lost_by_a_ledger_that_was_put_back(
    accident: str, status: str, executed: int, *, kept: bool
) -> None:
    order = SimpleNamespace(client_order_id="mf-1", order_id=1, status=status, executed_qty=Decimal(executed))
    seen = cast("Evidence", SimpleNamespace(rows=lambda _: [], orders=[order], accident=accident))
    assert (list(_orders(seen)) == []) is kept
