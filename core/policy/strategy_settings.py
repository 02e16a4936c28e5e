"""Settings that hold for a strategy, a symbol, or a strategy in a symbol: what STRATEGIES_FILE says. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Mode
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SIZES

EVERY = ""
"""In the place of a symbol or a strategy: each of them."""

_STRICT = {Mode.AUTO: 0, Mode.CONFIRM: 1, Mode.OBSERVE: 2}


@dataclass(frozen=True, slots=True)
class Override:
    """The settings of one section: `fields` of RiskLimits, how its signals are acted upon (None: as the account's are), and how
    many positions the strategy may have open (None: as many as the account)."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode | None = None
    own_positions: int | None = None


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """The sections by book, with EVERY where one is for each strategy or each symbol. A more specific one goes before: first
    come a symbol's, then a strategy's, then those of a strategy in a symbol. `names` are the strategies that are named."""

    sections: Mapping[StrategyBook, Override] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def limits(self, base: RiskLimits, book: StrategyBook) -> RiskLimits:
        """Returns the limits of `book`, where `base` are the account's. Of the sizes of an entry the most specific counts."""
        for override in self._of(book):
            sizes = SIZES & override.fields.keys()
            fields: dict[str, Any] = dict.fromkeys(SIZES - {"trade_qty"}) if sizes else {}
            base = replace(base, **(fields | dict(override.fields)))
        return base

    def mode(self, mode: Mode, book: StrategyBook) -> Mode:
        """Returns how the signals of `book` are acted upon while the account is in `mode`: the stricter of the two counts."""
        own = [override.mode for override in self._of(book) if override.mode is not None]
        return max([mode, *own[-1:]], key=lambda one: _STRICT[one])

    def own_positions(self, strategy: str) -> int | None:
        """Returns how many positions `strategy` may have open; None for no limit of its own."""
        own = self.sections.get(StrategyBook(EVERY, strategy))
        return own.own_positions if own is not None else None

    def _of(self, book: StrategyBook) -> Iterator[Override]:
        """Yields the sections that hold for `book`, the most specific last."""
        for key in (StrategyBook(book.symbol, EVERY), StrategyBook(EVERY, book.strategy), book):
            if key in self.sections:
                yield self.sections[key]


AS_THE_ACCOUNT = StrategySettings()
"""Without a file: every strategy trades by the account's settings."""
