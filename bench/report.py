"""The figures of one run, as a table and as JSON. Compares them with the goals, and decides nothing."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.contenders import BARE, DOCUMENTS, FLOOR, OURS, OURS_ON_POSTGRES

_STAGES = ("received", "decided", "committed", "sent", "answered", "filled")


@dataclass(slots=True)
class Figures:
    """One contender's results of all rounds."""

    seconds: list[float] = field(default_factory=list)
    """Seconds from signal to order, one at a time."""
    rates: list[float] = field(default_factory=list)
    """Orders per second of each burst."""
    cpu: list[float] = field(default_factory=list)
    """Seconds of processor time for an order of each burst."""
    resident: list[float] = field(default_factory=list)
    """The most memory at once, in MB, by the end of each burst."""
    starts: list[float] = field(default_factory=list)
    """Seconds of processor time from the start of each process until it was ready."""

    stages: dict[str, tuple[float, float]] = field(default_factory=lambda: defaultdict(lambda: (0.0, 0.0)))
    """Seconds that the orders of all single signals took to each stage, and how many they were."""

    def add(self, round_: "Figures") -> None:
        """Adds the results of another round."""
        self.seconds += round_.seconds
        self.rates += round_.rates
        self.cpu += round_.cpu
        self.resident += round_.resident
        self.starts += round_.starts
        for stage, (seconds, orders) in round_.stages.items():
            before = self.stages[stage]
            self.stages[stage] = before[0] + seconds, before[1] + orders

    def percentile(self, number: int) -> float:
        """Returns a percentile of the time from signal to order, in milliseconds."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[number - 1] * 1000

    @property
    def rate(self) -> float:
        """Returns the median of the bursts, in orders per second."""
        return statistics.median(self.rates)

    @property
    def cpu_ms(self) -> float:
        """Returns the median of the processor time for an order, in milliseconds."""
        return statistics.median(self.cpu) * 1000

    @property
    def memory(self) -> float:
        """Returns the most memory of all rounds, in MB."""
        return max(self.resident)

    @property
    def start(self) -> float:
        """Returns the median of the processor time until it was ready, in seconds."""
        return statistics.median(self.starts)


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of MarketFlow beside the most, or the least, that it should be."""

    name: str
    value: float
    unit: str
    bound: float
    is_least: bool = False

    @property
    def met(self) -> bool:
        return self.value >= self.bound if self.is_least else self.value <= self.bound

    @property
    def target(self) -> str:
        return f"at {'least' if self.is_least else 'most'} {self.bound:g}{self.unit}"


def goals(figures: dict[str, Figures]) -> Sequence[Goal]:
    """Returns the figures that have goals."""
    ours, postgres, floor, bare = figures[OURS], figures[OURS_ON_POSTGRES], figures[FLOOR], figures[BARE]
    return (
        Goal("p50, MarketFlow : durable floor", ours.percentile(50) / floor.percentile(50), "x", 1.35),
        Goal("p99, MarketFlow : durable floor", ours.percentile(99) / floor.percentile(99), "x", 2),
        Goal("orders/s in a burst, MarketFlow : bare loop", ours.rate / bare.rate, "x", 0.75, is_least=True),
        Goal("orders/s in a burst, MarketFlow : document's loop", ours.rate / figures[DOCUMENTS].rate, "x", 2.5, is_least=True),
        Goal("processor time for an order", ours.cpu_ms, " ms", 1.2),
        Goal("memory", ours.memory, " MB", 130),
        Goal("p50, on PostgreSQL : durable floor on SQLite", postgres.percentile(50) / floor.percentile(50), "x", 1.7),
        Goal("orders/s in a burst, on PostgreSQL : bare loop", postgres.rate / bare.rate, "x", 0.6, is_least=True),
    )


def as_table(figures: dict[str, Figures], burst: int) -> str:
    """Formats the figures for a person."""
    name_width = max(map(len, figures)) + 2
    lines = [
        f"{'':{name_width}}{'signal to order, ms':>27}   {f'burst of {burst:,} signals':>24}{'':8}{'start':>12}",
        f"{'':{name_width}}{'p50':>9}{'p90':>9}{'p99':>9}   {'orders/s':>12}{'ms CPU each':>12}{'MB':>8}{'s CPU':>12}",
    ]
    for name, figure in figures.items():
        times = "".join(f"{figure.percentile(number):9.2f}" for number in (50, 90, 99))
        lines.append(
            f"{name:{name_width}}{times}   {figure.rate:12.0f}{figure.cpu_ms:12.2f}{figure.memory:8.0f}{figure.start:12.2f}"
        )
    lines.append("")
    lines += [
        f"{one.name:52}{one.value:7.2f}{one.unit:4}{one.target}: {'met' if one.met else 'MISSED'}" for one in goals(figures)
    ]
    return "\n".join(lines)


def as_profile(figures: dict[str, Figures]) -> str:
    """Formats, for each contender that counts them, the mean time from stage to stage of a single signal's order."""
    lines = []
    for name, figure in figures.items():
        means = {stage: seconds / orders for stage in _STAGES for seconds, orders in [figure.stages[stage]] if orders}
        whole = sum(means.values())
        lines += [
            f"{name}, {stage}: {mean * 1_000:.2f} ms, {mean / whole:.0%} of the time to the fill" for stage, mean in means.items()
        ]
    return "\n".join(lines)


def as_json(figures: dict[str, Figures]) -> dict[str, Any]:
    """Formats the figures for a program."""
    return {
        "contenders": {
            name: {
                "signal_to_order_p50_ms": figure.percentile(50),
                "signal_to_order_p90_ms": figure.percentile(90),
                "signal_to_order_p99_ms": figure.percentile(99),
                "samples": len(figure.seconds),
                "burst_orders_per_second": figure.rate,
                "bursts": figure.rates,
                "burst_cpu_ms_per_order": figure.cpu_ms,
                "resident_mb": figure.memory,
                "start_cpu_seconds": figure.start,
            }
            for name, figure in figures.items()
        },
        "goals": [
            {"name": one.name, "value": one.value, "unit": one.unit.strip(), "target": one.target, "met": one.met}
            for one in goals(figures)
        ],
    }
