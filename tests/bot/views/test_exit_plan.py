"""The lines about a position whose stop begins later: nothing limits a loss before that."""

from decimal import Decimal

import pytest

from bot.texts import texts
from bot.views.chat_message import plain_text
from bot.views.exit_plan import Guard, guard_lines
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.position import Position
from core.domain.trade_plan import PlanState, TradePlan
from tests.core.virtual_time import NOON

LATER = Trailing(Decimal(2), Decimal(5))
STOP = StopLoss(Level(pct=Decimal(4)))
SAID = {"en": "No stop rests on the exchange before the market reaches 0.504", "ru": "Пока рынок не дойдёт до 0,504"}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("exits", "said"),
    [
        (ExitPlan(trailing=LATER), True),
        (ExitPlan(targets=(Target(Level(pct=Decimal(9))),), trailing=LATER), True),
        (ExitPlan(STOP, trailing=LATER), False),
        (ExitPlan(STOP, trailing=Trailing(Decimal(2))), False),
        (ExitPlan(targets=(Target(Level(pct=Decimal(9))),)), False),
    ],
)
def test_a_position_without_a_stop_before_its_activation_says_so(language: str, exits: ExitPlan, *, said: bool) -> None:
    plan = TradePlan("mf-" + "0" * 29, "WIFUSDC", exits, PlanState.GUARDED, Decimal("0.48"), NOON, 1)
    held = Position("WIFUSDC", Decimal(20), Decimal("9.6"), Decimal("9.6"), is_open=True, opened_at=NOON)
    lines = guard_lines(Guard(held, "WIF", plan, Decimal(20), Decimal("0.48")), texts(language))
    assert any(plain_text(line).startswith(f"⚠️ {SAID[language]}") for line in lines) is said
