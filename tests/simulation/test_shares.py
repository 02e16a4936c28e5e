"""The judge counts what the orders of one target have sold together against its share of what was bought."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.adapters.ledger import codec
from core.adapters.ledger.tables import order_tables, plan_tables, result_tables
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.entries.steps import BOUGHT
from tests.simulation.evidence import Evidence
from tests.simulation.shares import PROMISES

ENTRY, ADDED = "mf-" + "1" * 29, "mf-" + "2" * 29
LADDER = ExitPlan(
    StopLoss(Level(pct=Decimal(5))),
    (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))),
)


def history(sold: dict[str, int], *, added: bool = False, step: bool = False) -> Evidence:
    """Returns a history in which 100 were bought at 1, and each order of the plan that is named has `sold` so much. Before that
    another purchase `added` to the position; a `step` did, and was booked once the plan was over."""
    buys = [("BUY", ENTRY, 100), *([("BUY", ADDED, 50)] if added or step else [])]
    orders = [
        SimpleNamespace(symbol="WIFUSDC", side=side, client_order_id=name, executed_qty=Decimal(qty), order_id=number)
        for number, (side, name, qty) in enumerate([*buys, *(("SELL", ENTRY + leg, qty) for leg, qty in sold.items())])
    ]
    plan = TradePlan(ENTRY, "WIFUSDC", LADDER, PlanState.CLOSED, Decimal(1), datetime(2026, 3, 1, tzinfo=UTC), 1)
    rows: dict[Any, list[dict[str, Any]]] = {
        plan_tables.order_plans: [dict(plan_tables.plan_row(plan))],
        result_tables.executions: [
            {
                "symbol": "WIFUSDC",
                "strategy": plan.strategy,
                "side": "BUY",
                "qty": Decimal(qty),
                "client_order_id": name,
                "plan_id": None if step and name == ADDED else ENTRY,
            }
            for _, name, qty in buys
        ],
        order_tables.orders: [{"client_order_id": ADDED, "signal_type": BOUGHT if step else "BUY_SM"}],
    }
    assert codec.plans.decode(rows[plan_tables.order_plans][0]["exits"]) == LADDER
    venue = SimpleNamespace(trades=orders)  # one each, in the same order
    found = SimpleNamespace(rows=rows.__getitem__, orders=orders, venue=venue, messages=lambda _: [], accident="")
    return cast("Evidence", found)


@pytest.mark.parametrize(
    ("sold", "broken"),
    [
        ({"T100": 50, "T200": 50}, 0),
        ({"T100": 30, "T101": 20, "T201": 50}, 0),
        ({"T100": 30, "T101": 35, "T201": 35}, 1),  # the whole share of what was left
        ({"T100": 46, "T201": 54}, 0),  # what was too little for an order of the first
        ({"T100": 30, "S101": 70}, 0),
    ],
)
def test_all_orders_of_a_target_together_sell_its_share(sold: dict[str, int], broken: int) -> None:
    (promise,) = PROMISES
    assert len(list(promise(history(sold)))) == broken


def test_of_a_position_that_was_added_to_the_shares_are_of_more() -> None:
    (promise,) = PROMISES
    assert list(promise(history({"T100": 50, "T200": 100}, added=True))) == []
    assert list(promise(history({"T100": 50, "T200": 100}, step=True))) == []


def test_what_was_held_before_the_entry_is_part_of_the_whole() -> None:
    seen = history({"T100": 70, "T200": 70})
    rows = seen.rows(result_tables.executions)
    before = {**rows[0], "client_order_id": "mf-" + "0" * 29, "plan_id": None, "qty": Decimal(40)}
    (promise,) = PROMISES
    assert len(list(promise(seen))) == 2
    cast("list[Any]", rows).insert(0, before)
    assert list(promise(seen)) == []
