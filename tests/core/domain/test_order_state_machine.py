"""The table of moves: the possible next states of an order, and its final ones."""

from itertools import pairwise, product

import pytest

from core.domain.errors import IllegalTransition
from core.domain.order_state_machine import MOVES, OrderState, check_move

S = OrderState
FINAL = {S.DENIED, S.DECLINED, S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED}
IN_FLIGHT = {S.SUBMITTED, S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_SUBMITTED}


def test_every_state_stands_in_the_table() -> None:
    assert set(MOVES) == set(S)


def test_what_is_final_and_what_is_in_flight() -> None:
    assert {state for state in S if state.final} == FINAL
    assert {state for state in S if state.in_flight} == IN_FLIGHT


@pytest.mark.parametrize(("old", "new"), list(product(S, S)))
def test_a_move_is_legal_if_and_only_if_the_table_has_it(old: OrderState, new: OrderState) -> None:
    if new in MOVES[old] or new is old:
        check_move(old, new)
    else:
        with pytest.raises(IllegalTransition, match=f"cannot go from {old} to {new}"):
            check_move(old, new)


@pytest.mark.parametrize(
    "way",
    [
        (S.SUBMITTED, S.FILLED),
        (S.SUBMITTED, S.UNKNOWN, S.FILLED),
        (S.SUBMITTED, S.UNKNOWN, S.SUBMITTED, S.REJECTED),
        (S.SUBMITTED, S.ACCEPTED, S.PARTIALLY_FILLED, S.EXPIRED),
        (S.SUBMITTED, S.ACCEPTED, S.CANCEL_SUBMITTED, S.FILLED),
        (S.SUBMITTED, S.ACCEPTED, S.PARTIALLY_FILLED, S.CANCEL_SUBMITTED, S.CANCELED),
        (S.AWAITING_APPROVAL, S.SUBMITTED, S.FILLED),
        (S.AWAITING_APPROVAL, S.DECLINED),
        (S.AWAITING_APPROVAL, S.EXPIRED),
        (S.AWAITING_APPROVAL, S.CANCELED),
    ],
)
def test_the_ways_that_orders_go(way: tuple[OrderState, ...]) -> None:
    for old, new in pairwise(way):
        assert new in MOVES[old]
        check_move(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (S.ACCEPTED, S.SUBMITTED),  # it is on the venue: placing it again would create a second one
        (S.PARTIALLY_FILLED, S.REJECTED),
        (S.AWAITING_APPROVAL, S.FILLED),
        (S.UNKNOWN, S.DECLINED),
        (S.CANCEL_SUBMITTED, S.ACCEPTED),  # the exchange's report decides: it ends, filled or not
        *[(final, S.SUBMITTED) for final in sorted(FINAL)],
    ],
)
def test_what_must_never_happen(old: OrderState, new: OrderState) -> None:
    with pytest.raises(IllegalTransition):
        check_move(old, new)
