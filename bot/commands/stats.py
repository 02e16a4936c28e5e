"""/stats: trading statistics: rates, averages, best and worst, maximum drawdown, holding time."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import alike, per_cent
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO, divide
from core.domain.position import Trade
from core.domain.trading_figures import Stats, expectancy, profit_factor, stats_of
from core.read_models import Selection

_LAST = 1_000  # exits, and trades, that are read one by one


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows the last 1,000 exits and closed trades, by quote asset."""
    if args:
        return bad_argument(context, args, COMMAND)
    try:
        gains = await context.ledger.analytics.gains(Selection(), _LAST)
        trades = [trade for _, trade in await context.ledger.queries.recent_trades(_LAST)]
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    profits: dict[str, list[Decimal]] = {}
    for gain in gains:
        profits.setdefault(gain.quote_asset, []).append(gain.profit)
    blocks = [
        "\n".join(
            [*_lines(context, quote, stats_of(found)), *_trades(context, [one for one in trades if one.quote_asset == quote])]
        )
        for quote, found in sorted(profits.items())
    ]
    head = context.texts("stats", count=len(gains)) if gains else context.texts("trades.none")
    return ChatMessage("\n\n".join([head, *blocks]), ((refresh("/stats", context.texts),),))


def _lines(context: CommandContext, quote: str, found: Stats) -> list[Html]:
    texts, losses = context.texts, found.exits - found.wins
    ratio = profit_factor(found.won, found.lost)
    factor = "∞" if ratio is None else f"{ratio:.2f}"
    mean = expectancy(found.won - found.lost, found.exits) or ZERO
    won = divide(found.won, Decimal(found.wins)) if found.wins else ZERO
    lost = -divide(found.lost, Decimal(losses)) if losses else ZERO
    written = alike([found.won - found.lost, mean, won, found.best, lost, found.worst, found.fall])
    lines = [
        texts("stats.result", profit=written(found.won - found.lost), quote=quote),
        texts("stats.rate", wins=found.wins, exits=found.exits, rate=round(100 * found.wins / found.exits)),
        texts("stats.factor", factor=factor, mean=written(mean), quote=quote),
    ]
    if found.wins:
        lines.append(texts("stats.won", mean=written(won), best=written(found.best)))
    if losses:
        lines.append(texts("stats.lost", mean=written(lost), worst=written(found.worst)))
    return [
        *lines,
        texts("stats.fall", fall=written(-found.fall), quote=quote),
        texts("stats.streaks", won=found.longest_won, lost=found.longest_lost),
    ]


def _trades(context: CommandContext, trades: Sequence[Trade]) -> list[Html]:
    """Returns the statistics of closed round trips in one quote asset; nothing before the first is closed."""
    if not trades:
        return []
    held = context.texts.duration(mean_held(trades))
    best, worst = max(trades, key=lambda one: one.profit), min(trades, key=lambda one: one.profit)
    written = alike([best.profit, worst.profit])
    return [
        context.texts("stats.held", duration=held, trades=len(trades)),
        *(
            context.texts(
                key,
                symbol=one.symbol,
                percent=per_cent(one.profit_pct),
                profit=written(one.profit),
                quote=one.quote_asset,
            )
            for key, one in (("stats.best_trade", best), ("stats.worst_trade", worst))
        ),
    ]


def mean_held(trades: Sequence[Trade]) -> timedelta:
    """Returns how long a position was open on average; at least one trade."""
    return sum((one.closed_at - one.opened_at for one in trades), timedelta()) / len(trades)


COMMAND = Command("stats", run)
