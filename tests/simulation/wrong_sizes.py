"""Programs that are wrong about sizes and protections: each must be caught by the simulation."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.domain.instrument import Instrument
from core.domain.money import EXACT
from core.domain.trade_size import TradeSize
from core.execution import pending_exits
from core.policy import funds as account_funds
from core.policy.decision_context import RiskLimits
from core.policy.funds import Cash
from core.policy.sizing import entry_size
from core.policy.sizing import order_size as sizing
from core.policy.sizing.entry_size import EntryMoney, EntrySize
from tests.simulation.breaking import Variant, loads, swap


def _rounds_up(self: Instrument, wanted: Decimal) -> Decimal:
    found = _QUANTITY(self, wanted)
    return found if found == wanted or not self.step_size else found + self.step_size


_QUANTITY = Instrument.market_quantity


def _at_the_quote(size: TradeSize, worst: Decimal, money: EntryMoney | None, limits: RiskLimits) -> Any:
    """Divides an amount of quote asset by a price below the one that it may have to pay."""
    return _ENTRY(size, EXACT.multiply(worst, Decimal("0.98")), money, limits)


_ENTRY = entry_size.entry_size


def _uncut(wanted: EntrySize, *_rest: object) -> EntrySize:
    return wanted


def _cash_without_results(*args: Any) -> Cash:
    return replace(_CASH(*args), realised=Decimal(0))


_CASH = account_funds._cash


def _record(**forgotten: Any) -> Variant:
    return loads(lambda state: replace(state, record=replace(state.record, **forgotten)))


WRONG_SIZES: Mapping[str, Variant] = {
    "a quantity is rounded up": swap(Instrument, "market_quantity", _rounds_up),
    "an amount is divided by less than the limit price": swap(sizing, "entry_size", _at_the_quote),
    "the fees are forgotten in a risk": swap(entry_size, "TAKER_FEE", Decimal(0)),
    "a computed size is not cut": swap(entry_size, "_cut", _uncut),
    "a part of a position is all of it": swap(pending_exits, "asked_quantity", lambda held, size: held),
    "losing exits are forgotten at the start": _record(losing_exits={}),
    "stops are forgotten at the start": _record(stopped={}),
    "results are forgotten at the start": _record(realised={}),
    "results are no part of what trading explains": swap(account_funds, "_cash", _cash_without_results),
}
