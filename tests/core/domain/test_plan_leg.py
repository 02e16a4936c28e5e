"""Each order of a plan has an id of its own, from which it can be read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.plan_leg import MOST_GENERATIONS, LegKind, PlanLeg, leg_of

PLAN = "mf-" + "0a" * 14 + "f"
LEGS = st.builds(PlanLeg, st.just(PLAN), st.sampled_from(LegKind), st.integers(1, 5), st.integers(0, MOST_GENERATIONS - 1))


@given(LEGS, LEGS)
def test_a_leg_is_read_from_its_id_and_no_two_share_one(leg: PlanLeg, other: PlanLeg) -> None:
    assert leg_of(leg.client_order_id) == leg
    assert len(leg.client_order_id) == 36
    assert (leg.client_order_id == other.client_order_id) is (leg == other)


@pytest.mark.parametrize(
    ("number", "generation", "end"),
    [(1, 0, "S100"), (5, 1295, "S5zz"), (1, 1296, "S600"), (3, 1297, "S801"), (5, MOST_GENERATIONS - 1, "Szzz")],
)
def test_ids_of_before_stay_what_they_were(number: int, generation: int, end: str) -> None:
    """The digit of the number counts on once two digits are used up."""
    assert PlanLeg(PLAN, LegKind.STOP, number, generation).client_order_id == PLAN + end


@pytest.mark.parametrize("name", ["", PLAN, PLAN + "S000", PLAN + "Q100", PLAN + "S1A0", PLAN + "S1000", "mf-1S100"])
def test_any_other_id_is_no_leg(name: str) -> None:
    assert leg_of(name) is None
