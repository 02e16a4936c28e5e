"""The quality of execution as a message: what it cost, in which parts, and what to do about the largest. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from bot.texts import Html, Texts, short
from bot.views.number_format import basis_points, money, quantity
from core.domain.execution_quality import Latency, Quality, bps
from core.domain.money import HUNDRED, ZERO, multiply
from core.read_models import QualityReport

_SHOWN = 5
_BLANK = Html("")
_SECONDS = Decimal("0.001")


def quality_lines(report: QualityReport, texts: Texts) -> list[Html]:
    """Returns the message below its title: a block for each quote asset, the groups, latency, and what the numbers mean."""
    if not any(one.orders or one.missed or one.unmeasured for one in report.whole):
        return [texts("quality.none")]
    lines: list[Html] = []
    for one in report.whole:
        lines += [*_block(one, texts), _BLANK]
    for by, sums in report.groups.items():
        lines += _group(by, sums, texts)
    lines += _latencies(report.latencies, texts)
    if report.newest is not None:
        lines.append(texts("quality.newest", count=report.newest))
    return [*lines, texts("quality.legend")]


def _block(one: Quality, texts: Texts) -> Iterator[Html]:
    """Yields the sums of one quote asset, and what to do about them."""
    if one.orders:
        yield from _traded(one, texts)
    if one.missed:
        yield from _missed(one, texts)
    if one.orders and (one.missed - one.unpriced or one.fees):
        yield texts("quality.shortfall", bps=basis_points(one.shortfall_bps), **_amount(one.shortfall, one))
    if one.unmeasured:
        yield texts("quality.unmeasured", count=one.unmeasured)
    if one.orders or one.missed > one.unpriced:
        yield texts(f"quality.advice_{_largest(one)}")


def _traded(one: Quality, texts: Texts) -> Iterator[Html]:
    yield texts("quality.orders", count=one.orders, filled=quantity(round(multiply(one.fill_ratio or ZERO, HUNDRED), 1)))
    yield texts("quality.slippage", bps=basis_points(bps(one.slippage, one.worth)), **_amount(one.slippage, one))
    if one.met:
        for name, amount in (("delay", one.delay), ("execution", one.execution)):
            yield texts(f"quality.{name}", bps=basis_points(bps(amount, one.worth)), **_amount(amount, one))
    if one.unsplit or not one.met:
        yield texts("quality.unsplit", bps=basis_points(bps(one.unsplit, one.worth)), **_amount(one.unsplit, one))
    if one.single is not None and one.orders > 1:
        shown = {name: basis_points(getattr(one.single, name)) for name in ("median", "p90", "worst")}
        yield texts("quality.single", **shown)
    if one.met:
        yield texts("quality.spread", bps=basis_points(bps(one.spread, one.met)), **_amount(one.spread, one))
    yield texts("quality.fees", bps=basis_points(bps(one.fees, one.worth)), **_amount(one.fees, one))
    if one.fees_unknown:
        yield texts("quality.fees_unknown", count=one.fees_unknown)


def _missed(one: Quality, texts: Texts) -> Iterator[Html]:
    """Yields what was not traded: what it would have brought, or that nobody can tell."""
    if one.missed > one.unpriced:
        kind = "missed_cost" if one.opportunity > 0 else "missed_saved"
        yield texts(f"quality.{kind}", count=one.missed, amount=money(abs(one.opportunity)), quote=one.quote_asset)
    else:
        yield texts("quality.missed", count=one.missed)
    if one.unpriced and one.missed > one.unpriced:
        yield texts("quality.unpriced", count=one.unpriced)


def _largest(one: Quality) -> str:
    """Returns the name of the part that costs most; `good` where nothing costs anything."""
    parts: Mapping[str, Decimal] = {
        "delay": one.delay,
        "execution": one.execution,
        "unsplit": one.unsplit,
        "fees": one.fees,
        "missed": one.opportunity,
    }
    name = max(parts, key=lambda part: parts[part])
    return name if parts[name] > ZERO and one.shortfall > ZERO else "good"


def _group(by: str, sums: Sequence[Quality], texts: Texts) -> list[Html]:
    """Returns a line for each value of a group, the dearest first; nothing where there is but one."""
    if len({one.name for one in sums}) < 2:
        return []
    dearest = sorted(sums, key=lambda one: one.shortfall_bps, reverse=True)
    lines = [texts(f"quality.by_{by}")]
    for one in dearest[:_SHOWN]:
        shown = {"name": short(one.name, 24), "orders": one.orders, "missed": one.missed}
        lines.append(texts("quality.line", bps=basis_points(one.shortfall_bps), **shown, **_amount(one.shortfall, one)))
    if len(dearest) > _SHOWN:
        lines.append(texts("quality.more", count=len(dearest) - _SHOWN))
    return [*lines, _BLANK]


def _latencies(found: Sequence[Latency], texts: Texts) -> list[Html]:
    if not found:
        return []
    lines = [texts(f"quality.stage_{one.stage}", median=length(one.median, texts), p90=length(one.p90, texts)) for one in found]
    return [texts("quality.latency"), *lines, _BLANK]


def length(took: timedelta, texts: Texts) -> str:
    """Returns a length in milliseconds below a second, else in seconds or longer units."""
    seconds = Decimal(took // timedelta(microseconds=1)).scaleb(-6).quantize(_SECONDS)
    if abs(seconds) < 1:
        return texts("quality.ms", count=int(seconds * 1000))
    return texts.length(f"{seconds:.1f}")


def _amount(amount: Decimal, one: Quality) -> dict[str, str]:
    return {"amount": money(amount, signed=True), "quote": one.quote_asset}
