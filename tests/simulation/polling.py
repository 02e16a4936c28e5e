"""Telegram lets one program poll for updates: the results of each one's polls, and another program with the same token."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.telegram.single_instance import CONFLICT_PAUSE_SECONDS, SingleInstance
from core.execution.placement import DECIDED_SECONDS
from core.ports.clock import Clock
from local_telegram.errors import ApiError
from local_telegram.updates import UpdateQueue
from tests.simulation.loop import PROCESS, Process
from tests.simulation.machine import Fate

RIVAL = "another program polls"
_NEVER = math.inf


@dataclass(slots=True)
class Poll:
    """One poll for updates, in seconds since the beginning. One that ended by a conflict is `disturbed`."""

    process: str
    began: float
    ended: float = _NEVER
    disturbed: bool = False


@dataclass(slots=True)
class Life:
    """The lifetime of a process, in seconds since the beginning."""

    process: str
    began: float
    ended: float = _NEVER


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as a process sent it. `at` is when it was dated, in seconds since the beginning: one that leaves much later is
    refused for its date."""

    process: str
    at: float
    side: str
    client_order_id: str


@dataclass(slots=True)
class Polling:
    """Records polls, lifetimes and sent orders. If nobody polls `queue` is None, and the program does not check whether it is
    alone."""

    queue: UpdateQueue | None = None
    polls: list[Poll] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)

    def starts(self, process: Process, now: float) -> None:
        """Records a process, and its end when it comes."""
        life = Life(process.name, now)
        self.lives.append(life)
        process.deaths.append(lambda: setattr(life, "ended", asyncio.get_running_loop().time()))

    def sends(self, client_order_id: str, side: str, at: float) -> None:
        """Records an order that is sent, dated `at`."""
        process = PROCESS.get()
        if process is not None:
            self.sent.append(Sent(process.name, at, side, client_order_id))

    async def listen(self, alone: SingleInstance, clock: Clock) -> None:
        """Polls as `bot.telegram.telegram_app` does."""
        while True:
            began = clock.monotonic()
            try:
                await self._poll(alone.poll_seconds)
            except ApiError:
                alone.conflict()
                await clock.sleep(CONFLICT_PAUSE_SECONDS)
            else:
                alone.heard(began)

    async def _poll(self, seconds: float) -> None:
        loop, process = asyncio.get_running_loop(), PROCESS.get()
        if self.queue is None or process is None:
            raise AssertionError("there is nothing to poll")
        poll = Poll(process.name, loop.time())
        self.polls.append(poll)
        try:
            await self.queue.get(0, 100, seconds)
        except ApiError:
            poll.disturbed = True
            raise
        finally:
            poll.ended = loop.time()


class Rival:
    """Another program with the same token: it comes for a while, repeatedly, and rests after a conflict as libraries do."""

    def __init__(self, fate: Fate, polling: Polling) -> None:
        self._fate = fate
        self._polling = polling

    async def poll(self) -> None:
        """Polls until nothing fails any more."""
        fate, random = self._fate, self._fate.random
        await asyncio.sleep(random.choice([0.0, random.uniform(0.0, 60.0)]))
        while fate.strikes(RIVAL, 1.0):
            until = fate.loop.time() + random.uniform(20.0, 150.0)
            while fate.loop.time() < until and not fate.over:
                await self._once(random.uniform(10.0, 50.0))
            fate.tell(f"{RIVAL} no more")
            await asyncio.sleep(random.uniform(30.0, 200.0))

    async def _once(self, seconds: float) -> None:
        queue = self._polling.queue
        if queue is None:
            raise AssertionError("there is nothing to poll")
        try:
            await queue.get(0, 100, seconds)
        except ApiError:
            await asyncio.sleep(self._fate.random.uniform(1.0, 30.0))


UNDISTURBED_SECONDS = 45.0
_TAKEN_OVER_WITHIN = 15.0  # seconds that a lease stands still before it is taken
_A_LITTLE = 0.001


def entries_of_newcomers(polling: Polling) -> Sequence[str]:
    """Returns every entry sent by a program that could not know that it was alone: it neither followed another process of its
    ledger that had traded, nor had one poll lasted long enough. In words."""
    first_order = min((sent.at for sent in polling.sent), default=_NEVER)
    return [
        f"entry {sent.client_order_id} was sent by {sent.process} at {sent.at:.3f}, which did not know that it is alone"
        for sent in polling.sent
        if sent.side == "BUY" and not _follows(polling, sent, first_order) and not _was_undisturbed(polling, sent)
    ]


def _follows(polling: Polling, sent: Sent, first_order: float) -> bool:
    """Tells whether its process succeeds another one, and was not disturbed so far."""
    began = next(life.began for life in polling.lives if life.process == sent.process)
    before = max((life.ended for life in polling.lives if life.began < began), default=-_NEVER)
    lately = began - before < UNDISTURBED_SECONDS + _TAKEN_OVER_WITHIN
    polls = [poll for poll in polling.polls if poll.disturbed and poll.process == sent.process]
    disturbed = any(poll.ended < sent.at - DECIDED_SECONDS for poll in polls)  # an entry that is decided by then is sent
    return lately and first_order < began + _TAKEN_OVER_WITHIN and not disturbed


def _was_undisturbed(polling: Polling, sent: Sent) -> bool:
    return any(
        poll.process == sent.process
        and not poll.disturbed
        and poll.ended <= sent.at + _A_LITTLE
        and poll.ended - poll.began >= UNDISTURBED_SECONDS - _A_LITTLE
        for poll in polling.polls
    )
