"""The quality page's tables and chart; the page itself is visited with the others."""

import re
from datetime import timedelta

import pytest

from core.domain.execution_quality import Latency, Quality
from dashboard.quality import PARTS, by_day, group_table, latency_table
from dashboard.texts import texts
from tests.core.adapters.ledger.test_execution_quality import WHOLE

EN = texts("en", "UTC")


def cells(html: str) -> list[str]:
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall("<td[^>]*>(.*?)</td>", html)]


def test_the_cells_of_a_group_add_up_to_its_shortfall() -> None:
    _, orders, missed, in_bps, whole, *parts = cells(group_table([WHOLE], EN))
    assert (orders, missed) == ("3", "3")
    assert (in_bps, whole) == ("+83.2", "+50.21 USDC")
    assert parts == ["+0.004", "+10.03", "0.00", "+0.02", "+40.16"]
    assert len(parts) == len(PARTS)


def test_what_never_traded_has_no_figures_to_divide() -> None:
    assert cells(group_table([Quality("x", "EUR")], EN))[:2] == ["x", "0"]


def test_a_name_from_outside_does_not_become_html() -> None:
    assert "<img" not in group_table([Quality("<img src=x>", "EUR")], EN)


@pytest.mark.parametrize(("language", "named"), [("en", "booked"), ("ru", "учтён")])
def test_each_stage_has_its_name_and_its_lengths(language: str, named: str) -> None:
    found = Latency("settled", 3, *(timedelta(milliseconds=length) for length in (5, 20, 300, 2_000)))
    row = cells(latency_table([found], texts(language, "UTC")))
    assert row[:2] == [named, "3"]
    assert row[2].startswith("5")
    assert row[-1].startswith("2")


def test_a_day_has_a_bar_of_each_part() -> None:
    drawn = by_day([WHOLE], EN).to_dict()
    (values,) = drawn["datasets"].values()
    assert {value["part"]: round(value["value"], 4) for value in values} == {
        "Delay": 0.004,
        "Execution": 10.026,
        "Slippage, not split": 0.0,
        "Fees": 0.02,
        "Missed": 40.16,
    }
