"""Five hundred executions in ten seconds: inside Telegram's limits, nothing lost, and still readable."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from core.adapters.ledger.tables import notification_tables
from core.domain.delivery import MAIN_READER
from local_telegram.faults import FloodLimit
from local_telegram.room import Room
from local_telegram.server import running_chat
from tests.bot.conftest import PEOPLE, until
from tests.bot.firm import ROOMY, Firm, firm_on
from tests.bot.parts import OWNER, TRADER, VIEWER, FastClock
from tests.own_time import own_seconds

SYMBOLS = ("WIFUSDC", "SOLUSDC")
LIMITS = replace(ROOMY, daily_loss_limit=Decimal(100_000))
ROUNDS = 125


class Counted(FloodLimit):
    """Telegram's limits without any burst in a chat; remembers what was sent when, and what was refused."""

    def __init__(self, clock: FastClock) -> None:
        super().__init__(clock.monotonic, chat_burst=1)
        self.clock = clock
        self.sent: list[tuple[float, int]] = []
        self.refused: list[int] = []

    def retry_after(self, chat_id: int) -> int:
        wait = super().retry_after(chat_id)
        if wait:
            self.refused.append(chat_id)
        else:
            self.sent.append((self.clock.monotonic(), chat_id))
        return wait


async def told(firm: Firm, readers: dict[str, int]) -> dict[str, set[int]]:
    """Returns the executions that each reader received, by their numbers in the outbox."""
    table, outbox = notification_tables.deliveries, notification_tables.outbox
    events = [row["seq"] for row in await firm.ledger.reader.read(select(outbox.c.seq).where(outbox.c.kind == "order_executed"))]
    found: dict[str, set[int]] = {reader: set() for reader in readers}
    for row in await firm.ledger.reader.read(select(table).where(table.c.priority == 1)):
        found[row["reader"]] |= {seq for seq in events if row["first_seq"] <= seq <= row["last_seq"]}
    return found


async def flood(firm: Firm) -> None:
    """Buys and sells two symbols again and again; a command is answered in the middle of it."""
    for number in range(ROUNDS):
        for kind in ("BUY_SM", "SELL_SM"):
            for symbol in SYMBOLS:
                await firm.signal(kind, symbol)
        if number == ROUNDS // 2:
            firm.owner.send("/orders")
            await firm.owner.wait_for("Orders in progress", within=30)
    await until(lambda: not len(firm.trading.inbox) and not firm.portfolio.in_flight, within=60)


def readable(texts: list[str]) -> int:
    """Returns how many executions these messages report; each is at most a screen."""
    count = 0
    for text in texts:
        assert len(text) < 2_000
        assert len(text.splitlines()) < 30
        digest = re.match(r"📚 (\d+) events", text)
        count += int(digest[1]) if digest else "executed" in text.splitlines()[0]
    return count


async def test_a_flood_stays_inside_the_limits_loses_nothing_and_can_be_read(tmp_path: Path) -> None:
    clock = FastClock(2)
    limit = Counted(clock)
    readers = {MAIN_READER: OWNER, str(TRADER): TRADER, str(VIEWER): VIEWER}
    async with (
        running_chat(Room(PEOPLE, flood_limit=limit)) as server,
        firm_on(server, tmp_path, clock=clock, limits=LIMITS) as firm,
    ):
        for person in (TRADER, VIEWER):
            await firm.person(person).ask("/start")
            while await firm.ledger.cursor(str(person)) is None:  # noqa: ASYNC110 - the notifier tells nobody that it has begun
                await asyncio.sleep(0.01)
        await clock.sleep(1.1)
        began, own = clock.monotonic(), own_seconds()
        await flood(firm)
        assert own_seconds() - own < 10
        lasted = clock.monotonic() - began  # 20 or less, unless other processes have the processors
        while any([await firm.ledger.pending(await firm.ledger.cursor(reader) or {}) for reader in readers]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        found = await told(firm, readers)
        assert {reader: len(seqs) for reader, seqs in found.items()} == dict.fromkeys(readers, 4 * ROUNDS)
        assert limit.refused in ([], [OWNER])  # the answer to a person does not wait; if it came too soon, it is sent again
        for chat in readers.values():
            times = [at for at, where in limit.sent if where == chat and at > began]
            alerts = [message.text for message in firm.person(chat).received if "story" in message.text or "📚" in message.text]
            assert len(alerts) < 20 + max(lasted, 20)
            assert readable(alerts) == 4 * ROUNDS
            paced = [later - earlier for earlier, later in pairwise(times)]
            assert sum(gap < 0.95 for gap in paced) <= (chat == OWNER)  # the answer to a person does not wait for alerts
