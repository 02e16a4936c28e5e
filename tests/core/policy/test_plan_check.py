"""An exit plan that contradicts itself, or the price it starts from, is refused in one sentence."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target
from core.policy.exits.plan_check import check_plan

CLOSE = Decimal("0.48")


def at(price: str) -> Level:
    return Level(price=Decimal(price))


def away(pct: str) -> Level:
    return Level(pct=Decimal(pct))


def stop(level: Level, offset: str | None = None) -> ExitPlan:
    return ExitPlan(StopLoss(level, None if offset is None else Decimal(offset)))


def even(
    after: str | None, offset: str = "0", *shares: str, pct: str = "5", stop_pct: str | None = "5", level: Level | None = None
) -> ExitPlan:
    """Returns a plan with a breakeven, and targets that sell `shares`."""
    found = tuple(Target(level or away(pct), Decimal(share)) for share in shares)
    breakeven = Breakeven(None if after is None else Decimal(after), Decimal(offset))
    return ExitPlan(None if stop_pct is None else StopLoss(away(stop_pct)), found, breakeven)


def targets(*shares: str, pct: str = "5", with_stop: bool = False) -> ExitPlan:
    found = tuple(Target(away(pct), Decimal(share)) for share in shares)
    return ExitPlan(StopLoss(away("5")) if with_stop else None, found)


SOUND = [
    ExitPlan(),
    stop(at("0.4799")),
    stop(away("99.99"), "0"),
    stop(away("0.01"), "99"),
    ExitPlan(targets=(Target(at("0.4801")),)),
    targets("100", pct="1000"),
    targets("20", "20", "20", "20", "20", with_stop=True),
    targets("20", "20", "20", "20", "19.9"),
    targets("10", "10", "10", "10", with_stop=True),
    ExitPlan(time_limit=timedelta(seconds=1)),
    ExitPlan(time_limit=timedelta(days=365)),
    even("0.21"),
    even("5", "4.7"),
    even("50", "0", "50", "49"),
    even("4.9", "0", "100"),
    even(None, "0", "50"),
    even(None, "4", "50", "50"),
    even(None, "0", "50", level=at("0.481")),
]
FAULTS = [
    (stop(at("0.48")), "the stop at 0.48 is not below the price 0.48; give one above 0 and below it"),
    (stop(at("0.5")), "the stop at 0.5 is not below the price 0.48; give one above 0 and below it"),
    (stop(at("0")), "the stop at 0 is not below the price 0.48; give one above 0 and below it"),
    (stop(away("0")), "the stop is 0% below the entry; give a distance above 0 and below 100"),
    (stop(away("100")), "the stop is 100% below the entry; give a distance above 0 and below 100"),
    (stop(away("5"), "100"), "limit_offset_pct of the stop is 100; give a percentage from 0 to below 100"),
    (stop(away("5"), "-1"), "limit_offset_pct of the stop is -1; give a percentage from 0 to below 100"),
    (ExitPlan(targets=(Target(at("0.48")),)), "the target at 0.48 is not above the price 0.48; give one above it"),
    (targets("100", pct="-5"), "a target is -5% above the entry; give a distance above 0, at most 1000"),
    (targets("100", pct="1000.1"), "a target is 1000.1% above the entry; give a distance above 0, at most 1000"),
    (targets("0"), "a target sells 0% of the position; give a share above 0, at most 100"),
    (targets("100.1"), "a target sells 100.1% of the position; give a share above 0, at most 100"),
    (targets("60", "40.5"), "together the targets sell 100.5% of the position; the most is 100"),
    (targets(*["10"] * 6), "the plan has 6 targets; the limit is 5"),
    (ExitPlan(time_limit=timedelta()), "time_limit is 0; give seconds, above 0 and at most 31536000"),
    (ExitPlan(time_limit=timedelta(days=366)), "time_limit is 31622400; give seconds, above 0 and at most 31536000"),
    (even("3", "-1"), "breakeven.offset_pct is -1; give a percentage from 0 to below 100"),
    (even("3", "100"), "breakeven.offset_pct is 100; give a percentage from 0 to below 100"),
    (even("3", stop_pct=None), "breakeven moves the stop, and the plan has none; give a stop too"),
    (even(None), "breakeven waits for the first target, and the plan has none; give a percentage above the entry"),
    (
        even(None, "0", "100"),
        "breakeven waits for the first target, which sells 100% of the position; give it a smaller share",
    ),
    (even("0.2"), "breakeven is set 0.2% above the entry, where fees and its offset alone take 0.21%; give more"),
    (even("3", "3"), "breakeven is set 3% above the entry, where fees and its offset alone take 3.21%; give more"),
    (
        even(None, "5", "50"),
        "breakeven waits for a target at 5%, where fees and its offset alone take 5.22%; use a higher target",
    ),
    (
        even(None, "0", "50", level=at("0.4804")),
        "breakeven waits for a target at 0.09%, where fees and its offset alone take 0.21%; use a higher target",
    ),
    (even("5", "0", "60", "40"), "breakeven is set 5% above the entry, and everything is sold at 5%; give less"),
    (
        targets(*["10"] * 5, with_stop=True),
        "5 targets plus a stop for the remaining 50% are too many parts; the limit is 5",
    ),
]


@pytest.mark.parametrize("plan", SOUND)
def test_a_sound_plan(plan: ExitPlan) -> None:
    assert check_plan(plan, CLOSE) is None


@pytest.mark.parametrize(("plan", "sentence"), FAULTS, ids=[sentence for _, sentence in FAULTS])
def test_a_contradiction_is_one_sentence(plan: ExitPlan, sentence: str) -> None:
    assert str(check_plan(plan, CLOSE)) == sentence


def test_without_a_price_to_compare_with_fixed_prices_are_taken() -> None:
    assert check_plan(stop(at("0.5"))) is None
    assert check_plan(stop(away("100"))) is not None


@given(st.decimals(-200, 2000, places=2))
def test_the_range_of_a_distance(pct: Decimal) -> None:
    level = Level(pct=pct)
    assert (check_plan(ExitPlan(StopLoss(level)), CLOSE) is None) == (0 < pct < 100)
    assert (check_plan(ExitPlan(targets=(Target(level),)), CLOSE) is None) == (0 < pct <= 1000)
