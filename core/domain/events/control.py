"""Events about pause, mode, limits and /panic."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.domain.equity_mark import Protection
from core.domain.events.priority import Priority
from core.domain.risk_limit import LimitSet
from core.domain.strategy_limit import SettingChange
from core.domain.strategy_pause import StrategyPause
from core.domain.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class ControlsChanged:
    """Somebody paused, resumed, pressed panic or changed the mode; `by` is that person's id (0: nobody, a pause ended), whose own
    chat had its answer already."""

    before: TradingState
    after: TradingState
    by: int = 0
    kind: Literal["controls_changed"] = "controls_changed"
    priority: Priority = Priority.NORMAL

    @property
    def begins_panic(self) -> bool:
        """Tells whether everything is to be sold from now on."""
        return self.after.panic is not None and self.after.panic != self.before.panic


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """Somebody set a limit. `before` and `after` are the values that were and are in force, as the setting is written; `by` is
    the person's id."""

    limit: LimitSet
    before: str
    after: str
    by: int
    kind: Literal["limit_changed"] = "limit_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class StrategyChanged:
    """Somebody paused or resumed a strategy; `by` is the person's id."""

    pause: StrategyPause
    by: int
    kind: Literal["strategy_changed"] = "strategy_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class StrategyLimitsChanged:
    """Somebody changed settings of one strategy; amounts are in `asset`. `by` is the person's id."""

    strategy: str
    changes: tuple[SettingChange, ...]
    asset: str
    who: str
    at: datetime
    by: int
    kind: Literal["strategy_limits_changed"] = "strategy_limits_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class ProtectionReset:
    """Somebody started a protection anew: `before` is how far it had come, in per cent or as a count. `by` is the person's id."""

    what: Protection
    before: Decimal
    who: str
    at: datetime
    by: int
    kind: Literal["protection_reset"] = "protection_reset"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class PanicOver:
    """All that a panic could sell is sold, or it was cancelled: `held` are the symbols that still have a position or an open
    order, `paused` says whether everything still is. `dust` is what no order may sell: symbol and quantity in base asset."""

    by: str
    held: tuple[str, ...]
    paused: bool
    kind: Literal["panic_over"] = "panic_over"
    priority: Priority = Priority.URGENT
    dust: tuple[tuple[str, Decimal], ...] = ()
