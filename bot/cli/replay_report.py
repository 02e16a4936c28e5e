"""The report of a replay for the terminal: totals, refusals, each decision that differs, and how far the answer holds."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from core.domain.duration import in_units
from core.domain.money import EXACT, plain
from core.records.replay_result import Fate, Lack, Replayed, SignalReplayed, Totals
from core.records.shadow import ShadowReport, Stage

_LACKS = {
    Lack.OUTAGE: "hung on an outage or on the state of the exchange",
    Lack.UNDECIDED: "have no decision in the ledger",
    Lack.UNANSWERED: "would have been asked about, and nobody was asked then",
}
_SOURCES = {"decision": "decisions", "fill": "fills", "candle": "candles", "signal": "signals alone"}
_CENT = Decimal("0.01")
_TAKEN = frozenset({"executed", "accepted", "partially_filled"})


def report_lines(found: Replayed, changes: Mapping[str, str], *, lists_all: bool = False) -> Iterator[str]:
    """Yields the report, line by line."""
    since = f"{found.since:%Y-%m-%d %H:%M}" if found.since is not None else "the beginning"
    yield f"Replay from {since} to {found.until:%Y-%m-%d %H:%M} UTC: {len(found.signals)} signals"
    changed = ", ".join(f"{name}={value}" for name, value in changes.items())
    yield f"Settings: today's{f', with {changed}' if changed else ''}"
    yield ""
    yield from _totals(found)
    yield ""
    yield from _refusals(found)
    yield from _decisions(found, lists_all=lists_all)
    yield from _limits_of_the_answer(found)


def _totals(found: Replayed) -> Iterator[str]:
    quotes = sorted(found.before.keys() | found.now.keys())
    if not quotes:
        yield "Nothing was traded, and nothing would have been."
    for quote in quotes:
        before, now = (each.get(quote, Totals(quote)) for each in (found.before, found.now))
        yield f"{quote:16}{'recorded':>14}{'now':>14}{'difference':>14}"
        yield _count("closed trades", before.trades, now.trades)
        yield _count("won", before.won, now.won)
        yield _count("sold by stops", before.stopped, now.stopped)
        yield _amounts("profit", before.profit, now.profit)
        yield _amounts("fees", before.fees, now.fees)
        if before.open_profit is not None and now.open_profit is not None:
            yield _amounts("open positions", before.open_profit, now.open_profit)
        else:
            yield "open positions: no price of them is known"
        yield _amounts("worst trade", _worst(before), _worst(now))


def _worst(totals: Totals) -> Decimal:
    return totals.worst.profit if totals.worst is not None else Decimal(0)


def _count(what: str, before: int, now: int) -> str:
    return f"  {what:14}{before:>14}{now:>14}{now - before:>+14}"


def _amounts(what: str, before: Decimal, now: Decimal) -> str:
    return f"  {what:14}{before:>14.2f}{now:>14.2f}{EXACT.subtract(now, before):>+14.2f}"


def _refusals(found: Replayed) -> Iterator[str]:
    before, now = Counter[str](), Counter[str]()
    for one in found.signals:
        before.update(_refusal(one.before))
        now.update(_refusal(one.now))
    if before or now:
        yield f"{'Not traded, by reason':30}{'recorded':>14}{'now':>14}"
        for name in sorted(before | now, key=lambda name: (-before[name], -now[name], name)):
            yield f"  {name:28}{before[name]:>14}{now[name]:>14}"
        yield ""


def _refusal(fate: Fate | None) -> list[str]:
    if fate is None or fate.outcome in _TAKEN:
        return []
    return [fate.reason.code if fate.reason is not None else fate.outcome]


def _decisions(found: Replayed, *, lists_all: bool) -> Iterator[str]:
    differing = found.differing
    yield f"Decided otherwise: {len(differing)} of {len(found.signals)}"
    for one in found.signals if lists_all else differing:
        yield f"  {_moment(one.at)} {_named(one)}: {_said(one.before)} -> {_now(one)}"


def _now(one: SignalReplayed) -> str:
    if one.lack is not None:
        return f"not repeated ({one.lack})"
    return "the same" if not one.differs else _said(one.now) if one.now is not None else "did not arise"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def _named(one: SignalReplayed) -> str:
    strategy = f" ({one.strategy})" if one.strategy != "default" else ""
    return f"{one.signal_type} {one.symbol}{strategy}"


def _said(fate: Fate) -> str:
    if fate.outcome == "executed" and fate.price is not None:
        return f"executed {plain(fate.executed)} at {plain(fate.price)}"
    return f"{fate.outcome}: {fate.reason}" if fate.reason is not None else fate.outcome


def _limits_of_the_answer(found: Replayed) -> Iterator[str]:
    """Yields how far the answer holds."""
    yield ""
    lacks = Counter(one.lack for one in found.signals if one.lack is not None)
    yield from (f"Not repeated: {number} signals {_LACKS[lack]}; they count as recorded" for lack, number in lacks.items())
    if found.pruned:
        yield f"Not repeated: {found.pruned} signals, of which the ledger keeps only the content (RETENTION_DAYS)"
    if found.accepted:
        yield f"Not repeated: the ledger was set to the exchange's figures {found.accepted} times (/accept)"
    if found.carried:
        yield f"Open at the beginning: {found.carried} positions; they keep the exits that they were bought with"
    yield from _prices(found)


def _prices(found: Replayed) -> Iterator[str]:
    known, sources = found.prices, []
    for name, count in known.points.items():
        sources += [f"{count} of {_SOURCES[name]}"] if count else []
    yield f"Prices: {', '.join(sources) or 'none'}. Between them the market is not known: a stop on paper sells at the next one"
    if known.longest_gap:
        yield f"Longest time without a price while something was held: {in_units(str(int(known.longest_gap)))}"
    if known.unknown:
        yield f"No price at all: {', '.join(known.unknown)}"
    stale = f", {known.stale} of them at a price older than a minute" if known.stale else ""
    yield f"Orders that were not really sent, and so are guessed on paper with 0.1% fees: {known.on_paper}{stale}"
    if found.inferred and known.on_paper:
        yield "Rules of the symbols are inferred from recorded orders; --candles asks the exchange for them, and for candles"


_MOST_ORDERS = 20
_STAGES = {
    Stage.DELAY: "delay",
    Stage.EXECUTION: "execution",
    Stage.FEES: "fees",
    Stage.PART: "partial fills",
    Stage.MISSED: "one side only",
}


def shadow_lines(found: ShadowReport) -> Iterator[str]:
    """Yields trading beside its shadow: sums, stages, and the orders that differ most."""
    since = f"{found.since:%Y-%m-%d %H:%M}" if found.since is not None else "the beginning"
    yield f"Trading beside its shadow from {since} to {found.until:%Y-%m-%d %H:%M} UTC: {len(found.orders)} orders"
    yield "The shadow: every signal by the same settings, each order filled whole at once, at the price of its signal, fee 0.1%"
    for one in found.sums.values():
        yield ""
        yield f"{one.quote:16}{'traded':>14}{'shadow':>14}{'difference':>14}"
        yield f"  {'result':14}{one.traded:>14.2f}{one.shadow:>14.2f}{one.difference:>+14.2f}"
        yield from (f"  {_STAGES[stage]:14}{'':28}{amount:>+14.2f}" for stage, amount in sorted(one.stages.items()))
    differing = [one for one in found.orders if abs(one.difference) >= _CENT]
    yield ""
    yield f"Orders that differ by a cent or more: {len(differing)}"
    for order in differing[:_MOST_ORDERS]:
        parts = ", ".join(f"{_STAGES[stage]} {amount:+.2f}" for stage, amount in order.stages.items())
        yield f"  {_moment(order.at)} {order.side} {order.symbol}: {order.difference:+.2f} {order.quote} ({parts})"
