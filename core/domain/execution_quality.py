"""The quality of execution, in sums of one quote asset and in basis points of it. Above zero is a cost."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, localcontext

from core.domain.money import EXACT, ZERO, divide, multiply

BASIS_POINTS = Decimal(10_000)


def bps(amount: Decimal, whole: Decimal) -> Decimal:
    """Returns `amount` in basis points of `whole`, both in the same asset; 0 if `whole` is 0."""
    return divide(multiply(amount, BASIS_POINTS), whole) if whole else ZERO


@dataclass(frozen=True, slots=True)
class Spread:
    """The slippage of single orders, in basis points of their signals' prices: half of them had at most the `median`, 90 and 99
    of 100 at most `p90` and `p99`, one had the `worst`."""

    median: Decimal
    p90: Decimal
    p99: Decimal
    worst: Decimal


@dataclass(frozen=True, slots=True)
class Quality:
    """The execution of what `name` stands for, in `quote_asset`; amounts in it.

    `orders` were executed, `worth` is what they filled at their signals' prices. `slippage` is `delay` (until the market was
    met), `execution` (from there) and `unsplit` (of orders whose market was not noted). `spread` is the effective spread that was
    paid on `met`, the fills at the market's middle. `fees_unknown` counts orders whose fee had no price, `unmeasured` those whose
    signal's price is not known, which are in no sum. `missed` signals were not traded, or not wholly; of these `unpriced` are in
    no sum, as their size or their end is not known; the others, `missed_worth` at their signals' prices, would have brought the
    `opportunity`. `unfilled_worth` is the part of that which the exchange did not fill.
    """

    name: str
    quote_asset: str
    orders: int = 0
    unmeasured: int = 0
    worth: Decimal = ZERO
    slippage: Decimal = ZERO
    delay: Decimal = ZERO
    execution: Decimal = ZERO
    unsplit: Decimal = ZERO
    met: Decimal = ZERO
    spread: Decimal = ZERO
    fees: Decimal = ZERO
    fees_unknown: int = 0
    missed: int = 0
    unpriced: int = 0
    missed_worth: Decimal = ZERO
    unfilled_worth: Decimal = ZERO
    opportunity: Decimal = ZERO
    single: Spread | None = None

    @property
    def shortfall(self) -> Decimal:
        """Returns by how much the account did worse than the paper that trades every signal at its price, for nothing."""
        with localcontext(EXACT):
            return self.slippage + self.fees + self.opportunity

    @property
    def shortfall_bps(self) -> Decimal:
        """Returns the shortfall in basis points of what the paper trades."""
        with localcontext(EXACT):
            return bps(self.shortfall, self.worth + self.missed_worth)

    @property
    def fill_ratio(self) -> Decimal | None:
        """Returns the part of what was sent to the exchange that it filled, by worth, from 0 to 1; None where nothing was."""
        with localcontext(EXACT):
            sent = self.worth + self.unfilled_worth
        return divide(self.worth, sent) if sent else None


@dataclass(frozen=True, slots=True)
class Latency:
    """The time that `orders` took to come to `stage` from the one before: half of them at most the `median`, 90 and 99 of 100 at
    most `p90` and `p99`, one the `longest`. Stages: received, decided, sent, answered, settled."""

    stage: str
    orders: int
    median: timedelta
    p90: timedelta
    p99: timedelta
    longest: timedelta
