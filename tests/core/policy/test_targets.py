"""A target that has sold a part of its share is placed again for the rest of it, and the other targets keep theirs."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Position
from core.domain.reasons import Reason
from core.domain.signal import Side
from core.domain.trade_plan import PartSold, PlanState, TradePlan
from core.policy.exits.plan_change import RequestedPlan, changed
from core.policy.exits.protection import parts_of
from core.policy.exits.targets import after_target, counted_from, remaining
from tests.core.decision_contexts import said
from tests.core.virtual_time import NOON
from tests.core.world import instrument

NEAR, FAR = Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))
STOP = StopLoss(Level(pct=Decimal(5)))
LADDER = ExitPlan(STOP, (NEAR, FAR))
ID = "mf-" + "0" * 29


def plan_of(exits: ExitPlan = LADDER) -> TradePlan:
    """Returns the plan of an entry at 0.48: the near target is at 0.504, the far one at 0.528."""
    return TradePlan(ID, "WIFUSDC", exits, PlanState.GUARDED, Decimal("0.48"), NOON, 1)


def leg(executed: str, qty: str = "50", price: str = "0.504", kind: LegKind = LegKind.TARGET) -> Order:
    state = OrderState.FILLED if executed == qty else OrderState.PARTIALLY_FILLED
    order = Order(ID, said("SELL"), 1, Side.SELL, Decimal(qty), Decimal(price), state, "paper", NOON, NOON)
    return replace(order, executed_qty=Decimal(executed), leg=PlanLeg(ID, kind))


def sold(plan: TradePlan, *legs: Order) -> TradePlan:
    """Returns the plan once one of its orders has sold so much, report by report."""
    for before, after in zip([leg("0", str(legs[0].qty)), *legs], legs, strict=False):
        plan = after_target(plan, before, after, instrument())
    return plan


def placed(plan: TradePlan, held: str) -> list[Decimal]:
    parts = parts_of(plan, Position("WIFUSDC", Decimal(held), is_open=True), instrument(), Decimal("0.47"))
    assert not isinstance(parts, Reason)
    return [part.qty for part in parts]


def test_a_target_that_has_sold_a_part_is_placed_again_for_what_is_left_of_its_share() -> None:
    assert placed(sold(plan_of(), leg("10"), leg("30")), held="70") == [20, 50]


def test_what_is_placed_again_may_sell_in_parts_too() -> None:
    once = sold(plan_of(), leg("30"))
    twice = sold(once, leg("5", "20"))
    assert twice.part_sold == (PartSold(Decimal("0.504"), Decimal("0.7")),)
    assert placed(twice, held="65") == [15, 50]
    done = sold(twice, leg("15", "15"))
    assert (done.sold_at, done.part_sold) == ((Decimal("0.504"),), ())
    assert placed(done, held="50") == [50]


def test_a_part_that_a_person_sells_is_taken_from_each_target_alike() -> None:
    assert placed(sold(plan_of(), leg("30")), held="52.5") == [15, Decimal("37.5")]


def test_the_rest_that_only_the_stop_protects_keeps_its_share() -> None:
    exits = ExitPlan(STOP, (replace(NEAR, share=Decimal(40)),))
    assert placed(sold(plan_of(exits), leg("20", "40")), held="80") == [20, 60]


def test_one_target_of_all_stays_for_all() -> None:
    assert placed(sold(plan_of(ExitPlan(STOP, (replace(FAR, share=Decimal(100)),))), leg("30", "100", "0.528")), "70") == [70]


def test_what_is_too_little_for_an_order_goes_to_the_other_targets() -> None:
    """Were it placed again the exchange would refuse it, and with it the rest of the plan."""
    plan = sold(plan_of(), leg("45"))
    assert (plan.sold_at, plan.part_sold) == ((Decimal("0.504"),), ())
    assert placed(plan, held="55") == [55]
    filled = after_target(plan, leg("45"), leg("50"), instrument())  # before it was taken off
    assert filled == plan
    assert placed(filled, held="50") == [50]


def test_without_others_it_stays_the_targets() -> None:
    only = sold(plan_of(ExitPlan(STOP, (replace(FAR, share=Decimal(100)),))), leg("95", "100", "0.528"))
    assert only.sold_at == ()
    assert [one.share for one in remaining(only, instrument()).targets] == [100]


def test_a_stop_sells_no_share_of_a_target() -> None:
    assert sold(plan_of(), leg("30", price="0.456", kind=LegKind.STOP)) == plan_of()


def test_it_counts_wherever_the_target_is_once_more_was_bought() -> None:
    plan = counted_from(sold(plan_of(), leg("30")), Decimal("0.47"), instrument().price_step)
    assert plan.part_sold == (PartSold(Decimal("0.4935"), Decimal("0.6")),)
    assert placed(plan, held="140") == [40, 100]


@pytest.mark.parametrize(("targets", "kept"), [((NEAR, FAR), True), ((FAR,), False)])
def test_it_counts_while_a_person_leaves_the_targets_as_they_are(targets: tuple[Target, ...], *, kept: bool) -> None:
    plan = sold(plan_of(), leg("30"))
    wanted = RequestedPlan(ExitPlan(StopLoss(Level(pct=Decimal(4))), targets), "Ann", "chat/1", 2, Decimal("0.48"))
    after = changed(plan, Position("WIFUSDC", Decimal(70), is_open=True), wanted, NOON)
    assert after.part_sold == (plan.part_sold if kept else ())
