"""The shape of a risk rule."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from core.domain.reasons import Reason
from core.domain.signal import Signal
from core.policy.decision_context import DecisionContext
from core.policy.sizing.order_size import SizedOrder


@dataclass(frozen=True, slots=True)
class RuleMeasurement:
    """A rule's measurement and its limit; `name` is the rule's, `unit` an asset, `%`, `s` or nothing. Amounts are exact to the
    last digit: whoever shows them rounds them."""

    name: str
    value: str
    limit: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry to be measured: `price` is the market's and `worst_price` the one that it may fill at in the worst case (quote
    asset), `qty` in base asset; None if unknown."""

    price: Decimal | None
    worst_price: Decimal | None
    qty: Decimal | None


@dataclass(frozen=True, slots=True)
class RiskRule:
    """A rule: `refuses` returns the reason to refuse an order, or None; `measures` returns the number of an entry that the rule
    goes by, or None if it is unknown. `name` is stored with each decision."""

    name: str
    refuses: Callable[[Signal, SizedOrder, DecisionContext], Reason | None]
    measures: Callable[[Signal, Entry, DecisionContext], RuleMeasurement | None]
