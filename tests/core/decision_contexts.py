"""A decision context in which everything is well unless a test says otherwise."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.domain.instrument import Quote
from core.domain.position import Position
from core.domain.signal import Side, Signal
from core.domain.trading_state import TradingState
from core.policy.decision_context import DecisionContext
from core.policy.sizing.order_size import SizedOrder
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS, instrument

HELD = Position("WIFUSDC", qty=Decimal("19.98"), cost=Decimal("9.6"), value=Decimal("9.59"), is_open=True, opened_at=NOON)


def decision_context(**known: Any) -> DecisionContext:
    """Builds a context; keywords are DecisionContext's own and those of RiskLimits."""
    limits = {name: known.pop(name) for name in list(known) if hasattr(LIMITS, name)}
    present = DecisionContext(
        now=NOON,
        limits=replace(LIMITS, **limits),
        trading_state=TradingState(),
        instrument=instrument(),
        quote=Quote("WIFUSDC", Decimal("0.48"), Decimal("0.48"), NOON),
        position=Position("WIFUSDC"),
        open_count=0,
        results_today={},
    )
    return replace(present, **known)


def said(kind: str = "BUY_SM", *, close: str = "0.48", age: float = 0.0) -> Signal:
    """Returns a signal that is `age` seconds old."""
    return Signal("kafka:t", "t/0/1", kind, "WIFUSDC", Decimal(close), NOON - timedelta(seconds=age))


def sized(side: Side = Side.BUY, *, qty: str = "20", price: str = "0.48") -> SizedOrder:
    return SizedOrder(side, Decimal(qty), Decimal(price))
