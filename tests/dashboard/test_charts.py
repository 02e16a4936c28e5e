"""The curves of results: in per cent where the capital is known, never stacked, and as the reader writes numbers and days."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from dashboard import charts
from dashboard.texts import texts
from tests.dashboard.test_figures import STEPS, usdc

EN, RU = texts("en"), texts("ru")


def values(chart: Any) -> list[float]:
    (rows,) = chart.to_dict()["datasets"].values()
    return [row["value"] for row in rows]


def test_a_curve_begins_at_zero_and_has_a_step_for_each_exit() -> None:
    assert values(charts.curve(usdc(), EN)) == [0, 30, 10, 15]
    assert values(charts.fall(usdc(), EN)) == [0, 0, -20, -15]


def test_it_is_in_per_cent_of_the_capital_where_that_is_known() -> None:
    rich = replace(usdc(), capital=Decimal(500))
    assert values(charts.curve(rich, EN)) == [0, 6, 2, 3]
    assert [round(one, 2) for one in values(charts.fall(rich, EN))] == [0, 0, -3.77, -2.83]
    assert [charts.curve(one, EN).to_dict()["encoding"]["y"]["title"] for one in (usdc(), rich)] == ["USDC", "%"]


def test_gains_and_losses_are_one_curve() -> None:
    assert charts.curve(usdc(), EN).to_dict()["encoding"]["y"]["stack"] is False


def test_numbers_and_days_are_the_readers() -> None:
    locale = charts.bars({"2026-03-01": STEPS[0].profit}, "USDC", RU).to_dict()["config"]["locale"]
    assert (locale["number"]["decimal"], locale["time"]["days"][0]) == (",", "воскресенье")
    assert (charts.locale_of(EN)["number"]["thousands"], charts.locale_of(EN)["time"]["shortMonths"][0]) == (",", "Jan")
