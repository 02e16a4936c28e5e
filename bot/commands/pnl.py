"""/pnl: the net result of a period, by quote asset."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from bot.commands.arguments.periods import PERIODS, day_text, first_day
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices, refresh
from bot.commands.valuation import by_worth, performance_line, together
from bot.texts import Html
from bot.views.chat_message import ChatMessage, Keyboard
from bot.views.number_format import money
from core.domain.day_result import DayResult
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO
from core.read_models import Performance, Selection

_USAGE = "[today|7d|30d|month|all]"


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows results net of commissions, by UTC days; today where no period is named."""
    period = args[0].lower() if args else "today"
    if period not in PERIODS or len(args) > 1:
        return bad_argument(context, args, COMMAND)
    try:
        since = first_day(period, context.clock.now().date())
        results = await context.ledger.queries.day_results(day_text(since))
        strategies = await context.ledger.analytics.performance("strategy", Selection(since=since))
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    title = context.texts("pnl", period=context.texts(f"pnl.{period}"))
    text = "\n".join([title, *by_asset(context, results), *_by_strategy(context, strategies), "", context.texts("pnl.net")])
    return ChatMessage(text, (*period_buttons(context, "pnl", period), (refresh(f"/pnl {period}", context.texts),)))


def _by_strategy(context: CommandContext, found: Sequence[Performance]) -> list[Html]:
    """Returns a line for each strategy and quote asset, which add up to the whole; nothing where there is but one strategy."""
    if len({one.name for one in found}) < 2:
        return []
    lines = [performance_line(context, one) for one in by_worth(context, found)]
    return [Html(""), context.texts("pnl.strategies"), *lines]


def period_buttons(context: CommandContext, command: str, period: str) -> Keyboard:
    """Returns a button for each period."""
    labels = {each: context.texts(f"period.{each}") for each in PERIODS}
    return choices(labels[period], [(label, f"/{command} {each}") for each, label in labels.items()])


def by_asset(context: CommandContext, results: Iterable[DayResult]) -> list[Html]:
    """Returns a line for each quote asset with its number of exits, and their total."""
    sums: dict[str, tuple[Decimal, int, int]] = {}
    for day in results:
        profit, exits, wins = sums.get(day.quote_asset, (ZERO, 0, 0))
        sums[day.quote_asset] = (profit + day.profit, exits + day.exits, wins + day.wins)
    lines = [
        context.texts(
            "pnl.line", profit=money(profit, signed=True), quote=quote, exits=exits, wins=wins, rate=round(100 * wins / exits)
        )
        for quote, (profit, exits, wins) in sorted(sums.items())
        if exits
    ]
    totals = together(context, {quote: profit for quote, (profit, exits, _) in sums.items() if exits})
    return [*lines, *totals] or [context.texts("pnl.none")]


COMMAND = Command("pnl", run, arguments=_USAGE, examples=("7d", "month", "all"))
