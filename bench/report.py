"""The figures of one run, as a table and as JSON. Compares them with the goals, and decides nothing."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.contenders import FLOOR, NAIVE, OURS

MOST_LATENCY, LEAST_BURST = 1.35, 0.75  # times the durable floor's, and the naive loop's
MOST_CPU, MOST_RESIDENT = 1.2, 130.0  # ms, MB


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

    def add(self, round_: "Figures") -> None:
        """Adds the results of another round."""
        self.seconds += round_.seconds
        self.rates += round_.rates
        self.cpu += round_.cpu
        self.resident += round_.resident
        self.starts += round_.starts

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
    """A figure of MarketFlow beside what it should be."""

    name: str
    value: float
    unit: str
    target: str
    met: bool


def goals(figures: dict[str, Figures]) -> Sequence[Goal]:
    """Returns the four figures that have goals."""
    ours, theirs, floor = figures[OURS], figures[NAIVE], figures[FLOOR]
    latency, burst = ours.percentile(50) / floor.percentile(50), ours.rate / theirs.rate
    return (
        Goal(
            "signal to order, p50, MarketFlow : durable floor",
            latency,
            "x",
            f"at most {MOST_LATENCY:g}x",
            latency <= MOST_LATENCY,
        ),
        Goal("orders per second in a burst, MarketFlow : naive", burst, "x", f"at least {LEAST_BURST:g}x", burst >= LEAST_BURST),
        Goal("processor time for an order", ours.cpu_ms, " ms", f"at most {MOST_CPU:g} ms", ours.cpu_ms <= MOST_CPU),
        Goal("memory", ours.memory, " MB", f"at most {MOST_RESIDENT:g} MB", ours.memory <= MOST_RESIDENT),
    )


def as_table(figures: dict[str, Figures], burst: int) -> str:
    """Formats the figures for a person."""
    lines = [
        f"{'':14}{'signal to order (ms)':>24}   {f'burst of {burst:,} signals':>46}",
        f"{'':14}{'p50':>12}{'p99':>12}   {'orders/s':>12}{'ms CPU each':>12}{'each round':>22}{'MB':>8}{'s CPU to start':>17}",
    ]
    for name, figure in figures.items():
        rounds = " ".join(f"{rate:.0f}" for rate in figure.rates)
        lines.append(
            f"{name:14}{figure.percentile(50):12.2f}{figure.percentile(99):12.2f}   "
            f"{figure.rate:12.0f}{figure.cpu_ms:12.2f}{rounds:>22}{figure.memory:8.0f}{figure.start:17.2f}"
        )
    lines.append("")
    lines += [
        f"{goal.name:50}{goal.value:7.2f}{goal.unit:4}{goal.target}: {'met' if goal.met else 'MISSED'}" for goal in goals(figures)
    ]
    return "\n".join(lines)


def as_json(figures: dict[str, Figures]) -> dict[str, Any]:
    """Formats the figures for a program."""
    return {
        "contenders": {
            name: {
                "signal_to_order_p50_ms": figure.percentile(50),
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
