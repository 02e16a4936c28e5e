"""Tests the choice whether an entry brings its exits, and where its plan counts from then."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.domain.entry_way import EntryWay
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.instrument import Instrument, Quote
from core.domain.limit_entry import LimitEntry
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import AT_MARKET, OrderType, TimeInForce, whole_within, within
from core.domain.plan_leg import LegKind
from core.domain.position import Position
from core.domain.resting_rules import PriceBand
from core.domain.signal import Side, Signal
from core.domain.trade_plan import ChangeCause, PlanState, TradePlan
from core.policy.decision import Refused, decide
from core.policy.decision_context import DecisionContext
from core.policy.entries.way import after_entry, by_its_way, entry_way, together
from core.policy.sizing.order_size import SizedOrder
from tests.core.decision_contexts import decision_context
from tests.core.virtual_time import NOON
from tests.core.world import instrument

STOP, TARGET = StopLoss(Level(pct=Decimal(5))), Target(Level(pct=Decimal(10)))
BOTH = ExitPlan(STOP, (TARGET,))
EDGE = Decimal("0.4848")
SIZED = SizedOrder(Side.BUY, Decimal(20), Decimal("0.48"), within(EDGE))
WIF = instrument()
MODERN = replace(WIF, resting=replace(WIF.resting, opo_allowed=True))


def signal(plan: ExitPlan | None = BOTH, entry: LimitEntry | None = None, side: str = "BUY_SM") -> Signal:
    return replace(Signal("kafka:t", "s1", side, "WIFUSDC", Decimal("0.48"), NOON), plan=plan, entry=entry)


def around(rules: Instrument = MODERN, **changes: Any) -> DecisionContext:
    return decision_context(**{"instrument": rules, **changes})


def ruled(**changes: Any) -> Instrument:
    return replace(MODERN, resting=replace(MODERN.resting, **changes))


@pytest.mark.parametrize(
    "plan",
    [
        BOTH,
        ExitPlan(STOP),
        ExitPlan(None, (TARGET,)),
        ExitPlan(STOP, trailing=Trailing(Decimal(3))),
        ExitPlan(StopLoss(Level(price=Decimal("0.45")))),
    ],
)
def test_one_stop_and_one_target_go_with_the_entry(plan: ExitPlan) -> None:
    sized = by_its_way(signal(plan), SIZED, around())
    assert (sized.way, sized.terms.time_in_force, sized.terms.limit_price) == (EntryWay.TOGETHER, TimeInForce.FOK, EDGE)
    assert (sized.qty, sized.price) == (SIZED.qty, SIZED.price)


HALVES = (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50)))


@pytest.mark.parametrize(
    ("plan", "sized", "context", "way"),
    [
        (BOTH, replace(SIZED, terms=AT_MARKET), around(), EntryWay.AT_MARKET),
        (ExitPlan(STOP, HALVES), SIZED, around(), EntryWay.PARTS),
        (ExitPlan(STOP, HALVES[:1]), SIZED, around(), EntryWay.PARTS),
        (ExitPlan(None, HALVES[:1]), SIZED, around(), EntryWay.PARTS),
        (BOTH, SIZED, around(WIF), EntryWay.NOT_ALLOWED),
        (BOTH, SIZED, around(ruled(oco_allowed=False)), EntryWay.NOT_ALLOWED),
        (BOTH, SIZED, around(ruled(order_types=frozenset(OrderType) - {OrderType.LIMIT})), EntryWay.NOT_ALLOWED),
        (BOTH, SIZED, around(position=Position("WIFUSDC", qty=Decimal("0.01"))), EntryWay.REMAINDER),
        (BOTH, SIZED, around(shares_coin=True), EntryWay.SHARED),
        (BOTH, SIZED, around(ruled(sell_band=PriceBand(up=Decimal("1.05")))), EntryWay.UNFIT),
        (BOTH, SIZED, around(quote=Quote("WIFUSDC", Decimal("0.45"), Decimal("0.48"), NOON)), EntryWay.UNFIT),
        (BOTH, replace(SIZED, qty=Decimal("10.5")), around(ruled(min_notional=Decimal(5))), EntryWay.UNFIT),
    ],
)
def test_anything_else_is_sent_alone_for_a_reason(
    plan: ExitPlan, sized: SizedOrder, context: DecisionContext, way: EntryWay
) -> None:
    assert entry_way(signal(plan), sized, context) is way
    assert by_its_way(signal(plan), sized, context) == replace(sized, way=way)


def test_a_single_exit_needs_no_pair() -> None:
    assert entry_way(signal(ExitPlan(STOP)), SIZED, around(ruled(oco_allowed=False))) is EntryWay.TOGETHER


def test_less_than_a_step_of_before_is_in_nobodys_way() -> None:
    context = around(position=Position("WIFUSDC", qty=Decimal("0.009")))
    assert entry_way(signal(), SIZED, context) is EntryWay.TOGETHER


LIMIT = LimitEntry(OrderType.LIMIT, Decimal("0.47"), TimeInForce.FOK)


@pytest.mark.parametrize(
    ("asked", "sized"),
    [
        (signal(None), SIZED),
        (signal(ExitPlan(trailing=Trailing(Decimal(3), Decimal(2)))), SIZED),
        (signal(entry=LIMIT), SIZED),
        (signal(side="SELL_SM"), replace(SIZED, side=Side.SELL, terms=AT_MARKET)),
    ],
)
def test_where_nothing_is_to_rest_or_the_entry_has_a_limit_of_its_own_there_is_no_way(asked: Signal, sized: SizedOrder) -> None:
    assert by_its_way(asked, sized, around()) == sized


def test_a_decision_carries_its_way() -> None:
    decided = decide(signal(), around())
    assert not isinstance(decided, Refused)
    assert getattr(decided, "way", None) is EntryWay.TOGETHER


# --- what is sent


def order() -> Order:
    about = "mf-" + "0" * 29, signal(), 1, Side.BUY, Decimal(20), Decimal("0.48")
    return Order(*about, OrderState.SUBMITTED, "paper", NOON, NOON, terms=whole_within(EDGE))


def planned(**changes: Any) -> TradePlan:
    plan = TradePlan(order().client_order_id, "WIFUSDC", BOTH, PlanState.ENTERING, Decimal("0.48"), NOON, 1)
    return replace(plan, **changes)


def test_its_exits_are_of_the_plans_next_generation_and_stand_in_its_list() -> None:
    sent = together(order(), planned(generation=3), MODERN, NOON)
    assert sent is not None
    assert sent.plan.generation == 4
    assert [(leg.leg.kind, leg.leg.generation, leg.list_id) for leg in sent.exits if leg.leg is not None] == [
        (LegKind.TARGET, 3, sent.entry.list_id),
        (LegKind.STOP, 3, sent.entry.list_id),
    ]
    assert sent.entry.list_id is not None
    assert sent.entry.client_order_id == order().client_order_id


def test_levels_count_from_the_price_of_the_decision() -> None:
    sent = together(replace(order(), price=Decimal("0.5")), planned(), MODERN, NOON)
    assert sent is not None
    assert sent.plan.entry_price == Decimal("0.5")
    assert [leg.price for leg in sent.exits] == [Decimal("0.55"), Decimal("0.475")]


def test_exits_that_the_exchange_would_refuse_are_not_sent() -> None:
    assert together(replace(order(), qty=Decimal("0.001")), planned(), MODERN, NOON) is None


@pytest.mark.parametrize(
    ("average", "is_near"), [("0.48", True), ("0.4812", True), ("0.4788", True), ("0.483", False), ("0.477", False)]
)
def test_a_fill_far_from_the_expected_price_moves_the_levels(average: str, is_near: bool) -> None:
    filled = replace(order(), executed_qty=Decimal(20), quote_qty=20 * Decimal(average))
    plan = after_entry(planned(), filled, NOON)
    assert (plan.state, plan.exposed_since, plan.due_at) == (PlanState.EXPOSED, NOON, NOON)
    assert plan.entry_price == (Decimal("0.48") if is_near else Decimal(average))
    assert (plan.change is None) is is_near
    if plan.change is not None:
        assert (plan.change.cause, plan.change.is_told) == (ChangeCause.FILL, False)


def test_levels_that_are_prices_stay() -> None:
    fixed = ExitPlan(StopLoss(Level(price=Decimal("0.45"))), (Target(Level(price=Decimal("0.6"))),))
    filled = replace(order(), executed_qty=Decimal(20), quote_qty=Decimal("9.9"))
    assert after_entry(planned(exits=fixed), filled, NOON).change is None
