"""/daily, /weekly, /monthly: the net result of each day, week or month, the newest first."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from bot.commands.arguments.counts import read_count
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import choices
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import aligned, alike
from core.domain.day_result import DayResult
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO
from core.policy.conversion_rates import Rate

_DEFAULTS = {"daily": 7, "weekly": 8, "monthly": 6}
TOGETHER = ""  # in place of a quote asset: all of them, in the report asset
_NONE = (ZERO, 0)
Sums = dict[tuple[date, str], tuple[Decimal, int]]
_MOST = {"daily": 31, "weekly": 26, "monthly": 24}


def _command(name: str) -> Command:
    async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
        count = read_count(args[0], _MOST[name]) if args else _DEFAULTS[name]
        if count is None or len(args) > 1:
            return bad_argument(context, args, command)
        try:
            return await _shown(context, name, count)
        except LedgerUnavailable:
            return ChatMessage(context.texts("answer.ledger_read"))

    command = Command(name, run, arguments=f"[1-{_MOST[name]}]", examples=("", f"{_DEFAULTS[name] // 2}"))
    return command


async def _shown(context: CommandContext, name: str, count: int) -> ChatMessage:
    starts = starts_of(name, context.clock.now().date(), count)
    results = await context.ledger.queries.day_results(starts[-1].isoformat())
    starts = since_first(starts, await context.ledger.queries.began_at(), results)
    buttons = choices(context.texts(f"calendar.{name}"), [(context.texts(f"calendar.{each}"), f"/{each}") for each in _DEFAULTS])
    lines = _lines(context, name, starts, results) or [context.texts("pnl.none")]
    return ChatMessage("\n".join([context.texts(name, count=len(starts)), *lines, "", context.texts("pnl.net")]), buttons)


def starts_of(name: str, today: date, count: int) -> list[date]:
    """Returns the first UTC day of each of the last `count` days, weeks (from Monday) or months, the newest first."""
    if name == "daily":
        return [today - timedelta(days=back) for back in range(count)]
    if name == "weekly":
        monday = today - timedelta(days=today.weekday())
        return [monday - timedelta(weeks=back) for back in range(count)]
    months = today.year * 12 + today.month - 1
    return [date((months - back) // 12, (months - back) % 12 + 1, 1) for back in range(count)]


def since_first(starts: list[date], began_at: datetime | None, results: Sequence[DayResult]) -> list[date]:
    """Returns the periods without those that were over before the first start, or before the first result if that is older."""
    days = [*([began_at.date()] if began_at is not None else []), *(date.fromisoformat(result.day) for result in results)]
    if not days:
        return starts
    first = next((start for start in starts if start <= min(days)), starts[-1])
    return [start for start in starts if start >= first]


def _lines(context: CommandContext, name: str, starts: list[date], results: Sequence[DayResult]) -> list[Html]:
    sums: Sums = {}
    for result in results:
        day = date.fromisoformat(result.day)
        start = next(start for start in starts if start <= day)
        profit, exits = sums.get((start, result.quote_asset), (ZERO, 0))
        sums[start, result.quote_asset] = (profit + result.profit, exits + result.exits)
    quotes = sorted({quote for _, quote in sums})
    lacking = _add_totals(context, starts, quotes, sums)
    blocks = []
    for quote in [*quotes, *([TOGETHER] if (starts[0], TOGETHER) in sums else [])]:
        found = [(start, *sums.get((start, quote), (ZERO, 0))) for start in starts]
        written = alike([profit for _, profit, _ in found])
        amounts = [context.texts.figure(each) for each in aligned([written(profit) for _, profit, _ in found])]
        rows = [
            f"{_label(context, name, start)}  {amount}  {exits:>3}"
            for (start, _, exits), amount in zip(found, amounts, strict=True)
        ]
        key = "calendar.together" if quote == TOGETHER else "calendar.block"
        blocks.append(context.texts(key, quote=quote or context.exchange.rates.report, rows="\n".join(rows)))
    return [*blocks, *([context.texts("total.without", assets=", ".join(lacking))] if lacking else [])]


def _add_totals(context: CommandContext, starts: list[date], quotes: list[str], sums: Sums) -> list[str]:
    """Adds each period's total in the report asset to `sums`, at current rates; returns the assets left out because their rate
    is unknown."""
    if not set(quotes) - {context.exchange.rates.report}:
        return []
    rates = context.exchange.rates.last(quotes)
    known = {quote: one for quote, one in rates.items() if isinstance(one, Rate)}
    for start in starts if known else ():
        found = [(rate, *sums.get((start, quote), _NONE)) for quote, rate in known.items()]
        profit = sum((rate.at_worst(profit) for rate, profit, _ in found), ZERO)
        sums[start, TOGETHER] = profit, sum(exits for *_, exits in found)
    return sorted(set(quotes) - known.keys())


def _label(context: CommandContext, name: str, start: date) -> str:
    return f"{start:%m.%Y}" if name == "monthly" else context.texts.day(start)


COMMANDS = tuple(_command(name) for name in _DEFAULTS)
