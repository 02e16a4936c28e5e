"""/quality: what executing the signals cost beside their prices, and what was missed."""

from collections.abc import Sequence

from bot.commands.arguments.periods import PERIODS, first_day
from bot.commands.arguments.symbols import meant_symbols, which_symbol
from bot.commands.base import SYMBOL, Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.commands.pnl import period_buttons
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.execution_quality import quality_lines
from core.domain.errors import LedgerUnavailable
from core.read_models import Selection

_USAGE = "[SYMBOL] [today|7d|30d|month|all]"
_USUAL = "7d"


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows the sums of a period, of all symbols or of one; of the last 7 days where no period is named."""
    periods = [word.lower() for word in args if word.lower() in PERIODS]
    named = [word for word in args if word.lower() not in PERIODS]
    if len(periods) > 1 or len(named) > 1:
        return bad_argument(context, args, COMMAND)
    period = periods[0] if periods else _USUAL
    try:
        symbols: Sequence[str | None] = await meant_symbols(context, named[0]) if named else [None]
        if not symbols:
            return bad_argument(context, args, COMMAND)
        if len(symbols) > 1:
            return which_symbol(context, [one for one in symbols if one is not None], COMMAND.name)
        return await _shown(context, symbols[0], period)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))


async def _shown(context: CommandContext, symbol: str | None, period: str) -> ChatMessage:
    """Returns the answer. Raises LedgerUnavailable."""
    selection = Selection(since=first_day(period, context.clock.now().date()), symbol=symbol)
    groups = ("symbol", "strategy") if symbol is None else ("strategy",)
    report = await context.ledger.quality.report(selection, groups)
    words = context.texts(f"pnl.{period}")
    title = context.texts("quality", period=words) if symbol is None else context.texts("quality.of", symbol=symbol, period=words)
    lines: list[Html] = [title, *quality_lines(report, context.texts)]
    command = " ".join([COMMAND.name, *([symbol] if symbol is not None else [])])
    buttons = period_buttons(context, command, period)
    return ChatMessage("\n".join(lines), (*buttons, (refresh(f"/{command} {period}", context.texts),)))


COMMAND = Command("quality", run, arguments=_USAGE, examples=("7d", f"{SYMBOL} 30d", "month"))
