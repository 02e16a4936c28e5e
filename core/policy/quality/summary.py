"""Sums of costs: of a period, and by day, hour, symbol, strategy, source or role. Exact: the parts of a sum make the whole."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from math import ceil
from typing import Any, TypeVar

from core.domain.assets import quote_of
from core.domain.execution_quality import Latency, Quality, Spread
from core.domain.money import EXACT, ZERO
from core.domain.position import Role
from core.domain.signal import Side
from core.policy.quality.costs import STAGES, Costs, costs_of, latencies
from core.policy.quality.kept import ExecutedOrder, kind_of
from core.policy.quality.missed import Missed

T = TypeVar("T", Decimal, timedelta)


@dataclass(frozen=True, slots=True)
class _Traits:
    """The values by which an order or a missed signal is grouped."""

    at: datetime
    symbol: str
    strategy: str
    source: str
    role: str


GROUPS: Mapping[str, Callable[[_Traits], str]] = {
    "all": lambda _: "",
    "day": lambda one: f"{one.at:%Y-%m-%d}",
    "hour": lambda one: f"{one.at:%H}",
    "symbol": lambda one: one.symbol,
    "strategy": lambda one: one.strategy,
    "source": lambda one: one.source,
    "role": lambda one: one.role,
}
"""The ways to group sums. Days and hours are of UTC: an order's of its execution, a missed signal's of its arrival."""


class _Sum:
    """Adds up one group. Works in the context EXACT."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = defaultdict(int)
        self._amounts: dict[str, Decimal] = defaultdict(Decimal)
        self._single: list[Decimal] = []

    def order(self, costs: Costs | None) -> None:
        """Adds an executed order; None: its signal's price is not known."""
        self._counts["unmeasured" if costs is None else "orders"] += 1
        if costs is None:
            return
        self._single.append(costs.slippage_bps)
        self._counts["fees_unknown"] += costs.fees is None
        if costs.met is None:
            self._amounts["unsplit"] += costs.slippage
        for name in ("worth", "slippage", "fees", "met", "delay", "execution", "spread"):
            self._amounts[name] += getattr(costs, name) or ZERO

    def missed(self, one: Missed) -> None:
        """Adds what was not traded."""
        self._counts["missed"] += 1
        worth, cost = one.worth, one.cost
        if worth is None or cost is None:
            self._counts["unpriced"] += 1
            return
        self._amounts["missed_worth"] += worth
        self._amounts["opportunity"] += cost
        if one.was_sent:
            self._amounts["unfilled_worth"] += worth

    def quality(self, name: str, quote_asset: str) -> Quality:
        """Returns the sum."""
        values = sorted(self._single)
        single = Spread(*_ranks(values)) if values else None
        sums: dict[str, Any] = {**self._counts, **self._amounts}
        return Quality(name, quote_asset, single=single, **sums)


@dataclass(frozen=True, slots=True)
class Measured:
    """Executed orders with their costs, and what was missed: computed once, added up in several ways."""

    orders: Sequence[tuple[ExecutedOrder, Costs | None]]
    missed: Sequence[Missed]


def measure(orders: Iterable[ExecutedOrder], missed: Iterable[Missed]) -> Measured:
    """Returns the orders with what each cost."""
    return Measured([(one, costs_of(one.execution)) for one in orders], list(missed))


def summaries(measured: Measured, by: str) -> list[Quality]:
    """Returns a sum for each value of `by`, one of GROUPS, and quote asset: by quote asset and name."""
    name_of = GROUPS[by]
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    with localcontext(EXACT):
        for order, costs in measured.orders:
            sums[order.execution.quote_asset, name_of(_of_order(order))].order(costs)
        for one in measured.missed:
            traits = _of_missed(one)
            sums[quote_of(traits.symbol) or "", name_of(traits)].missed(one)
        return [found.quality(name, quote) for (quote, name), found in sorted(sums.items())]


def delays(orders: Iterable[ExecutedOrder]) -> list[Latency]:
    """Returns how long orders took to come to each stage, in the order of the stages; without those that none is known to have
    come to."""
    found: dict[str, list[timedelta]] = defaultdict(list)
    for order in orders:
        for stage, length in latencies(order.moments).items():
            found[stage].append(length)
    return [_latency(stage, sorted(found[stage])) for stage in STAGES if stage in found]


def percentile(values: Sequence[T], part: int) -> T:
    """Returns the least of `values`, in ascending order, that `part` of 100 of them do not exceed (nearest rank)."""
    return values[max(ceil(len(values) * part / 100), 1) - 1]


def _latency(stage: str, values: Sequence[timedelta]) -> Latency:
    return Latency(stage, len(values), *_ranks(values))


def _ranks(values: Sequence[T]) -> tuple[T, T, T, T]:
    """Returns what half, 90 and 99 of 100 of the sorted `values` do not exceed, and the greatest."""
    return percentile(values, 50), percentile(values, 90), percentile(values, 99), values[-1]


def _of_order(order: ExecutedOrder) -> _Traits:
    one = order.execution
    return _Traits(one.executed_at, one.symbol, one.strategy, order.source, one.role.value)


def _of_missed(one: Missed) -> _Traits:
    signal = one.received.signal
    role = Role.ENTRY if signal.side is Side.BUY else Role.EXIT
    return _Traits(one.received.received_at, signal.symbol, signal.strategy, kind_of(signal.source), role.value)
