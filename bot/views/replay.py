"""A replay beside the record, readable on a phone: what would be different, and how far the answer holds. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from bot.texts import Html, Texts
from bot.views.number_format import alike, money
from core.domain.money import EXACT
from core.records.replay_result import Replayed, Totals


def replay_lines(found: Replayed, texts: Texts) -> list[Html]:
    """Returns the answer: totals in each quote asset, then its limits."""
    if not found.signals:
        return [texts("whatif.nothing")]
    quotes = sorted(found.before.keys() | found.now.keys())
    lines: list[Html] = [
        line
        for quote in quotes
        for line in _totals(found.before.get(quote, Totals(quote)), found.now.get(quote, Totals(quote)), texts)
    ]
    lines.append(texts("whatif.decided", count=len(found.differing), signals=len(found.signals)))
    return [*lines, Html(), texts("whatif.limits"), *_limits(found, texts)]


def _totals(before: Totals, now: Totals, texts: Texts) -> Iterator[Html]:
    quote, change = before.quote, EXACT.subtract(now.profit, before.profit)
    written = alike([before.profit, now.profit, change])
    yield texts("whatif.profit", before=written(before.profit), now=written(now.profit), difference=written(change), quote=quote)
    if before.open_profit is None or now.open_profit is None:
        yield texts("whatif.open_unknown")
    elif before.open_profit or now.open_profit:
        yield texts("whatif.open", before=_signed(before.open_profit), now=_signed(now.open_profit), quote=quote)
    yield texts("whatif.trades", before=before.trades, now=now.trades, won_before=before.won, won_now=now.won)
    yield texts("whatif.stopped", before=before.stopped, now=now.stopped)
    if before.worst is not None or now.worst is not None:
        yield texts("whatif.worst", before=_worst(before, texts), now=_worst(now, texts), quote=quote)
    yield texts("whatif.fees", before=money(before.fees), now=money(now.fees), quote=quote)


def _signed(amount: Decimal) -> str:
    return money(amount, signed=True)


def _worst(totals: Totals, texts: Texts) -> Html:
    """Returns the worst trade with its symbol and day."""
    if totals.worst is None:
        return texts("whatif.none")
    worst = totals.worst
    return texts("whatif.trade", profit=_signed(worst.profit), symbol=worst.symbol, day=texts.day(worst.closed_at))


def _limits(found: Replayed, texts: Texts) -> Iterator[Html]:
    """Yields how far the answer holds."""
    known = found.prices
    yield texts("whatif.guessed", count=known.on_paper)
    yield texts("whatif.prices", count=sum(known.points.values()))
    if known.longest_gap:
        yield texts("whatif.gap", length=texts.duration(timedelta(seconds=known.longest_gap)))
    if known.stale:
        yield texts("whatif.stale", count=known.stale)
    lacks = Counter(one.lack for one in found.signals if one.lack is not None)
    if number := sum(lacks.values(), 0) + found.pruned:
        yield texts("whatif.not_repeated", count=number)
    if found.carried:
        yield texts("whatif.carried", count=found.carried)
    if found.since is not None:
        yield texts("whatif.since", since=texts.full_moment(found.since))
