"""The figures of a selection, and how the pages show them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from core.domain.equity_mark import EquityMark
from core.read_models import Gain, Performance, Turnover
from dashboard.figures import Results, by_month, capital_before, in_time, results_of
from dashboard.texts import texts
from dashboard.tiles import account_tiles, cost_tiles, result_tiles
from dashboard.view import Figures
from tests.dashboard.test_guards import held

EN, RU = texts("en"), texts("ru")
FIRST = date(2026, 3, 1)
LAST = FIRST + timedelta(days=3)
MARK = EquityMark(datetime(2026, 3, 4, 12, tzinfo=UTC), "USDC", Decimal(1015), Decimal(1030), {"USDC": Decimal(1000)})


def gain(day: int, profit: str, quote: str = "USDC") -> Gain:
    return Gain(datetime(2026, 3, 1 + day, tzinfo=UTC), quote, Decimal(profit))


STEPS = [gain(0, "30"), gain(1, "-20"), gain(3, "5"), gain(3, "1", "EUR")]
EXITS = [
    Performance("waves", "USDC", 2, 1, Decimal(10), Decimal(12)),
    Performance("tides", "USDC", 1, 1, Decimal(5), Decimal(6)),
    Performance("tides", "EUR", 1, 1, Decimal(1), Decimal(1)),
]
TURNOVERS = [Turnover("USDC", 7, Decimal(700), Decimal(35), Decimal(20), {"USDC": Decimal(2), "BNB": Decimal("0.001")})]


def usdc(capital: dict[str, Decimal] | None = None) -> Results:
    return results_of(EXITS, STEPS, STEPS, TURNOVERS, capital or {})[0]


def shown(one: Results, *, since: date | None = FIRST, is_complete: bool = True) -> dict[str, tuple[str, str]]:
    figures = Figures([one], [], None, is_complete)
    tiles = [*result_tiles(figures, one, since, LAST, EN), *cost_tiles(figures, one, EN)]
    return {tile.name: (tile.value, tile.note) for tile in tiles}


def test_amounts_of_two_quote_assets_are_never_added() -> None:
    found = results_of(EXITS, STEPS, STEPS, TURNOVERS, {})
    assert [(one.quote, one.exits, one.wins) for one in found] == [("USDC", 3, 2), ("EUR", 1, 1)]
    assert [one.net for one in found] == [15, 1]
    assert [one.fees for one in found] == [3, 0]


def test_figures_are_in_per_cent_of_the_capital_at_the_beginning() -> None:
    one = usdc(capital_before(MARK, [gain(-0, "-500"), gain(0, "9", "EUR")]))
    assert one.capital == 500
    assert one.gain == 3
    assert one.fall == -20
    assert one.drawdown == per_cent_of(-20, 530)
    assert shown(one)["Max drawdown"] == ("-3.77%", "-20.00 USDC")
    assert capital_before(MARK, [gain(0, "-1000")]) == {}  # nothing that anything could be a part of
    assert capital_before(None, []) == {}


def per_cent_of(part: int, whole: int) -> Decimal:
    return (Decimal(part) * 100 / whole).quantize(Decimal("1e-16"))


def test_the_figures_of_known_trades() -> None:
    found = shown(usdc())
    assert found["Net result"] == ("+15.00 USDC", "3 exits")
    assert found["Win rate"] == ("66.67%", "2 of 3")
    assert found["Profit factor"] == ("1.75", "won 35.00, lost 20.00")
    assert found["Expectancy"] == ("+5.00", "USDC an exit")
    assert found["Max drawdown"] == ("-20.00 USDC", "")
    assert found["Sharpe"][1] == "4 days"
    assert found["Volume"] == ("700.00 USDC", "7 orders executed")
    assert (found["Best day"], found["Worst day"]) == (("+30.00 USDC", "01 Mar 2026"), ("-20.00 USDC", "02 Mar 2026"))
    assert "Return" not in found


def test_what_cannot_be_told_yet_is_not_made_up() -> None:
    adding_up = shown(replace(usdc(), turnover=None), is_complete=False)
    assert (adding_up["Profit factor"][0], adding_up["Volume"][0]) == ("…", "…")
    one_day = replace(usdc(), days=STEPS[:1], steps=STEPS[:1], turnover=replace(TURNOVERS[0], lost=Decimal(0)))
    found = {tile.name: tile.value for tile in result_tiles(Figures([], [], None, True), one_day, LAST, LAST, RU)}
    assert (found["Профит-фактор"], found["Шарп"], found["Сортино"]) == ("∞", "–", "–")


def test_the_equity_and_how_much_of_it_is_in_positions() -> None:
    found = {tile.name: (tile.value, tile.note) for tile in account_tiles(MARK, [held(None, bid="10.15")], EN)}
    assert found["Equity"] == ("1,015.00 USDC", "-1.46% from its peak, 04 Mar 12:00")
    assert found["Exposure"] == ("20.00%", "203.00 USDC in positions")
    assert "Exposure" not in {tile.name for tile in account_tiles(MARK, [held(None, bid=None)], EN)}


def test_a_long_time_is_shown_by_month() -> None:
    days = [Gain(STEPS[0].at + timedelta(days=number), "USDC", Decimal(number)) for number in (0, 30, 31, 99)]
    assert in_time(days[:3]) == {"2026-03-01": 0, "2026-03-31": 30, "2026-04-01": 31}
    assert (by_month(days), by_month([*days, replace(days[0], at=days[0].at + timedelta(days=100))])) == (False, True)
    late = replace(days[0], at=days[0].at + timedelta(days=120), profit=Decimal(5))
    assert in_time([*days, late]) == {"2026-03": 30, "2026-04": 31, "2026-06": 104}
