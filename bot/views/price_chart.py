"""The chart of a symbol: the exchange's candles, our fills, and the prices that matter now, in the reader's language. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.reports.charts import Candles, Head, Line, Mark, Trip
from bot.texts import Texts, short
from bot.views.book_names import MARK
from bot.views.charts import style_of
from bot.views.chat_message import plain_text
from bot.views.exit_plan import plan_levels, trigger_of
from bot.views.number_format import alike, money, percent_of, price, quantity
from core.domain.candle import Candle, Interval
from core.domain.money import ZERO, divide, multiply
from core.domain.order import Order
from core.domain.position import Execution, Position, Trade
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import TradePlan


@dataclass(frozen=True, slots=True)
class SymbolHistory:
    """A symbol over some time: at least one candle, and of that time the executions and the closed trades, the newest first. As
    of now: what is held, by which plans it leaves, and the entries that wait. `market` is the price that one could sell at, None
    if unknown."""

    symbol: str
    base: str
    quote: str
    interval: Interval
    candles: Sequence[Candle]
    executions: Sequence[Execution] = ()
    trades: Sequence[Trade] = ()
    positions: Sequence[Position] = ()
    plans: Sequence[TradePlan] = ()
    entries: Sequence[Order] = ()
    market: Decimal | None = None


def price_chart(seen: SymbolHistory, texts: Texts, theme: str) -> Candles:
    """Returns the chart."""
    style = style_of(texts, theme)
    if seen.interval.length >= Interval.D1.length:
        style = replace(style, zone="UTC")  # such candles are those of UTC days
    candles = seen.candles
    return Candles(
        head=_head(seen, texts),
        style=style,
        seconds=seen.interval.length.total_seconds(),
        times=tuple(candle.opened_at.isoformat() for candle in candles),
        opens=tuple(float(candle.open) for candle in candles),
        highs=tuple(float(candle.high) for candle in candles),
        lows=tuple(float(candle.low) for candle in candles),
        closes=tuple(float(candle.close) for candle in candles),
        volumes=tuple(float(candle.volume) for candle in candles),
        volume_title=plain_text(texts("chart.volume", base=seen.base)),
        marks=tuple(_marks(seen, texts)),
        lines=tuple(_lines(seen, texts)),
        trips=tuple(
            Trip(
                max(trade.opened_at, candles[0].opened_at).isoformat(),
                trade.closed_at.isoformat(),
                float(trade.profit),
            )
            for trade in seen.trades
        ),
    )


def _head(seen: SymbolHistory, texts: Texts) -> Head:
    last, first = seen.candles[-1].close, seen.candles[0].open
    title = f"{seen.symbol}, {texts.length(int(seen.interval.length.total_seconds()))}"
    figure = f"{texts.figure(price(last))}  {texts.figure(percent_of(last - first, first))}"
    details = [_position(seen, texts)]
    if seen.trades:
        profit = money(sum((trade.profit for trade in seen.trades), ZERO), signed=True)
        details.append(texts("chart.trips", count=len(seen.trades), profit=profit, quote=seen.quote))
    return Head(title, figure, float(last - first), tuple(plain_text(line) for line in details))


def _position(seen: SymbolHistory, texts: Texts) -> str:
    """Returns what is held, and what it would bring at the price that one could sell at, else at the last one."""
    held, cost = (sum((getattr(one, name) for one in seen.positions), ZERO) for name in ("qty", "cost"))
    if not held:
        return texts("chart.flat")
    profit = multiply(held, seen.market or seen.candles[-1].close) - cost
    shown = {"quantity": quantity(held), "base": seen.base, "cost": price(divide(cost, held)), "quote": seen.quote}
    return texts("chart.held", profit=money(profit, signed=True), share=percent_of(profit, cost), **shown)


def _marks(seen: SymbolHistory, texts: Texts) -> Iterator[Mark]:
    """Returns a mark for each execution; the one that closed a round trip has its profit."""
    written = alike([trade.profit for trade in seen.trades])
    closed = {(trade.strategy, trade.closed_at): trade.profit for trade in seen.trades}
    for one in reversed(seen.executions):
        profit = closed.get((one.strategy, one.executed_at)) if one.side is Side.SELL else None
        label, tone = ("", 0.0) if profit is None else (texts.figure(written(profit)), float(profit))
        yield Mark(one.executed_at.isoformat(), float(one.price), one.side is Side.BUY, label, tone)


def _lines(seen: SymbolHistory, texts: Texts) -> Iterator[Line]:
    books = {*(one.book for one in seen.positions), *(one.book for one in seen.plans), *(one.book for one in seen.entries)}
    several = len(books) > 1

    def line(kind: str, value: Decimal, name: str, book: StrategyBook | None = None) -> Line:
        whose = f" {MARK}{short(book.strategy)}" if book is not None and several else ""
        return Line(kind, float(value), plain_text(name) + whose, texts.figure(price(value)))

    for position in seen.positions:
        yield line("average", position.average_cost, texts("chart.average"), position.book)
    for plan in seen.plans:
        for level in plan_levels(plan):
            if level.number and not level.is_sold:
                name = texts("chart.target_of" if level.count > 1 else "chart.target", number=level.number)
                yield line("target", level.price, name, plan.book)
            elif not level.number:
                yield line("stop", level.price, texts("chart.stop"), plan.book)
    for order in seen.entries:
        yield line("entry", trigger_of(order), texts("chart.entry"), order.book)
    yield line("price", seen.candles[-1].close, "")
