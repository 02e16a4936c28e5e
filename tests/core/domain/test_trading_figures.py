"""The figures that trading is judged by: their definitions on known numbers, and what always holds."""

import math
import statistics
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.trading_figures import (
    drawdowns,
    each_day,
    expectancy,
    falls,
    profit_factor,
    sharpe,
    sortino,
    stats_of,
    win_rate,
)

DAY = date(2026, 3, 1)
profits = st.lists(st.decimals(-1000, 1000, places=2), min_size=2, max_size=50)


@given(profits)
def test_statistics_add_up(found: list[Decimal]) -> None:
    stats = stats_of(found)
    assert stats.won - stats.lost == sum(found)
    assert 0 <= stats.wins <= stats.exits == len(found)
    assert stats.worst <= stats.best
    assert stats.longest_won <= stats.wins
    assert stats.longest_lost <= stats.exits - stats.wins
    assert 0 <= stats.fall <= stats.lost
    factor = profit_factor(stats.won, stats.lost)
    assert (factor is None) == (stats.lost == 0)
    assert factor is None or (factor > 1) == (sum(found) > 0)


def test_rates_of_known_numbers() -> None:
    assert win_rate(3, 4) == 75
    assert win_rate(0, 4) == 0
    assert win_rate(0, 0) is None
    assert (profit_factor(Decimal(30), Decimal(20)), profit_factor(Decimal(30), Decimal(0))) == (Decimal("1.5"), None)
    assert (expectancy(Decimal(-10), 4), expectancy(Decimal(0), 0)) == (Decimal("-2.5"), None)


def test_falls_are_measured_from_the_highest_so_far() -> None:
    totals = [Decimal(one) for one in (-10, 50, 20, 110, 55)]
    assert [peak for peak, _ in falls(totals)] == [0, 50, 50, 110, 110]
    assert [fall for _, fall in falls(totals)] == [-10, 0, -30, 0, -55]
    assert drawdowns(totals, Decimal(100)) == [-10, 0, -20, 0, Decimal("-26.1904761904761905")]


@given(profits, st.integers(1, 10**6))
def test_a_drawdown_is_never_above_zero_and_ends_at_a_new_high(found: list[Decimal], capital: int) -> None:
    totals = [sum(found[: number + 1]) for number in range(len(found))]
    shares = drawdowns([Decimal(total) for total in totals], Decimal(capital))
    assert max(shares) <= 0
    highest = max([Decimal(0), *totals])
    assert [share for share, total in zip(shares, totals, strict=True) if total == highest] in ([], [0] * totals.count(highest))


def test_a_day_without_exits_counts_as_zero() -> None:
    found = each_day({DAY: Decimal(5), DAY + timedelta(days=2): Decimal(-1)}, DAY, DAY + timedelta(days=3))
    assert found == [5, 0, -1, 0]


def test_sharpe_and_sortino_of_known_days() -> None:
    days = [Decimal(one) for one in (3, -1, 0, 2)]
    assert sharpe(days) is not None
    assert sortino(days) is not None
    assert math.isclose(float(sharpe(days) or 0), 1 / statistics.stdev([3, -1, 0, 2]) * math.sqrt(365))
    assert math.isclose(float(sortino(days) or 0), 1 / math.sqrt(1 / 4) * math.sqrt(365))
    assert (sharpe(days[:1]), sortino(days[:1])) == (None, None)
    assert (sharpe([Decimal(2)] * 9), sortino([Decimal(2)] * 9)) == (None, None)


@given(profits, st.integers(1, 1000))
def test_both_ratios_have_the_sign_of_the_result_and_no_unit(days: list[Decimal], times: int) -> None:
    for ratio in (sharpe, sortino):
        found, more = ratio(days), ratio([day * times for day in days])
        assert (found is None) == (more is None)
        if found is not None and more is not None:
            assert (found > 0, found < 0) == (sum(days) > 0, sum(days) < 0)
            assert math.isclose(found, more, rel_tol=1e-6, abs_tol=1e-9)
