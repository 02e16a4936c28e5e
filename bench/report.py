"""The figures of one run, as a table and as JSON. Compares them with the targets, and decides nothing."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.contenders import NAIVE, OURS

MOST_LATENCY, LEAST_BURST = 2.0, 2.0  # times the naive loop's


@dataclass(slots=True)
class Figures:
    """One contender's results of all rounds."""

    seconds: list[float] = field(default_factory=list)
    """Seconds from signal to order, one at a time."""
    rates: list[float] = field(default_factory=list)
    """Orders per second of each burst."""

    def percentile(self, number: int) -> float:
        """Returns a percentile of the time from signal to order, in milliseconds."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[number - 1] * 1000

    @property
    def rate(self) -> float:
        """Returns the median of the bursts, in orders per second."""
        return statistics.median(self.rates)


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure of MarketFlow as a multiple of the naive loop's."""

    name: str
    value: float
    target: str
    met: bool


def ratios(figures: dict[str, Figures]) -> Sequence[Ratio]:
    """Returns the two ratios with targets."""
    ours, theirs = figures[OURS], figures[NAIVE]
    latency, burst = ours.percentile(50) / theirs.percentile(50), ours.rate / theirs.rate
    return (
        Ratio("signal to order, p50", latency, f"at most {MOST_LATENCY:g}x", latency <= MOST_LATENCY),
        Ratio("orders per second in a burst", burst, f"at least {LEAST_BURST:g}x", burst >= LEAST_BURST),
    )


def as_table(figures: dict[str, Figures], burst: int) -> str:
    """Formats the figures for a person."""
    lines = [
        f"{'':12}{'signal to order (ms)':>24}   {f'burst of {burst:,} signals':>28}",
        f"{'':12}{'p50':>12}{'p99':>12}   {'orders/s':>12}{'each round':>22}",
    ]
    for name, figure in figures.items():
        rounds = " ".join(f"{rate:.0f}" for rate in figure.rates)
        lines.append(f"{name:12}{figure.percentile(50):12.2f}{figure.percentile(99):12.2f}   {figure.rate:12.0f}{rounds:>22}")
    lines.append("")
    lines += [
        f"{ratio.name + ', MarketFlow : naive':48}{ratio.value:6.2f}x   {ratio.target}: {'met' if ratio.met else 'MISSED'}"
        for ratio in ratios(figures)
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
            }
            for name, figure in figures.items()
        },
        "ratios": [{"name": one.name, "value": one.value, "target": one.target, "met": one.met} for one in ratios(figures)],
    }
