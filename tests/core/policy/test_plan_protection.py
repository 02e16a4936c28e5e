"""A plan and its orders: prices at the symbol's step, which target an order is, and how much orders lock."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.bracket import Purchase, brackets, level_price
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.protection import (
    AGAIN_SECONDS,
    STOPPED,
    TAKEN,
    at_prices,
    bound,
    carry_out,
    exit_signal,
    failed,
    is_due,
    is_whole,
    legs_of,
    parts_of,
    price_of,
    reached,
)
from core.policy.exits.targets import remaining, sold_places, target_number, unsold_numbers
from core.policy.exits.time_limit import TIMED_OUT
from tests.core.virtual_time import NOON
from tests.core.world import instrument

ENTRIES = st.decimals("0.01", "100000", places=6)
PER_CENT = st.decimals("0.5", "60", places=2)
QUANTITIES = st.decimals("1", "1000", places=2)


def plan_of(entry: Decimal, stop: Decimal, targets: list[Decimal]) -> TradePlan:
    exits = ExitPlan(StopLoss(Level(pct=stop)), tuple(Target(Level(pct=pct), Decimal(20)) for pct in targets))
    return TradePlan("mf-" + "0" * 29, "WIFUSDC", exits, PlanState.GUARDED, entry, NOON, 1)


def legs(plan: TradePlan, quantities: list[Decimal]) -> list[Order]:
    """Returns the orders of `plan`, resting: a list for each of its targets, with as much to sell as `quantities` say."""
    fixed = at_prices(plan, instrument()).exits
    assert fixed.stop is not None
    stop = OrderTerms(OrderType.STOP_LOSS, stop_price=fixed.stop.level.price)
    parts = [
        Bracket(number, qty, OrderTerms(OrderType.LIMIT_MAKER, limit_price=target.level.price), stop)
        for number, (target, qty) in enumerate(zip(fixed.targets, quantities, strict=True), start=1)
    ]
    return [replace(leg, state=OrderState.ACCEPTED) for leg in legs_of(plan, parts, "paper", NOON)]


def levels(plan: TradePlan) -> list[Level]:
    assert plan.exits.stop is not None
    return [plan.exits.stop.level, *(target.level for target in plan.exits.targets)]


@given(ENTRIES, PER_CENT, PER_CENT)
def test_a_level_is_at_the_next_step_above_it(entry: Decimal, stop: Decimal, target: Decimal) -> None:
    plan, step = plan_of(entry, stop, [target]), instrument().price_step
    fixed = at_prices(plan, instrument())
    for wanted, found, direction in zip(levels(plan), levels(fixed), (-1, 1), strict=True):
        price = found.price
        assert price is not None
        assert ZERO <= price - level_price(wanted, entry, direction) < step
        assert price % step == 0


@given(st.sets(st.integers(1, 40), min_size=1, max_size=5), st.data())
def test_an_order_is_known_by_its_price_whatever_it_was_placed_with(distances: set[int], data: st.DataObject) -> None:
    """A person may have changed the targets since."""
    plan = plan_of(Decimal("0.4801"), Decimal(5), [Decimal(pct) for pct in sorted(distances)])
    resting = [leg for leg in legs(plan, [Decimal(10)] * len(distances)) if leg.terms.limit_price is not None]
    place = data.draw(st.integers(0, len(resting) - 1))
    leg = resting[place].leg
    assert leg is not None
    anew = replace(resting[place], leg=replace(leg, number=1, generation=1))
    assert target_number(plan, anew) == target_number(at_prices(plan, instrument()), anew) == place + 1


@given(
    st.decimals("0.1", "100", places=5),
    st.sets(st.integers(2, 40), min_size=1, max_size=5),
    st.sampled_from(["0.00001", "0.0001", "0.001"]),
    st.sampled_from(["0.00001", "0.0001", "0.001"]),
    st.data(),
)
def test_a_target_stays_sold_when_the_exchange_changes_its_step(
    entry: Decimal, distances: set[int], before: str, after: str, data: st.DataObject
) -> None:
    plan = plan_of(entry, Decimal(5), [Decimal(pct) for pct in sorted(distances)])
    targets = at_prices(plan, replace(instrument(), tick_size=Decimal(before))).exits.targets
    gone = data.draw(st.sets(st.integers(0, len(targets) - 1)))
    done = replace(plan, sold_at=tuple(targets[place].level.price or ZERO for place in sorted(gone)))
    now = replace(instrument(), tick_size=Decimal(after))
    assert unsold_numbers(done, now) == tuple(place + 1 for place in range(len(targets)) if place not in gone)
    assert [one.level for one in remaining(done, now).targets] == [
        one.level for place, one in enumerate(plan.exits.targets) if place not in gone
    ]
    assert sold_places(at_prices(done, now)) == gone  # as it is shown


@pytest.mark.parametrize(("sold", "left"), [("0.504", (2,)), ("0.6", (1, 2)), ("0.498", (1, 2))])
def test_what_was_sold_for_a_target_that_the_plan_has_no_more_is_of_none_of_its_targets(sold: str, left: tuple[int, ...]) -> None:
    plan = replace(plan_of(Decimal("0.48"), Decimal(5), [Decimal(5), Decimal(10)]), sold_at=(Decimal(sold),))
    assert unsold_numbers(plan, instrument()) == left


def test_of_two_targets_at_one_price_each_sells_once() -> None:
    plan = plan_of(Decimal("0.48"), Decimal(5), [Decimal(5), Decimal(6)])
    coarse = replace(instrument(), tick_size=Decimal("0.1"))
    assert unsold_numbers(replace(plan, sold_at=(Decimal("0.6"),)), coarse) == (2,)
    assert unsold_numbers(replace(plan, sold_at=(Decimal("0.6"),) * 2), coarse) == ()


def test_targets_keep_their_numbers_when_others_have_sold() -> None:
    exits = ExitPlan(StopLoss(Level(pct=Decimal(5))), tuple(Target(Level(pct=Decimal(5 * at)), Decimal(20)) for at in (1, 2, 3)))
    plan = replace(plan_of(Decimal("0.48"), Decimal(5), []), exits=exits, sold_at=(Decimal("0.528"),))
    left, bought = remaining(plan, instrument()), Purchase(Decimal(1000), plan.entry_price, Decimal("0.48"))
    parts = brackets(left, instrument(), bought, numbers=unsold_numbers(plan, instrument()))
    assert not isinstance(parts, Reason)
    assert [(part.number, part.target is None) for part in parts] == [(1, False), (3, False), (4, True)]


@pytest.mark.parametrize("shares", [(20,) * 5, (25,) * 4, (30, 30, 20, 10, 10), (34, 33, 33), (70, 7, 11, 12), (50, 50)])
@pytest.mark.parametrize("stop", [StopLoss(Level(pct=Decimal(5))), None])
def test_what_is_left_of_a_plan_for_all_is_for_all_that_is_held(shares: tuple[int, ...], stop: StopLoss | None) -> None:
    """Thirds do not add up to 100 per cent: the rest would be an order of its own, too small for the exchange."""
    targets = tuple(Target(Level(pct=Decimal(5 * at)), Decimal(share)) for at, share in enumerate(shares, start=1))
    plan = replace(plan_of(Decimal("0.48"), Decimal(5), []), exits=ExitPlan(stop, targets))
    prices = [one.level.price or ZERO for one in at_prices(plan, instrument()).exits.targets]
    for count in range(len(prices)):
        for sold in combinations(prices, count):
            left = remaining(replace(plan, sold_at=sold), instrument()).targets
            assert len(left) == len(prices) - count
            assert sum(one.share for one in left) == 100


def test_of_equal_targets_the_last_ones_sell_all_of_what_the_first_left() -> None:
    exits = ExitPlan(
        StopLoss(Level(pct=Decimal(5))), tuple(Target(Level(pct=Decimal(5 * at)), Decimal(20)) for at in range(1, 6))
    )
    first = at_prices(replace(plan_of(Decimal("0.48"), Decimal(5), []), exits=exits), instrument()).exits.targets[:2]
    plan = replace(plan_of(Decimal("0.48"), Decimal(5), []), exits=exits)
    plan = replace(plan, sold_at=tuple(one.level.price or ZERO for one in first))
    position = Position("WIFUSDC", Decimal(100), is_open=True)
    parts = parts_of(plan, position, instrument(), Decimal("0.53"))
    assert not isinstance(parts, Reason)
    assert [part.number for part in parts] == [3, 4, 5]
    assert [part.qty for part in parts] == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]


def test_each_third_of_three_steps_is_one_step() -> None:
    exits = ExitPlan(
        StopLoss(Level(pct=Decimal(5))), tuple(Target(Level(pct=Decimal(5 * at)), Decimal(25)) for at in range(1, 5))
    )
    coarse = replace(instrument(), step_size=Decimal(1))
    plan = replace(plan_of(Decimal(48), Decimal(5), []), exits=exits, sold_at=(Decimal("50.4"),))
    parts = parts_of(plan, Position("WIFUSDC", Decimal(3), is_open=True), coarse, Decimal(50))
    assert not isinstance(parts, Reason)
    assert [part.qty for part in parts] == [1, 1, 1]


@pytest.mark.parametrize(
    ("kind", "number", "rests_at", "known_by"),
    [
        (LegKind.TARGET, 1, "0.504", "0.504"),
        (LegKind.TARGET, 1, "0.53", "0.504"),  # the market had passed it
        (LegKind.TARGET, 2, "0.53", "0.528"),
        (LegKind.TARGET, 2, "0.51", "0.51"),  # of targets that the plan had then
        (LegKind.TARGET, 3, "0.51", "0.51"),
        (LegKind.STOP, 1, "0.456", "0.456"),
    ],
)
def test_an_order_that_was_lost_is_known_by_the_price_of_its_target(
    kind: LegKind, number: int, rests_at: str, known_by: str
) -> None:
    plan = plan_of(Decimal("0.48"), Decimal(5), [Decimal(5), Decimal(10)])
    leg, price = PlanLeg(plan.plan_id, kind, number), Decimal(rests_at)
    stop = OrderTerms(OrderType.STOP_LOSS, stop_price=price)
    terms = stop if kind is LegKind.STOP else OrderTerms(OrderType.LIMIT_MAKER, limit_price=price)
    assert price_of(plan, leg, terms) == Decimal(known_by)
    assert price_of(None, leg, terms) == price
    assert price_of(replace(plan, plan_id="mf-" + "1" * 29), leg, terms) == price


@given(st.lists(QUANTITIES, min_size=1, max_size=5), st.data())
def test_orders_lock_what_they_still_sell_and_a_list_once(quantities: list[Decimal], data: st.DataObject) -> None:
    plan = plan_of(Decimal("0.48"), Decimal(5), [Decimal(10 * number) for number in range(1, len(quantities) + 1)])
    resting = legs(plan, quantities)
    assert bound(resting) == sum(quantities)
    ended = data.draw(st.integers(0, len(quantities)))  # of so many lists both have ended
    gone = {leg.list_id for leg in resting[: 2 * ended]}
    left = [replace(leg, state=OrderState.CANCELED) if leg.list_id in gone else leg for leg in resting]
    assert bound(left) == sum(quantities[ended:], ZERO)


@given(PER_CENT, PER_CENT, st.decimals("0.30", "0.80", places=4), st.sampled_from(["0.0001", "0.001", "0.01"]))
def test_where_no_order_fits_between_the_market_and_a_level_that_level_is_reached(
    stop: Decimal, target: Decimal, price: Decimal, tick: str
) -> None:
    """Rules may change: with a coarse tick the stop's order may be above a market that is above the stop itself."""
    rules = replace(instrument(), tick_size=Decimal(tick))
    plan = plan_of(Decimal("0.4801"), stop, [target])
    found = brackets(plan.exits, rules, Purchase(Decimal(100), plan.entry_price, price))
    if isinstance(found, Reason) and found.code in {"stop_reached", "target_reached"}:
        assert reached(at_prices(plan, rules), price) is not None


