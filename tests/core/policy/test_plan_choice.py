"""The exit plan of an entry: the signal's own, else the settings'; and how settings write one."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.signal import Signal
from core.policy.exits.plan_check import check_plan
from core.policy.exits.plan_choice import plan_of
from core.policy.exits.plan_text import stop_pct, targets, written
from tests.core.world import LIMITS

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
WITH_PLAN = replace(LIMITS, stop_loss_pct=Decimal(5), take_profit_pct=(Target(Level(pct=Decimal(10))),))
OF_SETTINGS = ExitPlan(StopLoss(Level(pct=Decimal(5))), (Target(Level(pct=Decimal(10))),))
OWN = ExitPlan(targets=(Target(Level(price=Decimal("0.5"))),))


def signal(signal_type: str = "BUY_SM", plan: ExitPlan | None = None) -> Signal:
    return Signal("kafka:t", "1", signal_type, "WIFUSDC", Decimal("0.48"), NOW, plan=plan)


def test_a_signals_own_plan_takes_the_place_of_the_settings_as_a_whole() -> None:
    assert plan_of(signal(plan=OWN), WITH_PLAN) == OWN
    assert plan_of(signal(), WITH_PLAN) == OF_SETTINGS


def test_without_any_there_is_none() -> None:
    assert plan_of(signal(), LIMITS) is None
    assert plan_of(signal(plan=OWN), LIMITS) == OWN


def test_one_that_asks_for_nothing_is_none_whatever_the_settings_say() -> None:
    assert plan_of(signal(plan=ExitPlan()), WITH_PLAN) is None


def test_an_exit_has_no_plan() -> None:
    assert plan_of(signal("SELL_SM"), WITH_PLAN) is None


def test_a_stop_alone_is_a_plan() -> None:
    assert replace(LIMITS, stop_loss_pct=Decimal(5)).plan == ExitPlan(StopLoss(Level(pct=Decimal(5))))


@pytest.mark.parametrize("text", ["off", " OFF ", "Off"])
def test_off_is_none(text: str) -> None:
    assert (stop_pct(text), targets(text)) == (None, ())


@pytest.mark.parametrize("text", ["5", "7.5", "5:50", "5:50,10:50", "1:20,2:20,3:20,4:20,5:20", "0.5:33.3,1.5:66.7"])
def test_targets_are_written_as_they_are_read(text: str) -> None:
    assert written(targets(text)) == text


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "5%", "5,10", "5:", ":50", "5:50:1", "5:101", "5:60,10:41", "NaN", "1:9,2:9,3:9,4:9,5:9"]
)
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - from several parsers
        targets(text)


shares = st.lists(st.integers(1, 25), min_size=1, max_size=4)


@given(shares, st.data())
def test_any_ladder_comes_back(parts: list[int], data: st.DataObject) -> None:
    ladder = tuple(Target(Level(pct=data.draw(st.decimals("0.01", 1000, places=2))), Decimal(share)) for share in parts)
    assert targets(written(ladder)) == ladder


@given(st.text(max_size=30) | st.from_regex(r"\d{1,3}(:\d{1,2})?(,\d{1,3}:\d{1,2}){0,5}", fullmatch=True))
def test_any_text_is_sound_targets_or_a_value_error(text: str) -> None:
    try:
        found = targets(text)
    except ValueError:
        return
    assert check_plan(ExitPlan(targets=found)) is None
    assert targets(written(found) or "off") == found
