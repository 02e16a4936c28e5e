"""The judge of stops at breakeven: all that a plan has bought counts, by whichever of its orders."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from core.adapters.ledger.codec import events, plans
from core.adapters.ledger.tables import notification_tables, order_tables, plan_tables, result_tables, signal_tables
from core.domain.events.protection import PlanChanged
from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.trade_plan import ChangeCause, PlanChange, PlanState, TradePlan
from tests.core.virtual_time import NOON
from tests.simulation.evidence import Evidence
from tests.simulation.moved_stops import _at_breakeven

PLAN = "mf-" + "0" * 29
FOLLOWS = PlanLeg(PLAN, LegKind.ENTRY, 1, 1).client_order_id


@pytest.mark.parametrize(
    ("moved_to", "in_the_end", "broken"),
    [("150.31", "150.31", 0), ("148.30", "150.31", 0), ("148.30", "148.30", 1), ("149.50", "150.31", 1)],
)
def test_what_follows_an_entry_at_a_limit_counts_where_its_stop_moves_to(moved_to: str, in_the_end: str, broken: int) -> None:
    bought = ((PLAN, "148"), (FOLLOWS, "152"))
    orders = [
        SimpleNamespace(symbol="SOLUSDT", order_id=at, client_order_id=name, side="BUY", strategy_type=None)
        for at, (name, _) in enumerate(bought)
    ]
    fee = {"commission": Decimal("0.001"), "commission_asset": "SOL"}
    trades = [
        SimpleNamespace(symbol="SOLUSDT", order_id=at, qty=Decimal(1), price=Decimal(price), **fee)
        for at, (_, price) in enumerate(bought)
    ]
    exits = ExitPlan(StopLoss(Level(price=Decimal(moved_to))))
    plan = TradePlan(PLAN, "SOLUSDT", exits, PlanState.GUARDED, Decimal("150.15"), NOON, 7)
    told = events.encode(PlanChanged("SOLUSDT", plan, PlanChange(ChangeCause.PRICE), 7))
    last = plans.encode(ExitPlan(StopLoss(Level(price=Decimal(in_the_end)))))
    steps = [{"seq": at, "client_order_id": name, "executed_qty": Decimal(1)} for at, (name, _) in enumerate(bought)]
    rows = {
        signal_tables.inbox: [],
        order_tables.order_steps: steps,
        result_tables.executions: [],
        notification_tables.outbox: [{"body": told}],
        plan_tables.order_plans: [{"inbox_seq": 7, "plan_id": PLAN, "symbol": "SOLUSDT", "exits": last}],
    }.__getitem__
    venue = SimpleNamespace(orders=orders, trades=trades)
    seen = cast("Evidence", SimpleNamespace(rows=rows, messages=lambda _kind: [], orders=orders, venue=venue))
    assert len(list(_at_breakeven(seen))) == broken
