"""Counts what an exit plan puts at risk, and what it may bring. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from core.domain.exit_plan import ExitPlan
from core.domain.money import HUNDRED, ZERO, divide, multiply
from core.policy.exits.bracket import level_price
from core.policy.sizing.fees import TAKER_FEE


@dataclass(frozen=True, slots=True)
class PlanRisk:
    """`loss` is what is lost if all of it is sold at the stop, and `reward` what the targets bring, each with its share and what
    has no target at the last of them; None without targets. Quote asset, the fees of both sides included. A stop that has been
    passed by the price it counts from has a loss below zero: a profit."""

    loss: Decimal
    reward: Decimal | None

    @property
    def ratio(self) -> Decimal | None:
        """Returns the reward for one unit at risk; None where there is none or nothing is at risk."""
        return None if self.reward is None or self.loss <= ZERO else divide(self.reward, self.loss)


def risk_of(exits: ExitPlan, average: Decimal, qty: Decimal) -> PlanRisk | None:
    """Returns the risk of a position of `qty` (base asset, before the fee of the entry) bought at `average`, with a plan that
    counts from there; None without a stop."""
    if exits.stop is None:
        return None
    paid, left = multiply(average, qty), multiply(qty, 1 - TAKER_FEE)
    loss = paid - _brought(left, level_price(exits.stop.level, average, -1))
    if not exits.targets:
        return PlanRisk(loss, None)
    prices = [level_price(one.level, average, 1) for one in exits.targets]
    rest = HUNDRED - sum((one.share for one in exits.targets), ZERO)
    shares = [*zip(prices, (one.share for one in exits.targets), strict=True), (max(prices), max(rest, ZERO))]
    brought = sum((_brought(divide(multiply(left, share), HUNDRED), price) for price, share in shares), ZERO)
    return PlanRisk(loss, brought - paid)


def _brought(qty: Decimal, price: Decimal) -> Decimal:
    return multiply(multiply(qty, price), 1 - TAKER_FEE)
