"""Trailing: the stop follows the best price at its distance, and never goes down."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Trailing
from core.domain.plan_leg import MOST_GENERATIONS
from core.domain.trade_plan import ChangeCause, PlanChange, PlanState, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.protection import STOPPED, exit_signal, guarded
from core.policy.exits.trailing import KEPT_GENERATIONS, follows_less, trailed, wants_to_move, with_first_stop, with_later_stop
from tests.core.virtual_time import NOON
from tests.core.world import instrument

PRICES = st.decimals("1", "1000", places=4)
PER_CENT = st.decimals("0.5", "20", places=2)
RULES = instrument()
ENTRY = Decimal(100)


def stop_of(plan: TradePlan) -> Decimal:
    stop = plan.exits.stop
    return Decimal(0) if stop is None else level_price(stop.level, plan.entry_price, -1)


def new_plan(entry: Decimal, trailing: Trailing, stop: StopLoss | None = None) -> TradePlan:
    return TradePlan(
        "mf-" + "0" * 29, "WIFUSDC", with_first_stop(ExitPlan(stop, trailing=trailing)), PlanState.GUARDED, entry, NOON, 1
    )


def at(plan: TradePlan, bid: str) -> TradePlan:
    return trailed(plan, Decimal(bid), RULES, NOON)


@given(PRICES, PER_CENT, st.lists(PRICES, max_size=12))
def test_after_any_path_the_stop_is_near_the_best_price_and_was_never_lower(
    entry: Decimal, pct: Decimal, path: list[Decimal]
) -> None:
    plan = new_plan(entry, Trailing(pct))
    best = entry
    for bid in path:
        before, best = stop_of(plan), max(best, bid)
        assert wants_to_move(plan, bid, RULES) is (trailed(plan, bid, RULES, NOON) is not plan)
        plan = guarded(trailed(plan, bid, RULES, NOON))
        assert stop_of(plan) >= before
        assert stop_of(plan) < best
    behind, tick = best * (1 - pct / 100), RULES.price_step
    assert behind - best * max(pct / 1000, Decimal("0.0005")) - tick <= stop_of(plan) <= behind + tick


@given(PRICES, PER_CENT, PER_CENT, PRICES)
def test_before_its_activation_nothing_moves(entry: Decimal, pct: Decimal, after: Decimal, bid: Decimal) -> None:
    plan = new_plan(entry, Trailing(pct, after), StopLoss(Level(pct=Decimal(30))))
    is_there = bid >= level_price(Level(pct=after), entry, 1)
    assert wants_to_move(plan, bid, RULES) is is_there
    moved = trailed(plan, bid, RULES, NOON)
    assert (moved is plan) is not is_there
    if is_there:
        assert moved.exits.trailing == Trailing(pct)
        assert not wants_to_move(moved, bid, RULES)


@given(PRICES, PER_CENT)
def test_a_stop_that_follows_from_the_start_has_a_first_place(entry: Decimal, pct: Decimal) -> None:
    assert with_first_stop(ExitPlan(trailing=Trailing(pct))).stop == StopLoss(Level(pct=pct))
    below = StopLoss(Level(price=entry * (1 - pct / 100)))
    assert with_first_stop(ExitPlan(trailing=Trailing(pct)), entry).stop == below
    hard = StopLoss(Level(pct=Decimal(3)))
    assert with_first_stop(ExitPlan(hard, trailing=Trailing(pct)), entry).stop == hard
    later = ExitPlan(trailing=Trailing(pct, Decimal(5)))
    assert (with_first_stop(later).stop, with_later_stop(later).stop) == (None, StopLoss(Level(pct=pct)))
    assert with_later_stop(ExitPlan(hard, trailing=Trailing(pct, Decimal(5)))).stop == hard


def test_no_step_is_below_the_symbols_or_a_twentieth_of_a_per_cent() -> None:
    """Steps that the symbol's rules swallow would be asked for without end."""
    close = new_plan(ENTRY, Trailing(Decimal("0.1")))
    assert at(close, "100.0500") is close
    assert stop_of(at(close, "100.0502")) == Decimal("99.9502")
    coarse = replace(RULES, tick_size=Decimal(1))
    plan = trailed(new_plan(ENTRY, Trailing(Decimal(5))), Decimal("100.9"), coarse, NOON)
    assert stop_of(plan) == 96
    assert not wants_to_move(plan, Decimal("100.9"), coarse)
    assert not wants_to_move(new_plan(ENTRY, Trailing(Decimal("0.5"))), Decimal(101), coarse)  # its stop would be the market


def test_moves_leave_attempts_to_place_the_orders_again() -> None:
    plan = replace(new_plan(ENTRY, Trailing(Decimal(5))), generation=MOST_GENERATIONS - KEPT_GENERATIONS)
    assert at(plan, "120") is plan
    assert at(replace(plan, generation=plan.generation - 1), "120") is not plan


@pytest.mark.parametrize(
    ("waiting", "activation", "found"),
    [
        (None, None, PlanChange(ChangeCause.TRAILING)),
        (None, Decimal(1), PlanChange(ChangeCause.TRAILING, is_new=True)),
        (PlanChange(ChangeCause.TRAILING, is_new=True), None, PlanChange(ChangeCause.TRAILING, is_new=True)),
        (PlanChange(ChangeCause.TARGET, 1, 2), None, PlanChange(ChangeCause.TRAILING)),
        (PlanChange(ChangeCause.PERSON, by="Ann"), None, PlanChange(ChangeCause.PERSON, by="Ann")),
    ],
)
def test_it_is_told_when_it_begins_and_what_a_person_changed(
    waiting: PlanChange | None, activation: Decimal | None, found: PlanChange
) -> None:
    plan = replace(new_plan(ENTRY, Trailing(Decimal(5), activation)), change=waiting)
    change = at(plan, "120").change
    assert change == found
    assert change is not None
    assert change.is_told is (found.is_new or found.cause is ChangeCause.PERSON)


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        (None, None, False),
        (None, Trailing(Decimal(2)), False),
        (Trailing(Decimal(2)), None, True),
        (Trailing(Decimal(2)), Trailing(Decimal(2)), False),
        (Trailing(Decimal(2)), Trailing(Decimal("2.1")), True),
        (Trailing(Decimal(2)), Trailing(Decimal(1)), False),
        (Trailing(Decimal(2)), Trailing(Decimal(2), Decimal(1)), True),
        (Trailing(Decimal(2), Decimal(2)), Trailing(Decimal(2)), False),
    ],
)
def test_a_stop_that_follows_less_protects_less(before: Trailing | None, after: Trailing | None, less: bool) -> None:
    assert follows_less(before, after) is less


def test_exits_at_stops_that_differ_have_different_ids() -> None:
    """A stop may move within a span of time: one identity with two contents would be refused."""
    first = at(new_plan(ENTRY, Trailing(Decimal(5))), "110")
    moved = at(first, "120")
    one, other = exit_signal(first, STOPPED, NOON), exit_signal(moved, STOPPED, NOON)
    assert (one.close, other.close) == (Decimal("104.5"), Decimal(114))
    assert one.signal_id != other.signal_id
    assert exit_signal(first, STOPPED, NOON).signal_id == one.signal_id
