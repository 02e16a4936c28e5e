"""Compares the ratios of a run, MarketFlow to each of the others, with those that RESULTS.md has, within its margins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import BARE, FLOOR, OURS
from bench.report import Figures

RESULTS = Path(__file__).with_name("RESULTS.md")
BROKER = "Apache Kafka"  # another broker's time would be compared with that of this one
_FIGURES, _MARGINS = "MarketFlow and the loops", "What `--check` lets pass"  # the headings above the two tables
_MORE_IS_BETTER = "orders/s"

Ratios = Mapping[tuple[str, str], float]
"""MarketFlow's figure over that of another contender: by the column of the figure and the contender's name."""


class UnreadableResults(Exception):
    """RESULTS.md is not written as expected; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Holds what RESULTS.md has: the ratios of its run, and by column how many times worse another run's may be."""

    ratios: Ratios
    margins: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Holds one ratio of this run beside the recorded one; `limit` is the worst that passes."""

    figure: str
    other: str
    now: float
    recorded: float
    limit: float

    @property
    def passes(self) -> bool:
        return self.now >= self.limit if self.figure == _MORE_IS_BETTER else self.now <= self.limit


def columns(figures: Figures) -> Mapping[str, float]:
    """Returns one contender's figures under the columns that RESULTS.md has for them."""
    return {
        "p50, ms": figures.percentile(50),
        "p99, ms": figures.percentile(99),
        _MORE_IS_BETTER: figures.rate,
        "ms CPU an order": figures.cpu_ms,
        "MB": figures.memory,
        "s CPU to start": figures.start,
    }


def ratios(rows: Mapping[str, Mapping[str, float]]) -> Ratios:
    """Returns the ratios of a table: a row for each contender, by its columns."""
    return {(column, other): ours / rows[other][column] for column, ours in rows[OURS].items() for other in (BARE, FLOOR)}


def read_recorded(text: str) -> Recorded:
    """Reads RESULTS.md. Raises UnreadableResults where a table, a row, a column or a margin is missing."""
    measured, margins = dict(_rows(text, _FIGURES)), dict(_rows(text, _MARGINS))
    if absent := [name for name in (BARE, FLOOR, OURS) if name not in measured]:
        raise UnreadableResults(f"no row {absent[0]!r} below {_FIGURES!r}")
    numbers = {name: {column: _number(column, said) for column, said in row.items()} for name, row in measured.items()}
    if absent := [column for column in numbers[OURS] if column not in margins]:
        raise UnreadableResults(f"no margin of {absent[0]!r} below {_MARGINS!r}")
    allowed = {column: _number(column, margins[column].get("times worse", "").removesuffix("x")) for column in numbers[OURS]}
    if too_small := [column for column, margin in allowed.items() if margin < 1]:
        raise UnreadableResults(f"the margin of {too_small[0]!r} is below 1")
    return Recorded(ratios(numbers), allowed)


def compare(figures: Mapping[str, Figures], recorded: Recorded) -> Sequence[Comparison]:
    """Returns every ratio of the run beside the recorded one. Raises UnreadableResults for one that is not recorded."""
    found = []
    for (figure, other), now in ratios({name: columns(each) for name, each in figures.items()}).items():
        before = recorded.ratios.get((figure, other))
        if before is None:
            raise UnreadableResults(f"no column {figure!r} below {_FIGURES!r}")
        margin = recorded.margins[figure]
        found.append(Comparison(figure, other, now, before, before / margin if figure == _MORE_IS_BETTER else before * margin))
    return found


def as_table(comparisons: Sequence[Comparison]) -> str:
    """Formats the comparisons for a person: those that fail say so."""
    lines = [f"{'MarketFlow to':16}{'':18}{'now':>8}{'recorded':>10}{'passes':>18}"]
    for one in comparisons:
        bound = f"{'at least' if one.figure == _MORE_IS_BETTER else 'at most'} {one.limit:.2f}x"
        verdict = "" if one.passes else "  WORSE"
        lines.append(f"{one.other:16}{one.figure:18}{one.now:7.2f}x{one.recorded:9.2f}x{bound:>18}{verdict}")
    return "\n".join(lines)


def _rows(text: str, heading: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yields the rows of the first table below a heading: the first cell, and the others by their column."""
    _, found, below = text.partition(f"\n## {heading}\n")
    if not found:
        raise UnreadableResults(f"no heading {heading!r}")
    head: list[str] = []
    for line in below.splitlines():
        if line.startswith("## ") or (head and not line.startswith("|")):
            break
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not head:
            head = cells
        elif set(line) - set("|-: "):
            yield cells[0], dict(zip(head[1:], cells[1:], strict=False))


def _number(column: str, said: str) -> float:
    try:
        number = float(said)
    except ValueError:
        number = 0.0
    if number <= 0:
        raise UnreadableResults(f"{said!r} is no figure of {column!r}")
    return number
