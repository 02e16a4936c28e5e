"""The settings of one strategy: the account's, over them those of STRATEGIES_FILE, over them those set in the chat. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core.domain.risk_limit import LimitSet
from core.domain.strategy_book import StrategyBook
from core.domain.strategy_limit import SettingChange
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SETTABLE_LIMITS, Limit, allows_more, is_good, shown, with_set
from core.policy.strategy_settings import EVERY, StrategySettings

OWN_POSITIONS = "MAX_OPEN_POSITIONS"
"""Of a strategy it counts its own positions, beside the account's limit."""

_OF_ACCOUNT = frozenset({"DAILY_LOSS_LIMIT", "MAX_EXPOSURE_PCT", "MAX_DRAWDOWN_PCT"})

STRATEGY_LIMITS: Mapping[str, Limit] = {name: limit for name, limit in SETTABLE_LIMITS.items() if name not in _OF_ACCOUNT}
"""The settings of a strategy that the chat may change, in the order of /set."""


@dataclass(frozen=True, slots=True)
class StrategyTerms:
    """The `limits` in force, and how many positions the strategy may have open itself (None: as many as the account)."""

    limits: RiskLimits
    own_positions: int | None

    def shown(self, name: str) -> str:
        """Returns the value in force, as its setting would write it; empty if there is none."""
        if name == OWN_POSITIONS:
            return "" if self.own_positions is None else str(self.own_positions)
        return shown(self.limits, name)

    def raises_risk(self, after: "StrategyTerms") -> bool:
        """Tells whether `after` lets more through than these terms in any way."""
        before, later = self.counted, after.counted
        return any(allows_more(name, before, later) for name in STRATEGY_LIMITS)

    def changes(self, after: "StrategyTerms") -> list[SettingChange]:
        """Returns the settings that differ, those that another one replaces among them."""
        found = [SettingChange(name, self.shown(name), after.shown(name)) for name in STRATEGY_LIMITS]
        return [one for one in found if one.before != one.after]

    @property
    def counted(self) -> RiskLimits:
        """Returns the limits with the strategy's own count in the place of the account's, where it has one."""
        own = self.own_positions
        return self.limits if own is None else replace(self.limits, max_open_positions=min(own, self.limits.max_open_positions))


def terms_of(
    account: RiskLimits, settings: StrategySettings, book: StrategyBook, changes: Iterable[LimitSet] = ()
) -> StrategyTerms:
    """Returns the terms of `book`; its symbol may be EVERY. `changes` are those that the chat made for its strategy."""
    made = list(changes)
    own = [one for one in made if one.name == OWN_POSITIONS and one.value is not None and is_good(one.name, one.value)]
    limits = settings.limits(account, book)
    if made:
        limits = with_set(limits, (one for one in made if one.name != OWN_POSITIONS))
    return StrategyTerms(limits, int(own[-1].value or 0) if own else settings.own_positions(book.strategy))


def symbols_apart(settings: StrategySettings, strategy: str, names: Iterable[str]) -> list[str]:
    """Returns the symbols for which the file says one of the settings `names` by itself."""
    fields = {STRATEGY_LIMITS[name].field for name in names}
    found = {
        book.symbol
        for book, override in settings.sections.items()
        if book.symbol != EVERY and book.strategy in (EVERY, strategy) and fields & override.fields.keys()
    }
    return sorted(found)
