"""/report: a day, a week or a month on one screen, with its chart."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.chart import chart_of
from bot.commands.context import CommandContext
from bot.commands.pagination import choices
from bot.commands.pnl import by_asset
from bot.commands.valuation import by_worth, performance_line, together, unrealised
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import money
from bot.views.trading_mode import not_live
from bot.views.trading_state import trading_state_lines
from core.domain.errors import LedgerUnavailable
from core.read_models import Performance, Selection

_PERIODS = ("day", "week", "month")
_BEST, _WORST = 3, 2


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Reports today where no period is named."""
    period = args[0].lower() if args else "day"
    if period not in _PERIODS or len(args) > 1:
        return bad_argument(context, args, COMMAND)
    options = [(context.texts(f"report.{each}"), f"/report {each}") for each in _PERIODS]
    buttons = choices(context.texts(f"report.{period}"), options)
    try:
        text = await report(context, period)
        since = _since(period, context.clock.now().date())
        chart = await chart_of(context, "equity" if period == "day" else "daily", since)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"), buttons)
    picture = await context.draw(chart) if chart is not None else None
    return ChatMessage(text, buttons, photo=picture or b"")


async def report(context: CommandContext, period: str) -> Html:
    """Returns what happened in the period, and the current state."""
    since = _since(period, context.clock.now().date())
    results = await context.ledger.queries.day_results(since.isoformat())
    symbols = by_worth(context, await context.ledger.analytics.performance("symbol", Selection(since=since)))
    held = unrealised(context)
    lines = [
        context.texts("report", period=context.texts(f"report.{period}"), since=context.texts.day(since)),
        *not_live(context.exchange.trading_mode, context.texts),
        *by_asset(context, results),
        *_ends(context, symbols),
        "",
        context.texts("status.positions", count=len(context.portfolio.open_positions())),
        *(
            context.texts("status.unrealised", profit=money(profit, signed=True), quote=quote)
            for quote, profit in sorted(held.items())
        ),
        *together(context, held),
        trading_state_lines(context.portfolio.trading_state, context.texts),
    ]
    return Html("\n".join(lines))


def _since(period: str, today: date) -> date:
    return {"day": today, "week": today - timedelta(days=today.weekday()), "month": today.replace(day=1)}[period]


def _ends(context: CommandContext, symbols: Sequence[Performance]) -> list[Html]:
    """Returns the best and the worst of a list sorted by result, so that the losers are seen too."""
    if len(symbols) <= _BEST + _WORST:
        return [performance_line(context, one) for one in symbols]
    between = context.texts("performance.gap", count=len(symbols) - _BEST - _WORST)
    best, worst = symbols[:_BEST], symbols[-_WORST:]
    return [*(performance_line(context, one) for one in best), between, *(performance_line(context, one) for one in worst)]


COMMAND = Command("report", run, arguments="[day|week|month]", examples=("week", "month"))
