"""The figures of a selection in one quote asset, and the steps that its curve is drawn from. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import accumulate

from core.domain.equity_mark import EquityMark
from core.domain.money import ZERO, per_cent
from core.domain.trading_figures import drawdowns, each_day, expectancy, falls, profit_factor, sharpe, sortino, win_rate
from core.read_models import Gain, Performance, Turnover

_MOST_DAYS = 100  # that bars are drawn for


@dataclass(frozen=True, slots=True)
class Results:
    """Results in one quote asset, all amounts in that: the `days` of the selection that have exits, and the `steps` of its curve,
    which are the exits or, of very many, the days; both the oldest first. `capital` is what there was at its beginning; None if
    unknown."""

    quote: str
    exits: int
    wins: int
    net: Decimal
    gross: Decimal
    days: Sequence[Gain]
    steps: Sequence[Gain]
    turnover: Turnover | None
    capital: Decimal | None

    @property
    def fees(self) -> Decimal:
        """Returns what commissions took from closed trades."""
        return self.gross - self.net

    @property
    def win_rate(self) -> Decimal | None:
        """Returns it in per cent."""
        return win_rate(self.wins, self.exits)

    @property
    def factor(self) -> Decimal | None:
        """Returns the profit factor; None where nothing was lost, or it is not known yet."""
        return None if self.turnover is None else profit_factor(self.turnover.won, self.turnover.lost)

    @property
    def expectancy(self) -> Decimal | None:
        """Returns the mean result of an exit."""
        return expectancy(self.net, self.exits)

    @property
    def gain(self) -> Decimal | None:
        """Returns the net result in per cent of the capital."""
        return None if self.capital is None else per_cent(self.net, self.capital)

    @property
    def totals(self) -> list[Decimal]:
        """Returns the cumulative result at each step."""
        return list(accumulate(step.profit for step in self.steps))

    @property
    def fall(self) -> Decimal:
        """Returns the maximum drawdown as an amount, at most 0."""
        return min((fall for _, fall in falls(self.totals)), default=ZERO)

    @property
    def drawdown(self) -> Decimal | None:
        """Returns the maximum drawdown in per cent of the highest equity so far, at most 0."""
        return None if self.capital is None else min(drawdowns(self.totals, self.capital), default=ZERO)

    def each_day(self, since: date | None, until: date) -> list[Decimal]:
        """Returns the result of each day from `since` (None: the first that has one) to `until`, both included."""
        profits = {day.at.date(): day.profit for day in self.days}
        return each_day(profits, since or min(profits, default=until), until)

    def sharpe(self, since: date | None, until: date) -> Decimal | None:
        """Returns the Sharpe ratio of those days."""
        return sharpe(self.each_day(since, until))

    def sortino(self, since: date | None, until: date) -> Decimal | None:
        """Returns the Sortino ratio of those days."""
        return sortino(self.each_day(since, until))


def by_month(days: Sequence[Gain]) -> bool:
    """Tells whether so much time lies between the first day and the last that months say more than days."""
    return (days[-1].at - days[0].at).days >= _MOST_DAYS


def in_time(days: Sequence[Gain]) -> dict[str, Decimal]:
    """Returns the results by day (`YYYY-MM-DD`), of a long time by month (`YYYY-MM`); at least one day, the oldest first."""
    written, found = "%Y-%m" if by_month(days) else "%Y-%m-%d", dict[str, Decimal]()
    for day in days:
        found[f"{day.at:{written}}"] = found.get(f"{day.at:{written}}", ZERO) + day.profit
    return found


def results_of(
    performance: Sequence[Performance],
    days: Sequence[Gain],
    steps: Sequence[Gain],
    turnovers: Sequence[Turnover] | None,
    capital: dict[str, Decimal],
) -> list[Results]:
    """Returns the results by quote asset, of the one with the most exits first. `performance` are all exits, by whatever;
    `turnovers` None: not known yet; `capital` by quote asset, as far as it is known."""
    found = []
    for quote in {one.quote_asset for one in performance} | {one.quote_asset for one in turnovers or ()}:
        own = [one for one in performance if one.quote_asset == quote]
        found.append(
            Results(
                quote=quote,
                exits=sum(one.exits for one in own),
                wins=sum(one.wins for one in own),
                net=sum((one.profit for one in own), ZERO),
                gross=sum((one.gross for one in own), ZERO),
                days=[day for day in days if day.quote_asset == quote],
                steps=[step for step in steps if step.quote_asset == quote],
                turnover=next((one for one in turnovers or () if one.quote_asset == quote), None),
                capital=capital.get(quote),
            )
        )
    return sorted(found, key=lambda one: (-one.exits, one.quote))


def capital_before(mark: EquityMark | None, earlier: Sequence[Gain]) -> dict[str, Decimal]:
    """Returns by quote asset what there was before the selection: what was paid in, and the results of `earlier` days; only
    where that is above 0."""
    found = dict(mark.external) if mark is not None else {}
    for day in earlier:
        if day.quote_asset in found:
            found[day.quote_asset] += day.profit
    return {quote: amount for quote, amount in found.items() if amount > 0}