@pytest.mark.parametrize(
    ("bid", "kind"), [("0.9499", STOPPED), ("0.95", STOPPED), ("0.9501", None), ("1.1", None), ("1.1999", None), ("1.2", TAKEN)]
)
def test_a_stop_and_the_last_target_are_reached_at_their_price(bid: str, kind: str | None) -> None:
    assert reached(plan_of(Decimal(1), Decimal(5), [Decimal(10), Decimal(20)]), Decimal(bid)) == kind


@pytest.mark.parametrize("targets", [[], [10], [10, 20, 30], [10, 20, 30, 40, 50]])
def test_a_plan_is_carried_out_by_all_of_its_parts_and_by_nothing_less(targets: list[int]) -> None:
    """Its stop has a part of its own where the targets leave something over."""
    plan = plan_of(Decimal("0.48"), Decimal(5), [Decimal(pct) for pct in targets])
    position = Position("WIFUSDC", qty=Decimal(1000), is_open=True)
    parts = parts_of(plan, position, instrument(), Decimal("0.48"))
    assert not isinstance(parts, Reason)
    assert len(parts) == min(len(targets) + 1, 5)
    resting = [replace(leg, state=OrderState.ACCEPTED) for leg in legs_of(plan, parts, "paper", NOON)]
    assert carry_out(plan, position, resting, instrument())
    for part in parts:
        less = [one for one in resting if one.leg is not None and one.leg.number != part.number]
        assert not is_whole(remaining(plan, instrument()), less)
        assert not carry_out(plan, position, less, instrument())


