"""/pnl: the net result of a period, by quote asset."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.numbers import money
from bot.texts import Html
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO
from core.ports import DayResult

_DAYS = {"today": 1, "7d": 7, "30d": 30, "all": None}
_USAGE = "pnl [today|7d|30d|all]"


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """Net of commissions, by UTC days; today where no period is named."""
    period = args[0].lower() if args else "today"
    if period not in _DAYS or len(args) > 1:
        return bad_argument(desk, args, _USAGE)
    days = _DAYS[period]
    since = "" if days is None else (desk.clock.now().date() - timedelta(days=days - 1)).isoformat()
    try:
        results = await desk.queries.day_results(since)
    except LedgerUnavailable:
        return ChatMessage(desk.texts("answer.ledger_read"))
    others = ", ".join(f"/pnl {other}" for other in _DAYS if other != period)
    lines = [
        desk.texts("pnl", period=desk.texts(f"pnl.{period}")),
        *_by_asset(desk, results),
        "",
        desk.texts("pnl.net"),
        desk.texts("pnl.other", periods=others),
    ]
    return ChatMessage("\n".join(lines))


def _by_asset(desk: Desk, results: Iterable[DayResult]) -> list[Html]:
    sums: dict[str, tuple[Decimal, int, int]] = {}
    for day in results:
        profit, exits, wins = sums.get(day.quote_asset, (ZERO, 0, 0))
        sums[day.quote_asset] = (profit + day.profit, exits + day.exits, wins + day.wins)
    lines = [
        desk.texts(
            "pnl.line", profit=money(profit, signed=True), quote=quote, exits=exits, wins=wins, rate=round(100 * wins / exits)
        )
        for quote, (profit, exits, wins) in sorted(sums.items())
        if exits
    ]
    return lines or [desk.texts("pnl.none")]


COMMAND = Command("pnl", run, arguments="[today|7d|30d|all]")
