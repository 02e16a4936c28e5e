"""Harms orders of plans by somebody else's will: one is cancelled by hand, a stop expires, a target fills in parts."""

import asyncio
from decimal import Decimal

from tests.simulation.exchange import Exchange, is_leg
from tests.simulation.machine import Fate
from tests.venue.book import floor_to
from tests.venue.model import Order

BY_HAND, EXPIRES, IN_PARTS = "leg cancelled by hand", "stop expires unfilled", "target fills in parts"
KINDS = frozenset({BY_HAND, EXPIRES, IN_PARTS})
_EVERY_SECONDS = 15.0


class LostLegs:
    """Ends resting orders of plans, or fills a part of them."""

    def __init__(self, fate: Fate, exchange: Exchange) -> None:
        self._fate = fate
        self._exchange = exchange

    async def come(self) -> None:
        """Takes one now and then; the exchange ends the other of its list with it."""
        random, matching = self._fate.random, self._exchange.venue.exchange
        while not self._fate.over:
            await asyncio.sleep(random.expovariate(1 / _EVERY_SECONDS))
            legs = [order for order in self._exchange.venue.orders if order.is_open and is_leg(order.client_order_id)]
            if not legs:
                continue
            leg = random.choice(legs)
            if leg.type == "LIMIT_MAKER" and self._fate.strikes(IN_PARTS, 0.5):
                await self._fill_in_parts(leg)
            elif self._fate.strikes(BY_HAND, 0.5):
                matching.cancel(leg)
                self._exchange.lost_legs.append(leg.client_order_id)
            elif leg.type.startswith("STOP_LOSS") and self._fate.strikes(EXPIRES, 0.7):
                matching.expire(leg)
                self._exchange.lost_legs.append(leg.client_order_id)
            self._fate.tell(f"exchange: {leg.client_order_id} is {leg.status}")

    async def _fill_in_parts(self, leg: Order) -> None:
        """Fills a part, and maybe more of it while the first is being heard of."""
        random, matching = self._fate.random, self._exchange.venue.exchange
        step = Decimal(matching.rules(leg.symbol).rules["LOT_SIZE"]["stepSize"])
        for _ in range(random.randint(1, 3)):
            part = floor_to(leg.remaining / 3, step)
            if self._fate.over or not leg.is_working or not part:
                return
            matching.fill(leg, part)
            await asyncio.sleep(random.uniform(0.0, 3.0))
