"""The chart of a symbol: the exchange's own candles, never a line between our fills, with everything of ours drawn into it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.commands.arguments.chart_spans import read_span
from bot.commands.arguments.symbols import meant_symbols, not_traded, which_symbol
from bot.commands.base import Args, Command, bad_argument
from bot.commands.context import CommandContext
from bot.commands.pagination import choices, refresh
from bot.reports.charts import Chart
from bot.texts import short
from bot.views.chat_message import ChatMessage, Keyboard
from bot.views.price_chart import SymbolHistory, price_chart
from core.domain.candle import Candle, Span, covering
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable, SymbolUnknown
from core.domain.position import Execution
from core.domain.signal import Side
from core.read_models import Selection

_PERIODS = ("24h", "7d", "30d")
_ANSWER_SECONDS = 8.0
_EXECUTIONS, _TRADES = 500, 200
_LAST = 10  # executions that a chart shows where no period is named


async def answer(context: CommandContext, args: Args, kinds: Keyboard, command: Command) -> ChatMessage:
    """Answers `/chart SYMBOL`, which is `command`, with the buttons `kinds` below; over our last trades where no period is
    named."""
    try:
        traded = await context.ledger.analytics.symbols()
        symbols, span = await meant_symbols(context, args[0]), read_span(args[1:])
        if not symbols or (args[1:] and span is None):
            return bad_argument(context, args, command)
        if len(symbols) > 1:
            return which_symbol(context, symbols, "chart")
        symbol = symbols[0]
        if symbol not in traded and (refusal := not_traded(context, symbol, "chart")):
            return refusal
        executions = await context.ledger.analytics.executions(Selection(symbol=symbol), _EXECUTIONS)
        span = span or _over_our_trades(context, symbol, executions)
        buttons = _buttons(context, symbol, args[1:], kinds)
        candles = await _candles(context, symbol, span)
        if isinstance(candles, ChatMessage):
            return replace(candles, keyboard=buttons)
        chart = await _chart(context, symbol, span, candles, executions)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    return await pictured(context, chart, buttons)


async def pictured(context: CommandContext, chart: Chart | None, buttons: Keyboard) -> ChatMessage:
    """Returns the chart as a picture, or why there is none."""
    if chart is None:
        return ChatMessage(context.texts("chart.nothing"), buttons)
    picture = await context.draw(chart)
    if picture is None:
        return ChatMessage(context.texts("chart.failed"), buttons)
    caption = context.texts("chart.caption", title=chart.head.title, time=context.texts.exact_time(context.clock.now()))
    return ChatMessage(caption, buttons, photo=picture)


def _over_our_trades(context: CommandContext, symbol: str, executions: Sequence[Execution]) -> Span:
    """Returns a span that begins a little before the open position and the last executions; without any the usual one."""
    held = [one.opened_at for one in context.portfolio.positions_in(symbol) if one.is_open and one.opened_at is not None]
    return covering([*held, *(one.executed_at for one in executions[:_LAST])], context.clock.now())


async def _candles(context: CommandContext, symbol: str, span: Span) -> Sequence[Candle] | ChatMessage:
    """Asks the exchange; returns why there are none where it has none, or does not say."""
    since = span.start(now := context.clock.now())
    limit = (now - since) // span.interval.length + 1
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            found = await context.exchange.venue.candles(symbol, span.interval, since, limit)
    except SymbolUnknown:
        return ChatMessage(context.texts("chart.no_symbol", symbol=symbol))
    except (ExchangeUnavailable, TimeoutError) as error:
        problem = short(str(error) or f"{_ANSWER_SECONDS:g} s", 200)
        return ChatMessage(context.texts("chart.no_prices", symbol=symbol, problem=problem))
    return found or ChatMessage(context.texts("chart.no_candles", symbol=symbol))


async def _chart(
    context: CommandContext, symbol: str, span: Span, candles: Sequence[Candle], executions: Sequence[Execution]
) -> Chart:
    first, portfolio = candles[0].opened_at, context.portfolio
    trades = await context.ledger.queries.recent_trades(_TRADES, symbol=symbol)
    priced = context.exchange.priced(symbol)
    positions = [one for one in portfolio.positions_in(symbol) if one.is_open]
    return price_chart(
        SymbolHistory(
            symbol=symbol,
            base=priced.base,
            quote=priced.quote_asset or (executions[0].quote_asset if executions else ""),
            interval=span.interval,
            candles=candles,
            executions=[one for one in executions if one.executed_at >= first],
            trades=[trade for _, trade in trades if trade.closed_at >= first],
            positions=positions,
            plans=[plan for plan in portfolio.plans.values() if plan.symbol == symbol],
            entries=[order for order in portfolio.open_for(symbol) if order.side is Side.BUY],
            market=priced.price if priced.age(context.clock.now()) is None else None,
        ),
        context.texts,
        context.theme,
    )


def _buttons(context: CommandContext, symbol: str, words: Sequence[str], kinds: Keyboard) -> Keyboard:
    labels = {period: context.texts(f"period.{period}") for period in _PERIODS}
    shown = labels.get(words[0].lower(), "") if len(words) == 1 else ""
    periods = choices(shown, [(label, f"/chart {symbol} {period}") for period, label in labels.items()])
    return (*kinds, *periods, (refresh(" ".join(["/chart", symbol, *words]), context.texts),))
