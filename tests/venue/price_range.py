"""The price range execution rule (faqs/price_range_execution_rules.md): how far from the reference price an order may trade."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.venue.book import Fill
from tests.venue.model import Side

EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The prices between which one order may trade while it takes: the reference price is read once."""

    low: Decimal
    high: Decimal

    def within(self, fills: list[Fill]) -> list[Fill]:
        return [fill for fill in fills if self.low <= fill[0] <= self.high]


@dataclass(frozen=True, slots=True)
class PriceRange:
    """A symbol's multipliers, for each side of an order."""

    bid_up: Decimal
    bid_down: Decimal
    ask_up: Decimal
    ask_down: Decimal

    def bounds(self, side: Side, reference: Decimal) -> Bounds:
        if side == "BUY":
            return Bounds(reference * self.bid_down, reference * self.bid_up)
        return Bounds(reference * self.ask_down, reference * self.ask_up)

    def as_rule(self) -> Mapping[str, str]:
        """Returns the entry of GET executionRules."""
        return {
            "ruleType": "PRICE_RANGE",
            "bidLimitMultUp": f"{self.bid_up:.4f}",
            "bidLimitMultDown": f"{self.bid_down:.4f}",
            "askLimitMultUp": f"{self.ask_up:.4f}",
            "askLimitMultDown": f"{self.ask_down:.4f}",
        }
