"""The canvas of every chart: colours, the words above, axes of time and of numbers. Drawn to be read on a phone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
from matplotlib import dates, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH, DPI = 7.5, 144  # inches; 1,080 pixels, which a phone shows at a third of it
LEFT, RIGHT = 0.035, 0.835  # of the width; the numbers stand on the right, next to the present
_LARGE, _MIDDLE, SMALL = 20, 14.5, 13.5  # points; two pixels each, so that a phone shows small type as large as its own
_LETTER = 0.69  # of the size of type: how wide a bold letter is
_MARGIN = WIDTH * (1 - RIGHT) - 0.18  # inches: the room for a tag
_LINE_INCHES = 0.29
_MOST_TICKS = 6
_EDGE = 0.05  # of the axis: a label there would be cut off
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a theme."""

    back: str
    grid: str
    text: str
    muted: str
    up: str
    down: str
    line: str
    average: str
    on_tag: str = "#ffffff"

    def of(self, tone: float) -> str:
        """Returns the colour of a profit, a loss, or neither."""
        return self.up if tone > 0 else self.down if tone < 0 else self.muted


THEMES: Mapping[str, Colours] = {
    "dark": Colours(
        back="#0e1621", grid="#24303d", text="#e6edf3", muted="#9fb0c0", up="#3fb950", down="#ff6259", line="#58a6ff",
        average="#e3b341", on_tag="#0e1621",
    ),
    "light": Colours(
        back="#ffffff", grid="#e4e9ee", text="#17212b", muted="#5b6b7a", up="#12833a", down="#cf222e", line="#0969da",
        average="#925d00",
    ),
}  # fmt: skip


