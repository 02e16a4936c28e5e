"""Steps of an entry are told as such, in both languages."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.texts import texts
from bot.views.approval import Live, asked_lines
from bot.views.chat_message import plain_text
from bot.views.entry_alerts import missed_lines, order_line, rests_lines
from bot.views.order_alerts import failed_lines
from bot.views.signal_alerts import refused_lines
from core.domain.dca_step import DcaStep, StepPlace
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
from core.domain.trade_size import SizeKind, TradeSize
from core.policy.exits.plan_risk import risk_of
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
LISTED = {
    "en": "🟩 step 2/3: 18 at 0.4560 (-5.00%)",
    "ru": "🟩 ступень 2/3: 18 по 0,4560 (-5,00%)",
}
SAYS = {"en": "Step 2 of 3 below the entry", "ru": "Ступень 2 из 3 ниже входа"}


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
        assert SAYS[language] in lines


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_step_that_waits_is_listed_with_its_number_and_has_no_end(language: str) -> None:
    line = plain_text(order_line(replace(ORDER, executed_qty=Decimal(12)), Decimal("0.48"), texts(language)))
    assert line == LISTED[language]
    assert texts(language)("entry.until_closed") in rests_lines(EntryRests(ORDER), texts(language))


@pytest.mark.parametrize(
    ("language", "whole", "loss"),
    [
        (
            "en",
            "Step 2: 30 at 0.4560 (-5.00%)\nWith the steps: 70 WIF for 32.64 USDC\nAverage entry then: 0.466286",
            "Stop then: 0.4290\nAt risk then: 2.67 USDC",
        ),
        (
            "ru",
            "Ступень 2: 30 по 0,4560 (-5,00%)\nСо ступенями: 70 WIF за 32,64 USDC\nСредняя цена тогда: 0,466286",
            "Стоп тогда: 0,4290\nРиск тогда: 2,67 USDC",
        ),
    ],
)
def test_the_question_says_what_all_steps_come_to(language: str, whole: str, loss: str) -> None:
    said = plain_text("\n".join(asked_lines(stepped(), texts(language))))
    assert whole in said
    assert loss in said


def stepped(qty: int = 20, steps: Sequence[tuple[str, int]] = (("0.468", 20), ("0.456", 30))) -> ApprovalRequested:
    """Returns the question about an entry of `qty` at 0.48 with a stop 8 % below it."""
    asked = approval()
    asked = replace(asked, qty=Decimal(qty), price=Decimal("0.48"), signal=replace(asked.signal, entry=None))
    expected = tuple((Decimal(at), Decimal(one)) for at, one in steps)
    plan = ExitPlan(StopLoss(Level(pct=Decimal(8))))
    return ApprovalRequested(asked, "WIF", "USDC", plan=plan, price_step=Decimal("0.0001"), steps=expected)


def test_the_loss_with_steps_is_counted_as_that_of_an_entry_alone() -> None:
    """Buys 400 in one piece, and in three at the same price: both lines of the question are to name the same loss."""
    alone = plain_text("\n".join(asked_lines(stepped(400, ()), texts("en"))))
    parts = plain_text("\n".join(asked_lines(stepped(100, (("0.48", 100), ("0.48", 200))), texts("en"))))
    (at_risk,) = re.findall(r"At risk: (\S+) USDC", alone)
    (then,) = re.findall(r"At risk then: (\S+) USDC", parts)
    exact = risk_of(ExitPlan(StopLoss(Level(price=Decimal("0.4416")))), Decimal("0.48"), Decimal(400))
    assert exact is not None
    assert at_risk == then == f"{exact.loss:.2f}"


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (DcaStep(Decimal(5), Decimal("1.5")), "Step 1: 30 at 0.4750"),
        (DcaStep(Decimal(5), size=TradeSize(SizeKind.QUOTE, Decimal("13.68"))), "Step 1: 28.8 at 0.4750"),
    ],
)
def test_steps_move_with_the_price_as_the_exits_do(step: DcaStep, says: str) -> None:
    event = stepped(steps=(("0.456", 30),))
    event = replace(event, approval=replace(event.approval, signal=replace(event.approval.signal, steps=(step,))))
    assert says in plain_text("\n".join(asked_lines(event, texts("en"), Live(Decimal("0.50"), 60))))
