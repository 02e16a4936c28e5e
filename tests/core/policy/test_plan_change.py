"""Changes to a plan: what they keep, and whether they protect less than before."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.position import Position
from core.domain.protection_policy import ProtectionPolicy
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.plan_change import RequestedPlan, as_meant, change_refusal, changed, raises_risk
from core.policy.exits.trailing import follows_less, with_first_stop
from tests.core.virtual_time import NOON
from tests.core.world import instrument

PRICES = st.decimals("1", "1000", places=2)
PER_CENT = st.decimals("0.5", "60", places=2)
LEVELS = st.one_of(PRICES.map(lambda price: Level(price=price)), PER_CENT.map(lambda pct: Level(pct=pct)))
STOPS = st.none() | LEVELS.map(StopLoss)
TARGETS = st.lists(LEVELS, max_size=2).map(lambda found: tuple(Target(level, Decimal(50)) for level in found))
TRAILINGS = st.none() | st.builds(Trailing, PER_CENT, st.none() | PER_CENT)
EXITS = st.builds(ExitPlan, STOPS, TARGETS, trailing=TRAILINGS)


def plan(exits: ExitPlan, entry: Decimal) -> TradePlan:
    return TradePlan("mf-" + "0" * 29, "WIFUSDC", exits, PlanState.GUARDED, entry, NOON, 1, generation=3, sold_at=(entry,))


def held(entry: Decimal) -> Position:
    return Position("WIFUSDC", Decimal(100), entry * 101, entry * 100, is_open=True, opened_at=NOON)


@given(EXITS, EXITS, PRICES)
def test_a_change_keeps_the_ids_the_entry_and_what_has_sold(before: ExitPlan, after: ExitPlan, entry: Decimal) -> None:
    old = plan(before, entry)
    new = changed(old, held(entry), RequestedPlan(after, "Ann", "m1", 9, entry), NOON)
    assert (new.plan_id, new.generation, new.entry_price, new.inbox_seq) == (old.plan_id, 3, entry, 1)
    assert (new.exits, new.state) == (with_first_stop(after, entry), PlanState.EXPOSED)
    assert new.sold_at == (old.sold_at if before.targets == after.targets else ())


@given(EXITS, EXITS, EXITS)
def test_what_a_person_left_as_it_was_stays_as_it_is(wanted: ExitPlan, seen: ExitPlan, current: ExitPlan) -> None:
    held_to = plan(current, Decimal(100))
    meant = as_meant(wanted, seen, held_to)
    for name in ("stop", "targets", "trailing"):
        is_left = getattr(wanted, name) == getattr(seen, name) and not wanted.is_empty
        assert getattr(meant, name) == getattr(current if is_left else wanted, name)
    assert as_meant(wanted, None, held_to) == as_meant(wanted, seen, None) == wanted
    assert as_meant(ExitPlan(), seen, held_to).is_empty


@given(EXITS, PRICES)
def test_a_new_plan_has_an_id_of_its_own_and_counts_from_what_was_paid(exits: ExitPlan, entry: Decimal) -> None:
    first, other = (changed(None, held(entry), RequestedPlan(exits, "Ann", name, 9, entry), NOON) for name in ("m1", "m2"))
    assert len({first.plan_id, other.plan_id}) == 2
    assert (len(first.plan_id), first.entry_price, first.generation, first.inbox_seq) == (32, entry, 0, 9)


@given(EXITS, EXITS, PRICES)
def test_less_protection_is_more_risk(before: ExitPlan, after: ExitPlan, entry: Decimal) -> None:
    lower = False
    if before.stop is not None and after.stop is not None:
        lower = level_price(after.stop.level, entry, -1) < level_price(before.stop.level, entry, -1)
    lost = (before.stop is not None and after.stop is None) or (bool(before.targets) and not after.targets)
    less = follows_less(before.trailing, after.trailing)
    assert raises_risk(plan(before, entry), after) is (lower or lost or less)
    assert not raises_risk(None, after)


@given(EXITS, PRICES, PRICES)
def test_nothing_is_accepted_that_would_sell_at_once(exits: ExitPlan, entry: Decimal, market: Decimal) -> None:
    wanted = changed(None, held(entry), RequestedPlan(exits, "Ann", "m1", 9, market), NOON)
    if change_refusal(wanted, held(entry), instrument(), market, ProtectionPolicy.BEST_EFFORT) is not None:
        return
    if exits.stop is not None:
        assert level_price(exits.stop.level, entry, -1) < market
    assert all(level_price(target.level, entry, 1) > market - instrument().price_step for target in exits.targets)
