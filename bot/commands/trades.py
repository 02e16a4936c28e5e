"""/trades: the last closed round trips."""

from bot.command import Args, Command, bad_argument, count_from
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.numbers import money, per_cent, quantity
from bot.render import duration
from bot.texts import Html
from core.domain.errors import LedgerUnavailable
from core.domain.position import Trade

_DEFAULT = 10


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """One line each, the newest first."""
    count = count_from(args, _DEFAULT)
    if count is None:
        return bad_argument(desk, args, "trades [1-20]")
    try:
        trades = await desk.queries.recent_trades(count)
    except LedgerUnavailable:
        return ChatMessage(desk.texts("answer.ledger_read"))
    if not trades:
        return ChatMessage(desk.texts("trades.none"))
    return ChatMessage("\n".join([desk.texts("trades"), *(_line(desk, trade) for trade in trades)]))


def _line(desk: Desk, trade: Trade) -> Html:
    return desk.texts(
        "trades.line",
        time=desk.texts.moment(trade.closed_at),
        mark="➕" if trade.profit > 0 else "➖",
        symbol=trade.symbol,
        quantity=quantity(trade.qty),
        percent=per_cent(trade.profit_pct),
        profit=money(trade.profit, signed=True),
        quote=trade.quote_asset,
        duration=duration(trade.closed_at - trade.opened_at, desk.texts),
    )


COMMAND = Command("trades", run, arguments="[1-20]")
