"""Replacing what rests share by share: what is placed is always free, and a share without orders comes first."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.signal import PLANNED, Side, Signal
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.moves import moves_of
from core.policy.exits.protection import bound, has_moved
from tests.core.virtual_time import NOON

PLAN = "mf-" + "0" * 29
STOP = OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal("0.45"))
TARGET = OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal("0.52"))


def resting(number: int, qty: Decimal, generation: int = 0) -> list[Order]:
    """Returns the two orders of a list."""
    list_id = PlanLeg(PLAN, LegKind.LIST, number, generation).client_order_id
    return [
        Order(
            client_order_id=leg.client_order_id,
            signal=Signal(PLANNED, leg.client_order_id, "SELL_STOP_LOSS", "WIFUSDC", Decimal("0.45"), NOON),
            inbox_seq=1,
            side=Side.SELL,
            qty=qty,
            price=Decimal("0.45"),
            state=OrderState.ACCEPTED,
            trading_mode="paper",
            created_at=NOON,
            updated_at=NOON,
            terms=terms,
            leg=leg,
            list_id=list_id,
        )
        for kind, terms in ((LegKind.TARGET, TARGET), (LegKind.STOP, STOP))
        for leg in [PlanLeg(PLAN, kind, number, generation)]
    ]


def numbers(parts: dict[int, Decimal], lists: dict[int, Decimal], held: Decimal) -> list[tuple[int, int]]:
    """Returns of each move how many orders it takes off, and the number of what it places."""
    wanted = [Bracket(number, qty, TARGET, STOP) for number, qty in parts.items()]
    orders = [order for number, qty in lists.items() for order in resting(number, qty)]
    return [(len(move.off), move.part.number if move.part else 0) for move in moves_of(wanted, orders, held)]


SHARES = st.dictionaries(st.integers(1, 5), st.decimals("0.01", "100", places=2), max_size=5)


@given(SHARES, SHARES, st.decimals("0", "50", places=2))
def test_what_is_placed_is_never_more_than_is_free(parts: dict[int, Decimal], lists: dict[int, Decimal], more: Decimal) -> None:
    held = max(sum(parts.values(), Decimal(0)), sum(lists.values(), Decimal(0))) + more
    wanted = [Bracket(number, qty, TARGET, STOP) for number, qty in parts.items()]
    orders = [order for number, qty in lists.items() for order in resting(number, qty)]
    there = dict(lists)
    for move in moves_of(wanted, orders, held):
        assert len({order.list_id for order in move.off}) <= 1
        for order in move.off:
            assert order.leg is not None
            there.pop(order.leg.number, None)
        if move.part is not None:
            there[move.part.number] = move.part.qty
        assert sum(there.values(), Decimal(0)) <= held
    assert there == parts
    assert bound(orders) == sum(lists.values(), Decimal(0))


def test_shares_that_stay_as_large_move_one_after_the_other() -> None:
    half = Decimal(20)
    assert numbers({1: half, 2: half}, {1: half, 2: half}, Decimal(40)) == [(2, 1), (2, 2)]


def test_a_share_without_orders_comes_first() -> None:
    half = Decimal(20)
    assert numbers({1: half, 2: half}, {1: half}, Decimal(40)) == [(0, 2), (2, 1)]


def test_what_shrinks_makes_room_for_what_grows() -> None:
    small, large = Decimal(12), Decimal(28)
    assert numbers({1: large, 2: small}, {1: small, 2: large}, Decimal(40)) == [(2, 2), (2, 1)]
    assert numbers({1: large + small}, {1: small, 2: large}, Decimal(40)) == [(2, 0), (2, 1)]


def test_what_the_plan_has_no_part_for_is_taken_off_first() -> None:
    parts, lists = {1: Decimal(5), 3: Decimal(1)}, {1: Decimal(30), 2: Decimal(8)}
    assert numbers(parts, lists, Decimal(40)) == [(2, 0), (0, 3), (2, 1)]


@pytest.mark.parametrize(("generation", "moved"), [(0, True), (1, False)])
def test_orders_of_two_attempts_are_not_all_moved(*, generation: int, moved: bool) -> None:
    exits = ExitPlan(StopLoss(Level(price=Decimal("0.45"))))
    plan = TradePlan(PLAN, "WIFUSDC", exits, PlanState.EXPOSED, Decimal("0.48"), NOON, 1)
    assert has_moved(plan, [*resting(1, Decimal(1)), *resting(2, Decimal(1), generation)]) is moved
