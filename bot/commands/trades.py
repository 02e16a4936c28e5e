"""/trades: the last closed round trips, page by page."""

from collections.abc import Sequence

from bot.commands.arguments.counts import read_count
from bot.commands.arguments.symbols import meant_symbols, read_symbol, which_symbol
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import page_buttons, read_page
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import alike, per_cent, quantity
from core.domain.errors import LedgerUnavailable
from core.domain.position import Trade

_DEFAULT = 10
_USAGE = "[1-20] [SYMBOL]"


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows one line per trade, the newest first; of all symbols or of one."""
    request = read_page(args)
    words = list(request.args)
    count = read_count(words.pop(0)) if words and words[0].isdigit() else _DEFAULT
    said = words.pop(0) if words else ""
    if count is None or words or (said and read_symbol(said) is None):
        return bad_argument(context, args, COMMAND)
    try:
        symbols = await meant_symbols(context, said) if said else [None]
        if len(symbols) > 1:
            return which_symbol(context, [one for one in symbols if one is not None], "trades")
        symbol = symbols[0]
        trades = await context.ledger.queries.recent_trades(count, symbol=symbol, page=request.page)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    if not trades:
        none = context.texts("trades.none") if symbol is None else context.texts("trades.none_of", symbol=symbol)
        return ChatMessage(none, page_buttons("trades", request, [], count, context.texts))
    title = context.texts.with_zone(context.texts("trades"), context.clock.now())
    lines = [title, *_lines(context, [trade for _, trade in trades])]
    return ChatMessage("\n".join(lines), page_buttons("trades", request, [seq for seq, _ in trades], count, context.texts))


def _lines(context: CommandContext, trades: Sequence[Trade]) -> list[Html]:
    written = {
        quote: alike([one.profit for one in trades if one.quote_asset == quote]) for quote in {one.quote_asset for one in trades}
    }
    return [_line(context, trade, written[trade.quote_asset](trade.profit)) for trade in trades]


def _line(context: CommandContext, trade: Trade, profit: str) -> Html:
    return context.texts(
        "trades.line",
        time=context.texts.moment(trade.closed_at),
        mark="➕" if trade.profit > 0 else "➖",
        symbol=trade.symbol,
        quantity=quantity(trade.qty),
        percent=per_cent(trade.profit_pct),
        profit=profit,
        quote=trade.quote_asset,
        duration=context.texts.duration(trade.closed_at - trade.opened_at),
    )


COMMAND = Command("trades", run, arguments=_USAGE, examples=("5", "20 SYMBOL", "SYMBOL"))
