"""/daily, /weekly, /monthly: the net result of each day, week or month, the newest first."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from bot.commands.arguments.counts import read_count
from bot.commands.base import Args, Command, bad_argument
from bot.commands.context import Caller, Desk
from bot.commands.pagination import choices
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.number_format import aligned, alike
from core.domain.errors import LedgerUnavailable
from core.domain.money import ZERO
from core.policy.conversion_rates import Rate
from core.ports import DayResult

_DEFAULTS = {"daily": 7, "weekly": 8, "monthly": 6}
TOGETHER = ""  # in the place of a quote asset: all of them, in the report asset
_NONE = (ZERO, 0)
Sums = dict[tuple[date, str], tuple[Decimal, int]]
_MOST = {"daily": 31, "weekly": 26, "monthly": 24}


def _command(name: str) -> Command:
    async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
        count = read_count(args[0], _MOST[name]) if args else _DEFAULTS[name]
        if count is None or len(args) > 1:
            return bad_argument(desk, args, f"{name} [1-{_MOST[name]}]")
        try:
            return await _shown(desk, name, count)
        except LedgerUnavailable:
            return ChatMessage(desk.texts("answer.ledger_read"))

    return Command(name, run, arguments=f"[1-{_MOST[name]}]")


async def _shown(desk: Desk, name: str, count: int) -> ChatMessage:
    starts = starts_of(name, desk.clock.now().date(), count)
    results = await desk.queries.day_results(starts[-1].isoformat())
    buttons = choices(desk.texts(f"calendar.{name}"), [(desk.texts(f"calendar.{each}"), f"/{each}") for each in _DEFAULTS])
    lines = _lines(desk, name, starts, results) or [desk.texts("pnl.none")]
    return ChatMessage("\n".join([desk.texts(name, count=count), *lines, "", desk.texts("pnl.net")]), buttons)


def starts_of(name: str, today: date, count: int) -> list[date]:
    """The first UTC day of each of the last `count` days, weeks (from Monday) or months, the newest first."""
    if name == "daily":
        return [today - timedelta(days=back) for back in range(count)]
    if name == "weekly":
        monday = today - timedelta(days=today.weekday())
        return [monday - timedelta(weeks=back) for back in range(count)]
    months = today.year * 12 + today.month - 1
    return [date((months - back) // 12, (months - back) % 12 + 1, 1) for back in range(count)]


def _lines(desk: Desk, name: str, starts: list[date], results: Sequence[DayResult]) -> list[Html]:
    sums: Sums = {}
    for result in results:
        day = date.fromisoformat(result.day)
        start = next(start for start in starts if start <= day)
        profit, exits = sums.get((start, result.quote_asset), (ZERO, 0))
        sums[start, result.quote_asset] = (profit + result.profit, exits + result.exits)
    quotes = sorted({quote for _, quote in sums})
    lacking = _add_totals(desk, starts, quotes, sums)
    blocks = []
    for quote in [*quotes, *([TOGETHER] if (starts[0], TOGETHER) in sums else [])]:
        found = [(start, *sums.get((start, quote), (ZERO, 0))) for start in starts]
        written = alike([profit for _, profit, _ in found])
        amounts = aligned([written(profit) for _, profit, _ in found])
        rows = [
            f"{_label(desk, name, start)}  {amount}  {exits:>3}" for (start, _, exits), amount in zip(found, amounts, strict=True)
        ]
        key = "calendar.together" if quote == TOGETHER else "calendar.block"
        blocks.append(desk.texts(key, quote=quote or desk.rates.report, rows="\n".join(rows)))
    return [*blocks, *([desk.texts("total.without", assets=", ".join(lacking))] if lacking else [])]


def _add_totals(desk: Desk, starts: list[date], quotes: list[str], sums: Sums) -> list[str]:
    """Adds to `sums` what each time comes to in the report asset, at present rates; the assets left out for want of a rate."""
    if not set(quotes) - {desk.rates.report}:
        return []
    rates = desk.rates.last(quotes)
    known = {quote: one for quote, one in rates.items() if isinstance(one, Rate)}
    for start in starts if known else ():
        found = [(rate, *sums.get((start, quote), _NONE)) for quote, rate in known.items()]
        profit = sum((rate.at_worst(profit) for rate, profit, _ in found), ZERO)
        sums[start, TOGETHER] = profit, sum(exits for *_, exits in found)
    return sorted(set(quotes) - known.keys())


def _label(desk: Desk, name: str, start: date) -> str:
    return f"{start:%m.%Y}" if name == "monthly" else desk.texts.day(start)


COMMANDS = tuple(_command(name) for name in _DEFAULTS)
