"""The figures that trading is judged by: win rate, profit factor, expectancy, drawdown, Sharpe, Sortino. Pure and exact; each
has one definition, for the chat and the dashboard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate

from core.domain.money import EXACT, ZERO, divide, multiply, on_grid, per_cent

_DAYS_OF_A_YEAR = Decimal(365)  # crypto trades on each of them


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of exits in one quote asset, in order; all amounts in that asset, net of commissions. `won` is the sum of the
    profits and `lost` that of the losses, both at least 0; `fall` is the maximum drawdown of the cumulative result, and
    `longest_*` are streaks."""

    exits: int
    wins: int
    won: Decimal
    lost: Decimal
    best: Decimal
    worst: Decimal
    fall: Decimal
    longest_won: int
    longest_lost: int


def stats_of(profits: Sequence[Decimal]) -> Stats:
    """Computes the statistics of at least one profit."""
    streak, won, lost = 0, 0, 0
    for profit in profits:
        streak = max(streak, 0) + 1 if profit > 0 else min(streak, 0) - 1
        won, lost = max(won, streak), max(lost, -streak)
    gains = [profit for profit in profits if profit > 0]
    losses = [-profit for profit in profits if profit <= 0]
    return Stats(
        exits=len(profits),
        wins=len(gains),
        won=sum(gains, ZERO),
        lost=sum(losses, ZERO),
        best=max(profits),
        worst=min(profits),
        fall=-min(fall for _, fall in falls(accumulate(profits))),
        longest_won=won,
        longest_lost=lost,
    )


def win_rate(wins: int, exits: int) -> Decimal | None:
    """Returns the exits with a net profit in per cent of all exits; None without any."""
    return per_cent(Decimal(wins), Decimal(exits)) if exits else None


def profit_factor(won: Decimal, lost: Decimal) -> Decimal | None:
    """Returns the sum of all profits divided by the sum of all losses (both of exits, net, at least 0); None where nothing was
    lost. Above 1 more was won than lost."""
    return divide(won, lost) if lost else None


def expectancy(profit: Decimal, exits: int) -> Decimal | None:
    """Returns the net result of an exit on average, in the asset of `profit`; None without exits."""
    return divide(profit, Decimal(exits)) if exits else None


def falls(totals: Iterable[Decimal], peak: Decimal = ZERO) -> list[tuple[Decimal, Decimal]]:
    """Returns for each cumulative result the highest one so far, which begins at `peak`, and how far it is below (at most 0)."""
    found = []
    for total in totals:
        peak = max(peak, total)
        found.append((peak, total - peak))
    return found


def drawdowns(totals: Iterable[Decimal], capital: Decimal) -> list[Decimal]:
    """Returns for each cumulative result how far equity (`capital`, which is above 0, and the result) is below its highest so
    far, in per cent of that: at most 0. Never below -100 while equity is not negative."""
    return [per_cent(fall, capital + peak) for peak, fall in falls(totals)]


def each_day(profits: Mapping[date, Decimal], first: date, last: date) -> list[Decimal]:
    """Returns the result of each day from `first` to `last`, both included: 0 for a day that has none."""
    return [profits.get(first + timedelta(days=after), ZERO) for after in range((last - first).days + 1)]


def sharpe(days: Sequence[Decimal]) -> Decimal | None:
    """Returns the Sharpe ratio of the results of consecutive days (0 for a day without exits): their mean over their standard
    deviation (n - 1), times the square root of 365. The rate without risk is taken as 0 and each day's result as a part of the
    same capital, which is then no part of it. None for fewer than two days or days that are all alike."""
    if len(days) < 2:
        return None
    mean = _mean(days)
    squares = sum((multiply(day - mean, day - mean) for day in days), ZERO)
    return _a_year(mean, EXACT.divide(squares, Decimal(len(days) - 1)))


def sortino(days: Sequence[Decimal]) -> Decimal | None:
    """Returns the Sortino ratio of the results of consecutive days (0 for a day without exits): their mean over the root of the
    mean square of the losing ones, gains counted as 0, times the square root of 365. None for fewer than two days or where no
    day lost."""
    if len(days) < 2:
        return None
    squares = sum((multiply(day, day) for day in days if day < 0), ZERO)
    return _a_year(_mean(days), EXACT.divide(squares, Decimal(len(days))))


def _mean(days: Sequence[Decimal]) -> Decimal:
    return divide(sum(days, ZERO), Decimal(len(days)))


def _a_year(mean: Decimal, variance: Decimal) -> Decimal | None:
    """Returns the ratio of a year's mean to its deviation."""
    return on_grid(EXACT.divide(EXACT.multiply(mean, _DAYS_OF_A_YEAR.sqrt(EXACT)), variance.sqrt(EXACT))) if variance else None
