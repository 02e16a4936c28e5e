"""The chart of a symbol has the exchange's candles, our fills at their time and price, and the prices that matter now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.texts import texts
from bot.views.price_chart import SymbolHistory, price_chart
from core.domain.candle import Candle, Interval
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.position import Execution, Position, Trade
from core.domain.signal import Side
from core.domain.trade_plan import PlanState, TradePlan

START = datetime(2026, 5, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WIF = "WIFUSDC"


def candle(number: int, opened: str, closed: str) -> Candle:
    low, high = sorted((Decimal(opened), Decimal(closed)))
    return Candle(
        START + number * HOUR, Decimal(opened), high + Decimal("0.01"), low - Decimal("0.01"), Decimal(closed), Decimal(7)
    )


def execution(at: datetime, side: Side, price: str, strategy: str = "default") -> Execution:
    name, zero = f"{side}{at}", Decimal(0)
    return Execution(
        name, WIF, at, side, Decimal(20), Decimal(price), None, f"{side}_SM", name, name, name, Decimal(price) * 20, zero, "USDC",
        None, None, "WIF", "USDC", "paper", strategy,
    )  # fmt: skip


def trade(opened: datetime, closed: datetime, profit: str, strategy: str = "default") -> Trade:
    amount = Decimal(profit)
    return Trade(
        "t", WIF, opened, closed, Decimal(20), Decimal(10), 10 + amount, amount, amount * 10, amount, "USDC", "paper", strategy
    )


CANDLES = (candle(0, "0.50", "0.52"), candle(1, "0.52", "0.49"), candle(2, "0.49", "0.55"))
PLAN = ExitPlan(
    StopLoss(Level(pct=Decimal(5))),
    (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(pct=Decimal(10)), Decimal(50))),
)
SEEN = SymbolHistory(
    WIF,
    "WIF",
    "USDC",
    Interval.H1,
    CANDLES,
    executions=(
        execution(START + 2 * HOUR, Side.BUY, "0.50"),
        execution(START + HOUR, Side.SELL, "0.53"),
        execution(START + HOUR / 2, Side.BUY, "0.51"),
    ),
    trades=(trade(START - HOUR, START + HOUR, "0.4"),),
    positions=(Position(WIF, Decimal(20), Decimal("10.02"), Decimal(10), is_open=True, opened_at=START + 2 * HOUR),),
    plans=(
        TradePlan(
            "mf-1", WIF,
            PLAN,
            PlanState.GUARDED, Decimal("0.50"), START, 1,
        ),
    ),
    market=Decimal("0.5490"),
)  # fmt: skip


def test_candles_are_those_of_the_exchange() -> None:
    chart = price_chart(SEEN, texts("en"), "light")
    assert chart.times == tuple((START + number * HOUR).isoformat() for number in range(3))
    assert (chart.opens, chart.closes) == ((0.50, 0.52, 0.49), (0.52, 0.49, 0.55))
    assert (chart.highs, chart.lows) == ((0.53, 0.53, 0.56), (0.49, 0.48, 0.48))
    assert (chart.volumes, chart.volume_title, chart.seconds) == ((7.0, 7.0, 7.0), "Volume, WIF", 3600)
    assert chart.style.theme == "light"


def test_fills_stand_at_their_time_and_price_with_the_profit_of_the_round_trip() -> None:
    marks = price_chart(SEEN, texts("en"), "dark").marks
    assert [(mark.at, mark.price, mark.is_entry, mark.label) for mark in marks] == [
        ((START + HOUR / 2).isoformat(), 0.51, True, ""),
        ((START + HOUR).isoformat(), 0.53, False, "+0.40"),
        ((START + 2 * HOUR).isoformat(), 0.50, True, ""),
    ]


def test_a_round_trip_of_another_strategy_is_not_its_own() -> None:
    others = replace(SEEN, trades=(trade(START, START + HOUR, "0.4", "waves"),))
    assert {mark.label for mark in price_chart(others, texts("en"), "dark").marks} == {""}


def test_a_round_trip_from_before_begins_where_the_chart_does() -> None:
    (trip,) = price_chart(SEEN, texts("en"), "dark").trips
    assert (trip.since, trip.until, trip.tone) == (START.isoformat(), (START + HOUR).isoformat(), 0.4)


def test_lines_are_the_stop_the_targets_the_entry_and_the_price() -> None:
    lines = price_chart(SEEN, texts("en"), "dark").lines
    assert [(line.kind, line.name, line.value, line.price) for line in lines] == [
        ("average", "Entry", 0.501, "0.5010"),
        ("stop", "Stop", 0.475, "0.4750"),
        ("target", "Target 1", 0.525, "0.5250"),
        ("target", "Target 2", 0.55, "0.5500"),
        ("price", "", 0.55, "0.5500"),
    ]


def test_a_target_that_has_sold_is_no_line() -> None:
    sold = replace(SEEN, plans=(replace(SEEN.plans[0], sold_at=(Decimal("0.525"),)),))
    assert [line.name for line in price_chart(sold, texts("en"), "dark").lines if line.kind == "target"] == ["Target 2"]


def test_lines_of_several_strategies_say_whose_they_are() -> None:
    other = replace(SEEN.positions[0], strategy="wave & co")
    names = [line.name for line in price_chart(replace(SEEN, positions=(*SEEN.positions, other)), texts("en"), "dark").lines]
    assert names == ["Entry @default", "Entry @wave & co", "Stop @default", "Target 1 @default", "Target 2 @default", ""]


def test_the_head_says_price_change_position_and_results() -> None:
    head = price_chart(SEEN, texts("en"), "dark").head
    assert (head.title, head.figure) == ("WIFUSDC, 1 h", "0.5500  +10.00%")
    assert head.details == ("20 WIF at 0.5010: +0.96 USDC (+9.58%)", "1 closed trade: +0.40 USDC")
    nothing = price_chart(replace(SEEN, positions=(), trades=()), texts("ru"), "dark").head
    assert (nothing.title, nothing.figure, nothing.details) == ("WIFUSDC, 1 ч", "0,5500  +10,00%", ("Открытой позиции нет",))


def test_without_a_present_price_the_last_one_values_the_position() -> None:
    head = price_chart(replace(SEEN, market=None), texts("en"), "dark").head
    assert head.details[0] == "20 WIF at 0.5010: +0.98 USDC (+9.78%)"


def test_candles_of_days_are_those_of_utc_whatever_the_zone() -> None:
    zones = {
        interval: price_chart(replace(SEEN, interval=interval), texts("en", "Asia/Tashkent"), "dark").style.zone
        for interval in (Interval.H12, Interval.D1)
    }
    assert zones == {Interval.H12: "Asia/Tashkent", Interval.D1: "UTC"}
