"""Steps of an entry are told as such, in both languages."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.texts import texts
from bot.views.approval import asked_lines
from bot.views.chat_message import plain_text
from bot.views.entry_alerts import missed_lines, order_line, rests_lines
from bot.views.order_alerts import failed_lines
from bot.views.signal_alerts import refused_lines
from core.domain.dca_step import StepPlace
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.entries import EntryMissed, EntryRests
from core.domain.events.orders import OrderFailed
from core.domain.events.signals import SignalRefused
from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.limit_entry import LimitEntry
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.reasons import reason
from core.domain.signal import STEP, Side, Signal
from tests.bot.parts import approval

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SIGNAL = Signal(
    STEP,
    "mf-1/step-2",
    "BUY_STEP",
    "WIFUSDC",
    Decimal("0.48"),
    NOON,
    entry=LimitEntry(OrderType.LIMIT, Decimal("0.456")),
    step=StepPlace("mf-1", 2, 3, NOON),
)
ORDER = Order(
    "mf-2",
    SIGNAL,
    2,
    Side.BUY,
    Decimal(30),
    Decimal("0.48"),
    OrderState.ACCEPTED,
    "live",
    NOON,
    NOON,
    terms=OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("0.456")),
)
SAYS = {"en": ("Step 2 of 3 below the entry", "step 2 of 3"), "ru": ("Ступень 2 из 3 ниже входа", "ступень 2 из 3")}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_each_alert_about_a_step_says_which_it_is(language: str) -> None:
    says, why = texts(language), reason("step_over")
    ended = replace(ORDER, reason=reason("entry_paused"), state=OrderState.CANCELED)
    for lines in (
        rests_lines(EntryRests(ORDER), says),
        missed_lines(EntryMissed(ended, Decimal(20)), says),
        failed_lines(OrderFailed(replace(ORDER, state=OrderState.REJECTED, reason=why)), says),
        refused_lines(SignalRefused(SIGNAL, "ignored", why, 2), says),
    ):
        assert SAYS[language][0] in lines


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_step_that_waits_is_listed_with_its_number_and_has_no_end(language: str) -> None:
    line = order_line(ORDER, "🟢", texts(language))
    assert SAYS[language][1] in line
    assert texts(language)("entry.until_closed") in rests_lines(EntryRests(ORDER), texts(language))


@pytest.mark.parametrize(
    ("language", "whole", "loss"),
    [
        (
            "en",
            "With 2 steps bought below: 70 WIF for 32.64 USDC, average price 0.4662",
            "Stop then 0.4289: about 2.65 USDC lost",
        ),
        ("ru", "С 2 ступенями ниже: 70 WIF за 32,64 USDC, средняя цена 0,4662", "Стоп тогда 0,4289: потери там около 2,65 USDC"),
    ],
)
def test_the_question_says_what_all_steps_come_to(language: str, whole: str, loss: str) -> None:
    asked = approval()
    asked = replace(asked, qty=Decimal(20), price=Decimal("0.48"), signal=replace(asked.signal, entry=None))
    plan = ExitPlan(StopLoss(Level(pct=Decimal(8))))
    steps = ((Decimal("0.468"), Decimal(20)), (Decimal("0.456"), Decimal(30)))
    event = ApprovalRequested(asked, "WIF", "USDC", plan=plan, price_step=Decimal("0.0001"), steps=steps)
    said = plain_text("\n".join(asked_lines(event, texts(language))))
    assert whole in said
    assert loss in said
