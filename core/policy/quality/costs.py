"""The cost of one executed order beside the price that it was wanted at. Every amount is in quote asset; above zero is a cost.

Perold, "The Implementation Shortfall: Paper versus Reality", 1988: on paper everything trades at the signal's price, at once and
for nothing. Products alone are exact; nothing is divided before it is shown, so that parts sum to their whole.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext
from itertools import pairwise

from core.domain.execution_quality import bps
from core.domain.money import EXACT, divide
from core.domain.position import Execution
from core.domain.signal import Side
from core.policy.quality.kept import Moments

STAGES = ("received", "decided", "sent", "answered", "settled")
"""The stages of an order whose times are kept, in their order."""
_TWICE = Decimal(2)


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of an order: `slippage` against the signal's price; of that `delay` until the market was met and `execution` from
    there; `spread` is the effective one, twice the distance from the middle of the market. `worth` is the filled quantity at the
    signal's price, `met` at the market's middle. None: not known."""

    worth: Decimal
    slippage: Decimal
    met: Decimal | None
    delay: Decimal | None
    execution: Decimal | None
    spread: Decimal | None
    fees: Decimal | None

    @property
    def slippage_bps(self) -> Decimal:
        """Returns the slippage in basis points of the signal's price."""
        return bps(self.slippage, self.worth)


def costs_of(one: Execution) -> Costs | None:
    """Returns what an execution cost; None if it is not known at which price it was wanted."""
    if not one.signal_price:
        return None
    sign = Decimal(1) if one.side is Side.BUY else Decimal(-1)
    with localcontext(EXACT):
        worth = one.signal_price * one.qty
        slippage = sign * (one.quote_qty - worth)
        if one.arrival_price is None:
            return Costs(worth, slippage, None, None, None, None, one.fee_quote)
        met = one.arrival_price * one.qty
        execution = sign * (one.quote_qty - met)
        return Costs(worth, slippage, met, sign * (met - worth), execution, _TWICE * execution, one.fee_quote)


def fill_ratio(one: Execution) -> Decimal | None:
    """Returns the filled part of what an order asked for, from 0 to 1; None if that is not known."""
    return divide(one.qty, one.asked_qty) if one.asked_qty else None


def latencies(moments: Moments) -> dict[str, timedelta]:
    """Returns how long an order took to come to each of STAGES from the one before; without those that are not known."""
    times = (moments.said_at, moments.received_at, moments.decided_at, moments.sent_at, moments.answered_at, moments.settled_at)
    steps = zip(STAGES, pairwise(times), strict=True)
    return {stage: end - begin for stage, (begin, end) in steps if begin is not None and end is not None}
