"""The judge counts entries and costs in the order in which the ledger has booked the exchange's trades."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.adapters.ledger.tables import order_tables, result_tables, signal_tables
from tests.simulation.as_booked import trades_as_booked
from tests.simulation.evidence import Evidence
from tests.simulation.judge import _turns

ENTRY, ADDED, STOP, THIRD = "mf-" + "1" * 29, "mf-" + "2" * 29, "mf-" + "1" * 29 + "S100", "mf-" + "3" * 29
TRADES = [(ENTRY, 50), (ADDED, 30), (STOP, 50), (ADDED, 20), (THIRD, 40)]


def history(steps: list[tuple[str, int]]) -> Evidence:
    """Returns a history with TRADES at 1 each, booked in `steps`: an order, and how much of it had executed by then."""
    names = [ENTRY, ADDED, STOP, THIRD]
    orders = [
        SimpleNamespace(
            symbol="WIFUSDC", order_id=number, client_order_id=name, side="SELL" if name == STOP else "BUY", strategy_type=None
        )
        for number, name in enumerate(names)
    ]
    trades = [SimpleNamespace(symbol="WIFUSDC", order_id=names.index(name), qty=Decimal(qty)) for name, qty in TRADES]
    rows: dict[Any, list[dict[str, Any]]] = {
        order_tables.order_steps: [
            {"seq": seq, "client_order_id": name, "executed_qty": Decimal(qty)} for seq, (name, qty) in enumerate(steps)
        ],
        signal_tables.inbox: [],
        result_tables.executions: [],
    }
    books = {"WIFUSDC": SimpleNamespace(last=Decimal(1))}
    venue = SimpleNamespace(trades=trades, orders=orders, exchange=SimpleNamespace(books=books))
    found = SimpleNamespace(rows=rows.__getitem__, orders=orders, venue=venue, settings={"MAX_ENTRIES": "2"}, accident="")
    return cast("Evidence", found)


ENTRY_FIRST = [(ENTRY, 0), (ENTRY, 50), (ADDED, 0), (ADDED, 30), (STOP, 50), (ADDED, 50), (THIRD, 40)]
STOP_FIRST = [(ENTRY, 50), (STOP, 50), (ADDED, 30), (ADDED, 50), (THIRD, 40)]


def test_trades_come_in_the_order_of_the_steps_that_booked_them() -> None:
    booked = [(order.client_order_id, int(trade.qty)) for order, trade in trades_as_booked(history(STOP_FIRST))]
    assert booked == [(ENTRY, 50), (STOP, 50), (ADDED, 30), (ADDED, 20), (THIRD, 40)]


def test_two_trades_that_one_step_has_booked_stay_as_on_the_exchange() -> None:
    booked = [(order.client_order_id, int(trade.qty)) for order, trade in trades_as_booked(history([(ADDED, 50), (ENTRY, 50)]))]
    assert booked == [(ADDED, 30), (ADDED, 20), (ENTRY, 50), (STOP, 50), (THIRD, 40)]  # what nobody has booked is last


@pytest.mark.parametrize(("steps", "broken"), [(STOP_FIRST, 0), (ENTRY_FIRST, 1)])
def test_a_third_entry_is_allowed_only_where_the_position_was_closed_in_the_ledger_between(
    steps: list[tuple[str, int]], broken: int
) -> None:
    assert len(list(_turns(history(steps)))) == broken
