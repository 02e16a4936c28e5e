"""The sentences about the quality of execution: what is not known is said, and the advice is about the most."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.texts import LANGUAGES, texts
from bot.views.chat_message import plain_text
from bot.views.execution_quality import quality_lines
from core.domain.execution_quality import Latency, Quality
from core.policy.quality.kept import ExecutedOrder
from core.policy.quality.missed import missed
from core.policy.quality.summary import measure, summaries
from core.read_models import QualityReport
from tests.core.policy.test_execution_quality import executed, received
from tests.paths import ROOT

ONE = Decimal(1)


def said(*whole: Quality, language: str = "en", **more: object) -> str:
    given: dict[str, object] = {"groups": {}, "latencies": ()} | more
    return plain_text("\n".join(quality_lines(QualityReport(whole, **given), texts(language))))  # type: ignore[arg-type]


def of(**parts: object) -> Quality:
    return Quality("", "USDC", orders=1, worth=Decimal(1000), met=Decimal(1000), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "advice"),
    [
        ({"slippage": ONE, "delay": ONE}, "Delay costs the most"),
        ({"slippage": ONE, "execution": ONE}, "Execution costs the most"),
        ({"slippage": ONE, "unsplit": ONE}, "Slippage costs the most"),
        ({"fees": ONE}, "Fees cost the most"),
        ({"missed": 1, "missed_worth": ONE, "opportunity": ONE}, "Missed signals cost the most"),
        ({"slippage": -ONE, "execution": -ONE}, "You traded no worse"),
        ({"slippage": ONE, "delay": ONE, "missed": 1, "missed_worth": ONE, "opportunity": -ONE}, "You traded no worse"),
        ({}, "You traded no worse"),
    ],
)
def test_the_advice_is_about_what_costs_the_most(part: dict[str, object], advice: str) -> None:
    assert advice in said(of(**part))


def test_what_is_not_known_is_said() -> None:
    text = said(of(unsplit=ONE, slippage=ONE, fees_unknown=2, unmeasured=1, missed=3, unpriced=1, opportunity=-ONE))
    for line in (
        "· market price not known +10.0 bps, +1.00 USDC",
        "…without 2 orders whose fee has no known price",
        "Missed: 3 signals, 1.00 USDC of losses avoided",
        "…without 1 signal whose size or outcome isn't known",
        "Not measured: 1 order without a stored signal price",
    ):
        assert line in text.splitlines()
    assert "Missed: 2 signals; what that cost isn't known" in said(Quality("", "USDC", missed=2, unpriced=2))
    assert "Shortfall" not in said(Quality("", "USDC", unmeasured=4))
    assert "Only the newest 2000 orders and signals are measured." in said(of(), newest=2000)


def test_the_dearest_come_first_and_a_group_of_one_says_nothing_new() -> None:
    sums = [Quality(f"S{number}USDC", "USDC", orders=1, worth=Decimal(100), fees=Decimal(number)) for number in range(7)]
    lines = said(of(), groups={"symbol": sums, "strategy": [of()]}).splitlines()
    first = lines.index("Shortfall by symbol")
    assert lines[first + 1] == "S6USDC: +600.0 bps, +6.00 USDC (1 order, 0 missed)"
    assert lines[first + 6] == "… and 2 more"
    assert "Shortfall by strategy" not in lines


def test_times_are_in_units_that_people_read() -> None:
    times = [timedelta(microseconds=412_600), timedelta(seconds=1, milliseconds=250), timedelta(minutes=3), timedelta(hours=2)]
    text = said(of(), latencies=[Latency("received", 3, *times), Latency("sent", 3, *times[2:], *times[2:])])
    assert "signal → received: 413 ms, 1.2 s" in text
    assert "decided → sent: 3 min, 2 h" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_quote_assets_are_never_added(language: str) -> None:
    text = said(of(fees=ONE), Quality("", "EUR", orders=1, worth=ONE, fees=ONE), language=language)
    assert (text.count("USDC"), text.count("EUR")) == (6, 4)


def test_the_example_of_the_page_is_what_is_said() -> None:
    bought = executed(quote_qty="9.61", signal_price="0.48", arrival_price="0.4802", fee="0.0096")
    refused, left = received(1, close="0.50"), received(2, "SELL_SM", "0.52", "ordered")
    measured = measure([ExecutedOrder(bought, "kafka")], missed([refused, left], {}))
    shown = said(*summaries(measured, "all")).partition("\n\n")[0]
    assert f"```\n{shown}\n```" in (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
