"""The role, strategy and plan of an executed order."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Role
from core.domain.signal import ADOPTED, AGAIN, BY_HAND, PLANNED, Signal, client_order_id
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.execution_role import plan_id_of, role_of
from core.policy.exits.protection import STOPPED, TAKEN, exit_signal
from core.policy.exits.time_limit import TIMED_OUT

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY = Signal("kafka:t", "t/0/1", "BUY_SM", "WIFUSDC", Decimal("0.48"), NOON, {"strategy": "waves"})
ENTRY_ID = client_order_id(ENTRY)
PLAN = TradePlan(
    ENTRY_ID, "WIFUSDC", ExitPlan(StopLoss(Level(pct=Decimal(5)))), PlanState.GUARDED, Decimal("0.48"), NOON, 1, strategy="waves"
)


def order(signal: Signal, leg: LegKind | None = None) -> Order:
    part = PlanLeg(ENTRY_ID, leg) if leg is not None else None
    name = part.client_order_id if part is not None else client_order_id(signal)
    state = OrderState.FILLED
    return Order(name, signal, 1, signal.side, Decimal(20), signal.close, state, "paper", NOON, NOON, leg=part)


def sale(source: str, kind: str = "SELL_SM", **extra: str) -> Signal:
    return Signal(source, "t/0/2", kind, "WIFUSDC", Decimal("0.5"), NOON, extra)


@pytest.mark.parametrize(
    ("executed", "role", "strategy"),
    [
        (order(ENTRY), Role.ENTRY, "waves"),
        (order(ENTRY, LegKind.ENTRY), Role.ENTRY, "waves"),
        (order(sale(PLANNED, STOPPED, strategy="waves"), LegKind.STOP), Role.STOP, "waves"),
        (order(sale(PLANNED, TAKEN, strategy="waves"), LegKind.TARGET), Role.TARGET, "waves"),
        (order(exit_signal(PLAN, STOPPED, NOON)), Role.STOP, "waves"),
        (order(exit_signal(PLAN, TAKEN, NOON)), Role.TARGET, "waves"),
        (order(exit_signal(PLAN, TIMED_OUT, NOON)), Role.TIME_LIMIT, "waves"),
        (order(replace(exit_signal(PLAN, STOPPED, NOON), source=AGAIN + PLANNED)), Role.STOP, "waves"),
        (order(sale(ADOPTED, "SELL_ADOPTED", strategy="waves"), LegKind.STOP), Role.STOP, "waves"),
        (order(sale("kafka:t", strategy="tides")), Role.EXIT, "tides"),
        (order(sale("kafka:t", STOPPED)), Role.EXIT, "default"),  # a sender's own word for its exit
        (order(sale(BY_HAND, "SELL_MANUAL")), Role.EXIT, "default"),
    ],
)
def test_each_order_has_its_role_and_its_strategy_and_belongs_to_the_plan_of_the_position(
    executed: Order, role: Role, strategy: str
) -> None:
    assert role_of(executed) is role
    assert executed.book == StrategyBook("WIFUSDC", strategy)
    assert plan_id_of(executed, PLAN) == ENTRY_ID


def test_without_a_plan_an_order_belongs_to_none_but_a_leg_to_the_one_that_it_names() -> None:
    assert plan_id_of(order(ENTRY), None) is None
    assert plan_id_of(order(ENTRY, LegKind.ENTRY), None) is None
    assert plan_id_of(order(sale(PLANNED, STOPPED), LegKind.STOP), None) == ENTRY_ID


@pytest.mark.parametrize("found", [None, "", 7, ["waves"]])
def test_a_signal_that_names_no_strategy_belongs_to_the_default_one(found: object) -> None:
    assert replace(ENTRY, extra={"strategy": found}).strategy == "default"