@given(st.integers(-100_000, 100_000), st.floats(0, 100_000))
def test_a_plan_is_never_due_later_than_in_minutes_wherever_the_clock_was(offset: int, retry_after: float) -> None:
    plan, then = plan_of(Decimal("0.48"), Decimal(5), []), NOON + timedelta(seconds=offset)
    after = failed(plan, then, reason("overloaded"), retry_after)
    assert is_due(after, NOON) or then + timedelta(minutes=5) > NOON
    assert any(is_due(after, NOON + timedelta(seconds=later)) for later in range(0, 302, 2))


def test_an_exit_of_the_plan_is_a_new_one_after_some_seconds_though_the_clock_was_set_back() -> None:
    plan = replace(plan_of(Decimal("0.48"), Decimal(5), []), created_at=NOON + timedelta(hours=1))
    first, second = (exit_signal(plan, STOPPED, NOON + timedelta(seconds=later)) for later in (0, AGAIN_SECONDS))
    assert first.signal_id != second.signal_id
    assert NOON - timedelta(seconds=AGAIN_SECONDS) < first.ts <= NOON


def test_exits_of_a_plan_that_differ_have_different_ids_and_the_same_one_has_one_content() -> None:
    plan = plan_of(Decimal("0.48"), Decimal(5), [Decimal(10)])
    moved = replace(plan, exits=replace(plan.exits, stop=StopLoss(Level(price=Decimal("0.481")))))
    exits = [exit_signal(one, kind, NOON) for one, kind in ((plan, STOPPED), (plan, TAKEN), (plan, TIMED_OUT), (moved, STOPPED))]
    assert len({one.signal_id for one in exits}) == len(exits)
    assert exit_signal(plan, TIMED_OUT, NOON) == exit_signal(plan, TIMED_OUT, NOON + timedelta(seconds=AGAIN_SECONDS - 1))
