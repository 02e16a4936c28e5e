"""An order, a clock and the names of what the exchange has, for the tests of the order connection."""

import asyncio
from decimal import Decimal

from core.domain.order import OrderRequest
from core.domain.signal import Side
from tests.core.adapters.clocks import RealClock
from tests.venue import Venue
from tests.venue.asking import WIF

BUY = OrderRequest("mf-1", WIF, Side.BUY, Decimal(20))
PLACE = "WS order.place"
DAY = 24 * 3600.0


class Restless(RealClock):
    """A clock that skips pauses, but for one of nearly a day, which lasts until a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self.day = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        if seconds > DAY / 2:
            await self.day.wait()
            return
        self.pauses.append(seconds)
        await asyncio.sleep(0)


def orders(venue: Venue) -> list[str]:
    return [order.client_order_id for order in venue.orders]


def port_of(venue: Venue) -> int:
    return int(venue.ws_url.rpartition(":")[2].partition("/")[0])
