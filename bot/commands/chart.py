"""/chart: cumulative result, daily results, or the trades of a symbol, as a picture readable at night."""

from datetime import date, timedelta

from bot.commands.arguments.periods import day_text
from bot.commands.arguments.symbols import meant_symbols, read_symbol, which_symbol
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices, refresh
from bot.reports import charts
from bot.reports.charts import Chart
from bot.views.chat_message import ChatMessage
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO
from core.read_models import Selection

_USAGE = "[equity|daily|SYMBOL]"
_KINDS = ("equity", "daily")
_EXITS, _EXECUTIONS, _DAYS = 2_000, 200, 60


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows equity where nothing is named."""
    word = args[0].lower() if args else "equity"
    if len(args) > 1 or (args and read_symbol(word) is None):
        return bad_argument(context, args, COMMAND)
    try:
        symbols = await meant_symbols(context, word) if word not in _KINDS else [""]
        if len(symbols) > 1:
            return which_symbol(context, symbols, "chart")
        chart = await chart_of(context, word, symbols[0])
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    labels = {kind: context.texts(f"chart.{kind}") for kind in _KINDS}
    buttons = (
        *choices(labels.get(word, ""), [(label, f"/chart {kind}") for kind, label in labels.items()]),
        (refresh(f"/chart {args[0] if args else 'equity'}", context.texts),),
    )
    if chart is None:
        return ChatMessage(context.texts("chart.nothing"), buttons)
    picture = await charts.draw(chart)
    if picture is None:
        return ChatMessage(context.texts("chart.failed"), buttons)
    caption = context.texts("chart.caption", title=chart.title, time=context.texts.exact_time(context.clock.now()))
    return ChatMessage(caption, buttons, photo=picture)


async def chart_of(context: CommandContext, word: str, symbol: str, since: date | None = None) -> Chart | None:
    """Returns the chart, from the UTC day `since` on (None: the last days, or all time); None where there is no data yet. Of
    several quote assets, the one with the most exits."""
    if word == "daily":
        days = await context.ledger.analytics.days(
            Selection(since=since or context.clock.now().date() - timedelta(days=_DAYS - 1))
        )
        quote = _main_quote([day.quote_asset for day in days])
        found = [day for day in days if day.quote_asset == quote]
        return charts.daily(context.texts("chart.title_daily", quote=quote), quote, found) if found else None
    if word == "equity":
        return await _equity(context, since)
    executions = await context.ledger.analytics.executions(Selection(symbol=symbol), _EXECUTIONS)
    if not executions:
        return None
    return charts.symbol(symbol, executions[0].quote_asset, list(reversed(executions)), context.zone)


async def _equity(context: CommandContext, since: date | None) -> Chart | None:
    """Returns the cumulative result; for a period, starting at zero."""
    gains = await context.ledger.analytics.gains(Selection(since=since), _EXITS)
    quote = _main_quote([gain.quote_asset for gain in gains])
    found = [gain for gain in gains if gain.quote_asset == quote]
    if not found:
        return None
    results = await context.ledger.queries.day_results(day_text(since))
    whole = sum((day.profit for day in results if day.quote_asset == quote), ZERO)
    before = whole - sum((gain.profit for gain in found), ZERO)
    key = "chart.title_equity" if since is None else "chart.title_since"
    title = context.texts(key, quote=quote, since=context.texts.day(since) if since is not None else "")
    return charts.equity(title, quote, found, before, context.zone)


def _main_quote(quotes: list[str]) -> str:
    return max(sorted(set(quotes)), key=quotes.count, default="")


COMMAND = Command("chart", run, arguments=_USAGE, examples=("daily", "SYMBOL"))
