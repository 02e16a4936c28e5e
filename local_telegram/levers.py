"""Faults that a visitor may trigger, to see the program keep its promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from local_telegram.errors import Json


@dataclass(frozen=True)
class Lever:
    """One button: `pull` triggers the fault, `left` returns for how many seconds it still lasts, 0 when all is well.

    `promise` is a sentence on what the visitor should see. `key` names both in the page's texts, which exist in every language;
    without it they are shown as they are.
    """

    name: str
    promise: str
    pull: Callable[[], None]
    left: Callable[[], float]
    key: str = ""

    def as_json(self) -> Json:
        """Returns it for the page."""
        return {"name": self.name, "promise": self.promise, "key": self.key, "left_ms": max(0, int(self.left() * 1000))}
