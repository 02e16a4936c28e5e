"""Accidents that affect a whole history, in a few histories only: the ledger is set back, or another program trades."""

import asyncio
from collections import deque
from decimal import Decimal
from random import Random

from sqlalchemy import select

from core.adapters.ledger.tables import control_tables, order_tables
from core.domain.account import ACCOUNT
from tests.simulation.chat import Chat
from tests.simulation.disk import Disk
from tests.simulation.exchange import SYMBOLS, Exchange
from tests.simulation.machine import Clock, Fate
from tests.simulation.polling import RIVAL
from tests.simulation.program import ANN
from tests.venue.model import Order, OrderRequest

SET_BACK, ANOTHER = "ledger set back", "another trader"
ON_ITS_WAY = "ledger set back with an order on its way"
ACCIDENTS = frozenset({SET_BACK, ON_ITS_WAY, ANOTHER, RIVAL})
THEIR_MARK = 4_711
PARTITIONS = 3
_MOST_SNAPSHOTS = 4


def accident_of(seed: int, kinds: frozenset[str]) -> str:
    """Returns the accident of `seed`; empty for most. Drawn separately, so that the other histories stay the same."""
    drawn = Random(f"accident {seed}").random()
    if drawn < 0.12:
        return SET_BACK if SET_BACK in kinds else ""
    if 0.12 <= drawn < 0.18:
        return RIVAL if RIVAL in kinds else ""
    return ANOTHER if drawn > 0.92 and ANOTHER in kinds else ""


class SetsBack:
    """Keeps some of the disk's states after a commit, and restores the oldest of them."""

    def __init__(self, fate: Fate, disk: Disk, clock: Clock) -> None:
        self._fate = fate
        self._disk = disk
        self._clock = clock
        self.is_on_its_way = False
        """True from an order that set off until the process that is to know nothing of it starts."""
        self._kept: deque[bytes] = deque(maxlen=_MOST_SNAPSHOTS)
        disk.committed = self._keep

    def _keep(self) -> None:
        # If a ledger has not read from each partition, the next start reads from the end.
        if not self._fate.over and self._fate.random.random() < 0.1 and len(self._disk.positions()) == PARTITIONS:
            self._kept.append(self._disk.snapshot())

    def after_a_crash(self) -> None:
        """Restores an older disk after a crash, now and then."""
        if self._kept and self._fate.strikes(SET_BACK, 0.4):
            self._disk.put_back(self._kept[0])
            self._kept.clear()

    def behind_an_order(self) -> bool:
        """Restores the newest kept disk behind an order that sets off, now and then; tells whether it did. An old signal is told
        from a new one by our clock: not while that is wrong."""
        if not self._kept or self._clock.off or self.is_on_its_way or not self._fate.strikes(ON_ITS_WAY, 0.06):
            return False
        self._disk.put_back(self._kept[-1])
        self._kept.clear()
        self.is_on_its_way = True
        return True

    async def under_a_process(self) -> None:
        """Sets the ledger back once, sooner or later, under a running process, as after a failover."""
        random = self._fate.random
        await asyncio.sleep(random.uniform(30.0, 300.0))
        if self._kept and self._fate.strikes(SET_BACK, 0.5):
            self._disk.put_back(self._kept[0])
            self._kept.clear()


class AnotherTrader:
    """Places orders on the account like another MarketFlow. They rest and are cancelled, so that no coin moves. The owner may
    accept what is shown of the first; the second, which comes between the two taps, is one that nobody has seen."""

    def __init__(self, fate: Fate, disk: Disk, exchange: Exchange, chat: Chat) -> None:
        self._fate = fate
        self._disk = disk
        self._exchange = exchange
        self._chat = chat

    async def trade(self) -> None:
        """Places an order, sooner or later: of another mark, of none, or of a signal that we have ordered. Maybe a second one."""
        random = self._fate.random
        await asyncio.sleep(random.uniform(30.0, 200.0))
        if not self._fate.strikes(ANOTHER, 1.0):
            return
        ours = self._executed()
        kind = random.choice(["mark", "no mark", *(["our id"] * 2 if ours else [])])
        symbol, name = random.choice(ours) if kind == "our id" else (random.choice(SYMBOLS), "mf-0f1e2d3c4b5a69788796a5b4c3d2e")
        mark = {"mark": THEIR_MARK, "no mark": None, "our id": random.choice([THEIR_MARK, None])}[kind]
        first = self._place(symbol, name, mark, kind)
        if await self._is_noticed(first, 200.0) and (tap := await self._shown(first)) is not None:
            second = self._place(random.choice(SYMBOLS), "mf-1f1e2d3c4b5a69788796a5b4c3d2e", THEIR_MARK + 1, "another mark")
            await self._is_noticed(second, 50.0)  # a confirmation waits for a minute
            self._fate.tell(f"the owner accepts order {first.order_id}")
            self._chat.do(ANN, tap)

    async def _is_noticed(self, order: Order, seconds: float) -> bool:
        """Waits until the account is halted because of `order`."""
        until = self._fate.loop.time() + seconds
        hold = select(control_tables.holds.c.words).where(control_tables.holds.c.symbol == ACCOUNT)
        while not any(str(order.order_id) in row["words"] for row in self._disk.rows(hold)):
            if self._fate.over or self._fate.loop.time() > until:
                return False
            await asyncio.sleep(1.0)
        return True

    async def _shown(self, order: Order) -> str | None:
        """Returns what the owner taps to accept `order`, once it was shown; None if the bot does not answer."""
        for _ in range(5):
            seen = len(self._chat.replies)
            self._chat.do(ANN, "/accept account")
            await asyncio.sleep(5.0)
            for reply in self._chat.replies[seen:]:
                for data in reply.buttons:
                    if data.startswith("ok:") and str(order.order_id) in reply.text and not self._fate.over:
                        return data
        return None

    def _place(self, symbol: str, name: str, mark: int | None, kind: str) -> Order:
        venue = self._exchange.venue
        price = (venue.exchange.books[symbol].last * Decimal("0.9")).quantize(
            Decimal("0.00001") if symbol == "DOGEUSDT" else Decimal("0.01")
        )
        size = (Decimal(20) / price).quantize(Decimal(1)) or Decimal(1)
        request = OrderRequest(symbol, "BUY", "LIMIT", "GTC", size, None, price, name, "NONE", mark)
        order = venue.exchange.place(venue.account, request)
        venue.exchange.cancel(order)
        self._exchange.strange.append(order)
        self._fate.tell(f"another trader: {name} in {symbol}, {kind}")
        return order

    def _executed(self) -> list[tuple[str, str]]:
        orders = order_tables.orders.c
        done = select(orders.symbol, orders.client_order_id).where(orders.state == "FILLED").order_by(orders.inbox_seq)
        return [(row["symbol"], row["client_order_id"]) for row in self._disk.rows(done)]
