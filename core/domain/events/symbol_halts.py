"""Events about symbols that are halted."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.domain.events.priority import Priority
from core.domain.symbol_halt import SymbolHalt


@dataclass(frozen=True, slots=True)
class SymbolHalted:
    """Ledger and exchange disagree about a symbol, or the account has orders that are not of this ledger: no entries there."""

    hold: SymbolHalt
    kind: Literal["symbol_held"] = "symbol_held"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class SymbolResumed:
    """They agree again, by themselves."""

    hold: SymbolHalt
    kind: Literal["symbol_released"] = "symbol_released"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class HaltAccepted:
    """The owner accepts the exchange's figures. `missing` (base asset) left the position, and `cost` (quote asset) with it."""

    hold: SymbolHalt
    missing: Decimal
    cost: Decimal
    base: str
    quote: str
    kind: Literal["hold_accepted"] = "hold_accepted"
    priority: Priority = Priority.NORMAL
