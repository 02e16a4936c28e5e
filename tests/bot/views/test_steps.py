"""Steps of an entry are told as such, in both languages."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.texts import texts
from bot.views.entry_alerts import missed_lines, order_line, rests_lines
from bot.views.order_alerts import failed_lines
from bot.views.signal_alerts import refused_lines
from core.domain.dca_step import StepPlace
from core.domain.events.entries import EntryMissed, EntryRests
from core.domain.events.orders import OrderFailed
from core.domain.events.signals import SignalRefused
from core.domain.limit_entry import LimitEntry
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.reasons import reason
from core.domain.signal import STEP, Side, Signal

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
