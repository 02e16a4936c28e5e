"""/performance: which symbols and which kinds of signal earn, the best first."""

from collections.abc import Sequence

from bot.commands.arguments.periods import PERIODS, first_day
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pnl import period_buttons
from bot.commands.valuation import by_worth, performance_line
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import alike
from core.domain.errors import LedgerUnavailable
from core.read_models import Performance, Selection

_USAGE = "[today|7d|30d|month|all]"
_SHOWN = 8


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows results net of commissions; all time where no period is named."""
    period = args[0].lower() if args else "all"
    if period not in PERIODS or len(args) > 1:
        return bad_argument(context, args, COMMAND)
    selection = Selection(since=first_day(period, context.clock.now().date()))
    try:
        symbols = by_worth(context, await context.ledger.analytics.performance("symbol", selection))
        kinds = by_worth(context, await context.ledger.analytics.performance("signal_type", selection))
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    lines: list[str] = [context.texts("performance", period=context.texts(f"pnl.{period}"))]
    if symbols:
        lines += [*_lines(context, symbols), "", context.texts("performance.types"), *_lines(context, kinds)]
    else:
        lines.append(context.texts("pnl.none"))
    return ChatMessage("\n".join(lines), period_buttons(context, "performance", period))


def _lines(context: CommandContext, found: Sequence[Performance]) -> list[Html]:
    """Returns the best and the worst where there are many."""
    shown = list(found) if len(found) <= _SHOWN else [*found[: _SHOWN // 2], None, *found[-_SHOWN // 2 :]]
    quotes = {one.quote_asset for one in found}
    written = {quote: alike([one.profit for one in shown if one is not None and one.quote_asset == quote]) for quote in quotes}
    return [
        context.texts("performance.gap", count=len(found) - _SHOWN)
        if one is None
        else performance_line(context, one, written[one.quote_asset](one.profit))
        for one in shown
    ]


COMMAND = Command("performance", run, arguments=_USAGE, examples=("30d", "all"))
