"""/chart: cumulative result, daily results, or a symbol with our trades in it, as a picture readable on a phone."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.commands import symbol_chart
from bot.commands.arguments.chart_spans import period_of
from bot.commands.arguments.periods import day_text
from bot.commands.arguments.symbols import held_symbols
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices, refresh
from bot.reports.charts import Chart
from bot.views import charts
from bot.views.chat_message import Button, ChatMessage, Keyboard
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO
from core.read_models import Selection

_RESULTS = ("equity", "daily")
_RESULT_PERIODS = ("7d", "30d", "all")
_EXITS, _DAYS = 2_000, 60
_MOST_SYMBOLS = 6


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows equity where nothing is named."""
    kind = args[0].lower() if args else _RESULTS[0]
    if kind in _RESULTS:
        return await _result(context, kind, args)
    return await symbol_chart.answer(context, args, _kinds(context, ""), COMMAND)


async def _result(context: CommandContext, kind: str, args: Args) -> ChatMessage:
    period = args[1].lower() if len(args) > 1 else ""
    length = period_of(period)
    if len(args) > 2 or (period not in ("", "all") and length is None):
        return bad_argument(context, args, COMMAND)
    today = context.clock.now().date()
    usual = today - timedelta(days=_DAYS - 1) if kind == "daily" and period != "all" else None
    since = today - timedelta(days=max(length.days, 1) - 1) if length is not None else usual
    buttons = (*_kinds(context, kind), *_periods(context, kind, period), (refresh(" ".join(["/chart", *args]), context.texts),))
    try:
        chart = await chart_of(context, kind, since)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    return await symbol_chart.pictured(context, chart, buttons)


def _kinds(context: CommandContext, kind: str) -> Keyboard:
    """Returns the buttons for the two results, and for each symbol that is held."""
    labels = {each: context.texts(f"chart.{each}") for each in _RESULTS}
    results = choices(labels.get(kind, ""), [(label, f"/chart {each}") for each, label in labels.items()])
    held = [Button(symbol, f"/chart {symbol}") for symbol in held_symbols(context)[:_MOST_SYMBOLS]]
    return (*results, *(tuple(held[first : first + 2]) for first in range(0, len(held), 2)))


def _periods(context: CommandContext, kind: str, period: str) -> Keyboard:
    labels = {each: context.texts(f"period.{each}") for each in _RESULT_PERIODS}
    return choices(labels.get(period, ""), [(label, f"/chart {kind} {each}") for each, label in labels.items()])


async def chart_of(context: CommandContext, kind: str, since: date | None) -> Chart | None:
    """Returns the chart of the results from the UTC day `since` on (None: all time); None where there are none. Of several quote
    assets, the one with the most exits."""
    if kind == "equity":
        return await _equity(context, since)
    days = await context.ledger.analytics.days(Selection(since=since))
    quote = main_quote([day.quote_asset for day in days])
    found = [day for day in days if day.quote_asset == quote]
    title = context.texts("chart.title_daily", quote=quote)
    return charts.daily(title, found, context.texts, context.theme) if found else None


async def _equity(context: CommandContext, since: date | None) -> Chart | None:
    """Returns the cumulative result; for a period, starting at zero."""
    gains = await context.ledger.analytics.gains(Selection(since=since), _EXITS)
    quote = main_quote([gain.quote_asset for gain in gains])
    found = [gain for gain in gains if gain.quote_asset == quote]
    if not found:
        return None
    results = await context.ledger.queries.day_results(day_text(since))
    whole = sum((day.profit for day in results if day.quote_asset == quote), ZERO)
    before = whole - sum((gain.profit for gain in found), ZERO)
    key = "chart.title_equity" if since is None else "chart.title_since"
    title = context.texts(key, quote=quote, since=context.texts.day(since) if since is not None else "")
    capital = (context.portfolio.capital([quote], context.exchange.market.instruments()) or {}).get(quote)
    at_first = capital - whole if capital is not None else None
    curve = charts.Results(found, before, at_first, context.clock.now())
    return charts.equity(title, curve, context.texts, context.theme)


def main_quote(quotes: Sequence[str]) -> str:
    """Returns the quote asset that stands there most often; empty for none."""
    return max(sorted(set(quotes)), key=quotes.count, default="")


COMMAND = Command("chart", run, arguments="[equity|daily|SYMBOL] [7d] [1h]", examples=("daily", "SYMBOL 7d"))