class Canvas:
    """A picture with its words above, and panels below each other."""

    def __init__(self, chart: Mapping[str, Any], height: float, panels: Sequence[float]) -> None:
        """Makes a picture `height` inches high, its `panels` in proportion."""
        self.style = chart["style"]
        self.colours = THEMES[self.style["theme"]]
        self.zone = ZoneInfo(self.style["zone"])
        mpl.rcParams.update({"font.size": SMALL, "text.parse_math": False})  # a name may have a $
        self.figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor=self.colours.back)
        below = self._head(chart["head"], height)
        grid = self.figure.add_gridspec(
            len(panels), 1, height_ratios=panels, left=LEFT, right=RIGHT, top=below, bottom=0.78 / height, hspace=0.06
        )
        self.panels = [self._panel(self.figure.add_subplot(grid[number])) for number in range(len(panels))]
        for panel in self.panels[:-1]:
            panel.tick_params(labelbottom=False)

    def _head(self, head: Mapping[str, Any], height: float) -> float:
        """Writes the words above; returns where the panels begin."""
        top, inches = 1 - 0.42 / height, WIDTH * (1 - 2 * LEFT)
        words: dict[str, Any] = {"fontsize": fitting(head["title"] + head["figure"] + "  ", inches, _LARGE), "fontweight": "bold"}
        self.figure.text(LEFT, top, head["title"], color=self.colours.text, va="center", **words)
        colour = self.colours.of(head["tone"])
        self.figure.text(1 - LEFT, top, head["figure"], color=colour, va="center", ha="right", **words)
        for number, line in enumerate(head["details"]):
            at, size = top - (0.38 + _LINE_INCHES * number) / height, fitting(line, inches, _MIDDLE)
            self.figure.text(LEFT, at, line, color=self.colours.muted, fontsize=size, va="center")
        return top - (0.4 + _LINE_INCHES * len(head["details"])) / height

    def _panel(self, axes: Axes) -> Axes:
        axes.set_facecolor(self.colours.back)
        axes.yaxis.tick_right()
        axes.grid(color=self.colours.grid, linewidth=1)
        axes.set_axisbelow(True)
        axes.tick_params(colors=self.colours.muted, labelsize=SMALL, length=0, pad=5)
        for spine in axes.spines.values():
            spine.set_color(self.colours.grid)
        return axes

    def numbers(self, axes: Axes, most: int = 7) -> None:
        """Writes the numbers of an axis with the marks of the reader's language."""
        axes.yaxis.set_major_locator(ticker.MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
        ticks = axes.get_yticks()
        step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
        decimals = next((digits for digits in range(12) if abs(round(step, digits) - step) < step / 100), 12)
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: self.number(value, decimals)))
        (low, high), edge = axes.get_ylim(), self._of_type(axes) * 0.5
        axes.set_yticks([tick for tick in ticks if low + edge <= tick <= high - edge])

    def number(self, value: float, decimals: int) -> str:
        """Writes a number in the reader's language; zero without a sign."""
        text = f"{value:,.{decimals}f}"
        text = text if text.strip("-0.,") else text.lstrip("-")
        return text.translate({ord(","): self.style["group"], ord("."): self.style["decimal"]})

    def times(self, first: datetime, last: datetime) -> None:
        """Puts ticks at whole hours, days or months of the reader's zone; below stand the days and the zone."""
        axes, length = self.panels[-1], last - first
        locator = dates.AutoDateLocator(tz=self.zone, minticks=3, maxticks=_MOST_TICKS)  # type: ignore[no-untyped-call]
        low, high, local = date_number(first), date_number(last), (first.astimezone(self.zone), last.astimezone(self.zone))
        edge = (high - low) * _EDGE
        places = [at for at in locator.tick_values(*local) if low + edge <= at <= high - edge]  # type: ignore[no-untyped-call]
        for panel in self.panels:
            panel.set_xlim(low, high)
            panel.set_xticks(places)
        axes.set_xticklabels([self._moment(float(at), length) for at in places])
        self.below(first, last)

    def _moment(self, at: float, length: timedelta) -> str:
        local: datetime = dates.num2date(at, tz=self.zone)  # type: ignore[no-untyped-call]
        if length > 300 * _DAY:
            return f"{local:{self.style['month']}}"
        return f"{local:%H:%M}" if local.hour or local.minute else f"{local:{self.style['day']}}"

    def below(self, first: datetime, last: datetime) -> None:
        """Writes from which day to which it is, and the zone."""
        days = [f"{at.astimezone(self.zone):{self.style['date']}}" for at in (first, last)]
        text = " – ".join(dict.fromkeys(days))
        self.panels[-1].set_xlabel(f"{text}, {self.style['zone']}", color=self.colours.muted, fontsize=SMALL, loc="left")

    def tag(self, axes: Axes, at: float, text: str, colour: str) -> None:
        """Writes a number into the right margin, on its colour."""
        axes.annotate(
            text, (1, at), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points", va="center",
            color=self.colours.on_tag, fontsize=fitting(text, _MARGIN, SMALL), fontweight="bold", annotation_clip=False, zorder=6,
            bbox={"boxstyle": "square,pad=0.22", "facecolor": colour, "edgecolor": "none"},
        )  # fmt: skip

    def words(self, colour: str, *, bold: bool = False) -> dict[str, Any]:
        """Returns how to write words that stay readable on what is drawn behind them."""
        box = {"boxstyle": "square,pad=0.1", "facecolor": self.colours.back, "edgecolor": "none", "alpha": 0.8}
        return {"color": colour, "fontsize": SMALL, "fontweight": "bold" if bold else "normal", "bbox": box}

    def hide_ticks_near(self, axes: Axes, taken: Sequence[float]) -> None:
        """Leaves out numbers of the axis where a tag stands."""
        near = self._of_type(axes) * 1.6
        axes.set_yticks([tick for tick in axes.get_yticks() if all(abs(tick - at) > near for at in taken)])

    def _of_type(self, axes: Axes) -> float:
        """Returns how much of an axis of numbers a line of type takes."""
        return self.inch(axes)[1] * SMALL / 72

    def inch(self, axes: Axes) -> tuple[float, float]:
        """Returns how much of the axis of time, and of that of numbers, an inch is."""
        (low, high), (first, last), box = axes.get_ylim(), axes.get_xlim(), axes.get_position()
        width, height = box.width * self.figure.get_figwidth(), box.height * self.figure.get_figheight()
        return (last - first) / width, (high - low) / height


def fitting(text: str, inches: float, size: float) -> float:
    """Returns the size of type, in points, `size` or smaller, in which bold words are no wider than `inches`."""
    return min(size, inches * 72 / (len(text) * _LETTER))


def date_number(at: datetime) -> float:
    """Returns a time as the library counts it, in days."""
    return float(dates.date2num(at))  # type: ignore[no-untyped-call]
