"""Charts of results: totals, drawdown, per cent of the capital, in the reader's language."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.texts import texts
from bot.views.charts import Results, daily, equity, style_of
from core.domain.money import ZERO
from core.read_models import Gain

START = datetime(2026, 5, 28, 12, tzinfo=UTC)


def gains(*profits: str, days: int = 1) -> list[Gain]:
    return [Gain(START + timedelta(days=number * days), "USDC", Decimal(profit)) for number, profit in enumerate(profits)]


def results(*profits: str, before: Decimal = ZERO, capital: Decimal | None = Decimal(1000)) -> Results:
    return Results(gains(*profits), before, capital, START + timedelta(days=9))


def test_a_result_begins_at_what_it_was_and_falls_from_its_highest() -> None:
    chart = equity("Net profit, USDC", results("10", "-25", "5"), texts("en"), "dark")
    assert chart.values == (0.0, 10.0, -15.0, -10.0)
    assert chart.falls == (0.0, 0.0, -25.0, -20.0)
    assert chart.head.figure == chart.last == "-10.00"
    assert chart.head.details == ("-1.00% of capital · 3 closed trades", "Max drawdown -25.00 (-2.48%)")
    assert chart.fall_title == "Drawdown"
    assert (chart.deepest, chart.until) == ("-25.00", (START + timedelta(days=9)).isoformat())


def test_without_a_known_capital_there_is_no_per_cent_of_it() -> None:
    for capital in (None, ZERO, Decimal(-5)):
        chart = equity("t", results("10", "-4", capital=capital), texts("en"), "dark")
        assert chart.head.details == ("2 closed trades", "Max drawdown -4.00")


def test_a_result_that_never_fell_has_no_drawdown() -> None:
    chart = equity("t", results("10", "4", before=Decimal(3)), texts("ru"), "dark")
    assert chart.values == (3.0, 13.0, 17.0)
    assert set(chart.falls) == {0.0}
    assert chart.head.details == ("+1,70% капитала · 2 закрытые сделки",)


def test_days_are_added_up_and_the_best_and_the_worst_are_named() -> None:
    chart = daily("Net profit by day, USDC", gains("1200.5", "-3", "0", "2"), texts("en"), "light")
    assert chart.values == (1200.5, -3.0, 0.0, 2.0)
    assert chart.labels == ("+1,200.50", "-3.00", "0.00", "+2.00")
    assert chart.head.figure == "+1,199.50"
    assert chart.head.details == ("Days up 2, down 1", "Best +1,200.50 (28 May) · worst -3.00 (29 May)")
    assert daily("t", gains("5"), texts("en"), "light").head.details == ("Days up 1, down 0",)


def test_the_style_is_the_readers() -> None:
    english, russian = style_of(texts("en"), "dark"), style_of(texts("ru", "Europe/Moscow"), "light")
    assert (english.zone, english.group, english.decimal, english.day) == ("UTC", ",", ".", "%d %b")
    assert (russian.zone, russian.group, russian.decimal, russian.day) == ("Europe/Moscow", "\N{NO-BREAK SPACE}", ",", "%d.%m")
    assert (english.theme, russian.theme) == ("dark", "light")
