"""Breakeven: where the stop moves to, when, and never down."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.money import HUNDRED, multiply
from core.domain.order_terms import OrderTerms, OrderType
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Position
from core.domain.trade_plan import ChangeCause, PlanChange, PlanState, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.breakeven import as_at_exchange, at_breakeven, at_cost, breakeven_price, is_reached, with_stop_at
from core.policy.exits.plan_check import check_plan
from core.policy.exits.trailing import trailed
from core.policy.sizing.fees import TAKER_FEE
from tests.core.adapters.ledger.values import order as an_order
from tests.core.virtual_time import NOON
from tests.core.world import instrument

PRICES = st.decimals("0.01", "100000", places=4)
QUANTITIES = st.decimals("0.01", "1000", places=2)
PER_CENT = st.decimals("0", "60", places=2)
MOVE = PlanChange(ChangeCause.PRICE)


def position(qty: Decimal, cost: Decimal) -> Position:
    return Position("WIFUSDC", qty, cost, cost, is_open=True, opened_at=NOON)


def plan(entry: Decimal, stop: Level, breakeven: Breakeven | None = None) -> TradePlan:
    exits = ExitPlan(StopLoss(stop, Decimal(2)), (Target(Level(pct=Decimal(80))),), breakeven)
    return TradePlan("mf-" + "0" * 29, "WIFUSDC", exits, PlanState.GUARDED, entry, NOON, 1)


@given(QUANTITIES, PRICES, PER_CENT)
def test_a_sale_at_breakeven_brings_back_what_was_paid_and_the_offset(qty: Decimal, cost: Decimal, offset: Decimal) -> None:
    held = position(qty, cost)
    found = breakeven_price(held, instrument(), offset)
    brought = multiply(multiply(qty, found), 1 - TAKER_FEE)
    wanted = multiply(cost, 1 + offset / HUNDRED)
    step = instrument().price_step
    assert -Decimal("1e-9") <= brought - wanted < multiply(qty, step)
    assert found % step == 0


@given(PRICES, PRICES, PRICES)
def test_a_stop_is_only_moved_up(entry: Decimal, stop: Decimal, to: Decimal) -> None:
    before = plan(entry, Level(price=stop))
    after = with_stop_at(before, to, MOVE, NOON)
    assert after.exits.stop is not None
    assert after.exits.stop.level.price == max(stop, to)
    assert after.exits.stop.limit_offset_pct == Decimal(2)
    assert (after.state, after.change) == ((PlanState.EXPOSED, MOVE) if to > stop else (PlanState.GUARDED, None))
    assert after.exits.targets == before.exits.targets


@given(PRICES, st.decimals("0.3", "50", places=2), QUANTITIES)
def test_it_moves_once_and_only_if_there_is_a_stop(entry: Decimal, pct: Decimal, qty: Decimal) -> None:
    waits = plan(entry, Level(pct=pct), Breakeven(Decimal(5)))
    held = position(qty, multiply(qty, entry))
    moved = at_breakeven(waits, MOVE, held, instrument(), NOON)
    assert moved.exits.breakeven is None
    assert not is_reached(moved, multiply(entry, Decimal(2)))
    bare = replace(waits, exits=replace(waits.exits, stop=None))
    assert at_breakeven(bare, MOVE, held, instrument(), NOON).exits.stop is None


@given(PRICES, PRICES, PRICES, QUANTITIES, PER_CENT)
def test_once_at_breakeven_it_stays_at_least_there_whatever_is_bought_later(
    stop: Decimal, first: Decimal, later: Decimal, qty: Decimal, offset: Decimal
) -> None:
    waits = plan(first, Level(price=stop), Breakeven(Decimal(5), offset))
    dearer = position(qty, multiply(qty, later))
    assert at_cost(waits, dearer, instrument()) is waits  # it is not there yet
    moved = at_breakeven(waits, MOVE, position(qty, multiply(qty, first)), instrument(), NOON)
    after = at_cost(moved, dearer, instrument())
    assert moved.exits.stop is not None
    assert after.exits.stop is not None
    before, found = moved.exits.stop.level.price, after.exits.stop.level.price
    assert before is not None
    assert found == max(before, breakeven_price(dearer, instrument(), offset))
    assert after.change == moved.change  # what is told is that it moved, once


def test_a_stop_that_follows_stays_above_what_is_bought_later() -> None:
    exits = ExitPlan(StopLoss(Level(price=Decimal("0.48")), above_cost_pct=Decimal(0)), trailing=Trailing(Decimal(2)))
    follows = replace(plan(Decimal("0.48"), Level(pct=Decimal(5))), exits=exits)
    higher = trailed(follows, Decimal("0.51"), instrument(), NOON)
    assert higher.exits.stop is not None
    assert higher.exits.stop.level.price == Decimal("0.4998")
    after = at_cost(higher, position(Decimal(10), Decimal(5)), instrument())
    assert after.exits.stop is not None
    assert after.exits.stop.level.price == Decimal("0.5006")


@given(PRICES, st.decimals("0.21", "79", places=2), st.decimals("0", "200", places=2))
def test_it_is_due_exactly_where_the_market_has_come_so_far(entry: Decimal, after: Decimal, above: Decimal) -> None:
    waits = plan(entry, Level(pct=Decimal(5)), Breakeven(after))
    bid = level_price(Level(pct=above), entry, 1)
    assert is_reached(waits, bid) is (above >= after)
    assert not is_reached(replace(waits, exits=replace(waits.exits, breakeven=Breakeven())), bid)


@given(PRICES, st.decimals("0", "99", places=2), st.decimals("0", "150", places=2))
def test_a_sound_plan_has_its_breakeven_below_the_price_that_it_waits_for(
    entry: Decimal, offset: Decimal, after: Decimal
) -> None:
    exits = ExitPlan(StopLoss(Level(pct=Decimal(5))), (), Breakeven(after, offset))
    qty = Decimal(1000)
    held = position(multiply(qty, 1 - TAKER_FEE), multiply(qty, entry))
    exact = multiply(held.average_cost / (1 - TAKER_FEE), 1 + offset / HUNDRED)
    due = level_price(Level(pct=after), entry, 1)
    near = abs(due - exact) < entry * Decimal("1e-9")
    assert near or (check_plan(exits) is None) is (exact < due)


@pytest.mark.parametrize(
    ("kind", "at", "stop"),
    [
        (LegKind.STOP, "0.46", Level(price=Decimal("0.46"))),  # it had moved up
        (LegKind.STOP, "0.4466", Level(pct=Decimal(5))),  # where the plan has it, rounded
        (LegKind.STOP, "0.44", Level(pct=Decimal(5))),
        (LegKind.TARGET, "0.46", Level(pct=Decimal(5))),
    ],
)
def test_the_stop_of_a_lost_order_is_the_plans_where_it_is_higher(kind: LegKind, at: str, stop: Level) -> None:
    before = plan(Decimal("0.47001"), Level(pct=Decimal(5)))
    leg = PlanLeg(before.plan_id, kind, 1, 0)
    order = replace(an_order(1), leg=leg, terms=OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal(at)))
    found = as_at_exchange(before, order, instrument()).exits.stop
    assert found is not None
    assert found.level == stop
