"""Exit plans as people type them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.arguments.exits import exit_words
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.money import plain

FIVE, TEN = Level(pct=Decimal(5)), Level(pct=Decimal(10))
BEFORE = ExitPlan(StopLoss(FIVE), (Target(TEN, Decimal(50)),), Breakeven())


@pytest.mark.parametrize(
    ("said", "after"),
    [
        ("stop 3%", ExitPlan(StopLoss(Level(pct=Decimal(3))), BEFORE.targets, Breakeven())),
        ("STOP 0.45", ExitPlan(StopLoss(Level(price=Decimal("0.45"))), BEFORE.targets, Breakeven())),
        ("stop off", ExitPlan(None, BEFORE.targets)),
        ("target 0.55", ExitPlan(BEFORE.stop, (Target(Level(price=Decimal("0.55"))),), Breakeven())),
        ("target 5%:50,10%:50%", ExitPlan(BEFORE.stop, (Target(FIVE, Decimal(50)), Target(TEN, Decimal(50))), Breakeven())),
        ("target off", ExitPlan(BEFORE.stop, (), Breakeven())),
        ("breakeven 3%", ExitPlan(BEFORE.stop, BEFORE.targets, Breakeven(Decimal(3)))),
        ("breakeven off", ExitPlan(BEFORE.stop, BEFORE.targets)),
        ("target 10% stop 5%", ExitPlan(BEFORE.stop, (Target(TEN),), Breakeven())),
        ("trail 2%", replace(BEFORE, trailing=Trailing(Decimal(2)))),
        ("trail off", BEFORE),
        ("stop breakeven", ExitPlan(None, BEFORE.targets)),
    ],
)
def test_what_is_named_takes_the_place_of_what_was(said: str, after: ExitPlan) -> None:
    words = exit_words(said.split())
    assert words is not None
    assert words.applied(BEFORE) == after
    assert words.to_breakeven is (said == "stop breakeven")


@pytest.mark.parametrize(
    "said",
    [
        *("", "stop", "stop 5% target", "5%", "stop 5% 10%", "stop 5% stop 6%", "stop -5%", "stop 0", "stop 5%%"),
        *(
            "stop five",
            "stop 1,500%",
            "target 5%,10%",
            "target 5%:",
            "target :50",
            "breakeven 0.1%",
            "trail",
            "trail 0",
            "stop nan",
        ),
    ],
)
def test_anything_else_is_not_understood(said: str) -> None:
    assert exit_words(said.split()) is None


@given(st.decimals("0.01", "99", places=2), st.decimals("0.01", "1000", places=2))
def test_distances_and_prices_are_taken_as_they_are_written(pct: Decimal, price: Decimal) -> None:
    words = exit_words(["stop", f"{plain(pct)}%", "target", plain(price)])
    assert words is not None
    assert words.applied(ExitPlan()) == ExitPlan(StopLoss(Level(pct=pct)), (Target(Level(price=price)),))
