"""/report: a day, a week or a month on one screen, with its chart."""

from collections.abc import Sequence
from datetime import date, timedelta

from bot.commands.base import Args, Command, bad_argument
from bot.commands.chart import chart_of
from bot.commands.context import Caller, Desk
from bot.commands.pagination import choices
from bot.commands.performance import performance_line
from bot.commands.pnl import by_asset
from bot.commands.valuation import by_worth, together, unrealised
from bot.reports import charts
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.events import controls_lines, not_live
from bot.views.number_format import money
from core.domain.errors import LedgerUnavailable
from core.read_models import Performance, Selection

_PERIODS = ("day", "week", "month")
_BEST, _WORST = 3, 2


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """Today where no period is named."""
    period = args[0].lower() if args else "day"
    if period not in _PERIODS or len(args) > 1:
        return bad_argument(desk, args, "report [day|week|month]")
    options = [(desk.texts(f"report.{each}"), f"/report {each}") for each in _PERIODS]
    buttons = choices(desk.texts(f"report.{period}"), options)
    try:
        text = await report(desk, period)
        since = _since(period, desk.clock.now().date())
        chart = await chart_of(desk, "equity" if period == "day" else "daily", "", since)
    except LedgerUnavailable:
        return ChatMessage(desk.texts("answer.ledger_read"), buttons)
    picture = await charts.draw(chart) if chart is not None else None
    return ChatMessage(text, buttons, photo=picture or b"")


async def report(desk: Desk, period: str) -> Html:
    """What happened in it, and how things stand."""
    since = _since(period, desk.clock.now().date())
    results = await desk.queries.day_results(since.isoformat())
    symbols = by_worth(desk, await desk.analytics.performance("symbol", Selection(since=since)))
    held = unrealised(desk)
    lines = [
        desk.texts("report", period=desk.texts(f"report.{period}"), since=desk.texts.day(since)),
        *not_live(desk.trading_mode, desk.texts),
        *by_asset(desk, results),
        *_ends(desk, symbols),
        "",
        desk.texts("status.positions", count=len(desk.book.open_positions())),
        *(
            desk.texts("status.unrealised", profit=money(profit, signed=True), quote=quote)
            for quote, profit in sorted(held.items())
        ),
        *together(desk, held),
        controls_lines(desk.book.controls, desk.texts),
    ]
    return Html("\n".join(lines))


def _since(period: str, today: date) -> date:
    return {"day": today, "week": today - timedelta(days=today.weekday()), "month": today.replace(day=1)}[period]


def _ends(desk: Desk, symbols: Sequence[Performance]) -> list[Html]:
    """The best and the worst of what is ordered by result, so that the losers are seen too."""
    if len(symbols) <= _BEST + _WORST:
        return [performance_line(desk, one) for one in symbols]
    between = desk.texts("performance.gap", count=len(symbols) - _BEST - _WORST)
    best, worst = symbols[:_BEST], symbols[-_WORST:]
    return [*(performance_line(desk, one) for one in best), between, *(performance_line(desk, one) for one in worst)]


COMMAND = Command("report", run, arguments="[day|week|month]")
