"""The people in the chat: what they say, which approvals they answer and how, and who is let in and removed again."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from tests.simulation.chat import Chat, Reply
from tests.simulation.disk import Disk
from tests.simulation.evidence import Hands
from tests.simulation.exchange import SYMBOLS
from tests.simulation.machine import Fate
from tests.simulation.program import ANN, BOB

_LINK = re.compile(r"start=(in_\w+)")
_LIMITS = (
    *("MAX_OPEN_POSITIONS 1", "MAX_OPEN_POSITIONS 2", "MAX_OPEN_POSITIONS 4", "MAX_OPEN_POSITIONS default"),
    *("MAX_ORDER_NOTIONAL 15", "MAX_ORDER_NOTIONAL 500", "PRICE_BAND_PCT 1", "APPROVAL_TTL 20", "APPROVAL_TTL default"),
)

_PLANS = ("stop 1%", "stop 0.6% target 0.7%", "stop 1% target 0.5%:50,1%:50 breakeven target", "target 0.6%")
_WITHOUT_TRAIL = 0.5
_NAMED = 0.6
_SETTINGS = ("/pause", "/pause entries", "/mode confirm", "/mode confirm", "/mode observe", "/panic")


class Crowd:
    """Ann owns the account. Bob trades in it where and as long as she lets him. `hands` records their actions."""

    def __init__(self, fate: Fate, chat: Chat, disk: Disk) -> None:
        self.fate = fate
        self.random = fate.random
        self.chat = chat
        self.disk = disk
        self.hands = Hands()
        self._ends_with = self.random.choice(["a panic in trouble", "a panic in calm", "", ""])
        self._panicking = False
        self._regretted: list[tuple[Reply, str]] = []  # bought at the very moment of the panic
        self._panicked = asyncio.Event()
        self.strategies: Sequence[str] = ()
        self.trail = False
        """Tells whether they also ask for stops that follow the market."""
        self.frightened: Callable[[], object] = lambda: None
        """Called when somebody is about to panic in trouble."""

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """Acts all the time."""
        speaking = [self._setting(), self._trading(), self._cancelling(), self._guest(), self._fear()]
        return [*speaking, self._reading(), self._questions()]

    async def come_to_an_end(self) -> None:
        """Acts once nothing fails any more: nobody says anything after a panic."""
        if self._ends_with == "a panic in calm":
            self.hands.panicked_in_calm = True
            await self._panic()
        elif self._ends_with:
            await self._panicked.wait()

    async def come_again(self) -> None:
        """Lets Bob try whether he may still do something."""
        self.chat.do(BOB, "/pause")
        self.hands.guests_word = f"update:{len(self.chat.updates)}"

    # --- commands

    def _say(self, person: int, said: str) -> None:
        self.fate.tell(f"{'Ann' if person == ANN else 'Bob'}: {said}")
        self.chat.do(person, said)

    @property
    def _silent(self) -> bool:
        return self.fate.over or self._panicking

    async def _setting(self) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(1 / 60))
            if self._silent:
                return
            self._say(ANN, self.random.choice(_SETTINGS))
            await asyncio.sleep(self.random.uniform(1.0, 20.0))
            if self._silent:
                return
            self._say(ANN, "/resume")
            self._say(ANN, self.random.choice(["/mode auto", "/mode auto", "/mode confirm"]))

    async def _trading(self) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(1 / 15))
            if self._silent:
                return
            self._say(ANN, self._something())

    def _something(self) -> str:
        symbol = self.random.choice(SYMBOLS)
        sizes = ["", f" 40 {symbol[:-4]}", " 8 USDC" if symbol.endswith("USDC") else " 8 USDT"]
        named = f" @{self.random.choice(self.strategies)}" if self.strategies and self.random.random() < _NAMED else ""
        return self.random.choice(
            [
                *(f"/buy {symbol}{self.random.choice(sizes)}", f"/buy {symbol}"),
                *(f"/sell {symbol}{named}", f"/close {symbol}{named}", f"/protect {symbol}{named} {self._exits()}"),
                *("/close all", "/cancel", f"/set {self.random.choice(_LIMITS)}", f"/buy {symbol} {self._exits()}"),
            ]
        )

    def _exits(self) -> str:
        plan = self.random.choice(_PLANS)
        if not self.trail or self.random.random() < _WITHOUT_TRAIL:
            return plan
        return self.random.choice([f"{plan} trail 0.8%", "trail 0.5%", "trail off"])

    async def _cancelling(self) -> None:
        """Cancels some orders that take long."""
        seen: set[str] = set()
        while True:
            await asyncio.sleep(1.5)
            if self._silent:
                return
            for order in self.disk.in_flight():
                if order not in seen and self.random.random() < 0.3:
                    self._say(ANN, f"/cancel {order}")
                seen.add(order)

    async def _guest(self) -> None:
        if self.random.random() < 0.5:
            return
        await asyncio.sleep(self.random.uniform(5.0, 60.0))
        self._say(ANN, "/users invite trader")
        until = self.fate.loop.time() + self.random.uniform(20.0, 120.0)
        while self.fate.loop.time() < until:
            await asyncio.sleep(self.random.expovariate(1 / 15))
            if self._silent:
                return
            self._say(BOB, self._something())
        self._say(ANN, f"/users revoke {BOB} yes")

    async def _fear(self) -> None:
        if self._ends_with == "a panic in trouble":
            await asyncio.sleep(self.random.uniform(30.0, 110.0))
            self.frightened()
            await self._panic()

    async def _panic(self) -> None:
        """Repeats the panic until it was heard, and does nothing else from then on."""
        self._panicking = True
        if self.random.random() < 0.5:
            for symbol in self.random.sample(SYMBOLS, 2):
                self._say(ANN, f"/buy {symbol}")
            await asyncio.sleep(2.0)
        while not any(self.disk.has_message(f"{command}:0") for command in self.hands.panics):
            self._say(ANN, "/panic")
            await asyncio.sleep(self.random.uniform(3.0, 10.0))
        self._panicked.set()

    # --- answers

    async def _reading(self) -> None:
        seen = 0
        while True:
            await asyncio.sleep(0.5)
            replies = self.chat.replies[seen:]
            seen += len(replies)
            for reply in replies:
                self.fate.loop.start(None, self._answer(reply), "answer")

    async def _answer(self, reply: Reply) -> None:
        if link := _LINK.search(reply.text):
            self.chat.do(BOB, f"/start {link[1]}")
        if reply.said == "/cancel" and reply.buttons and not self._silent:
            self.chat.do(reply.person, self.random.choice(reply.buttons))
        which = [data for data in reply.buttons if data.startswith(("/sell", "/close", "/protect")) and "@" in data]
        if which and not self._silent:  # several strategies hold it
            self.chat.do(reply.person, self.random.choice(which))
        asked = next((data for data in reply.buttons if data.startswith("ok:")), None)
        if asked is not None:
            await self._confirm(reply, asked)

    async def _confirm(self, reply: Reply, asked: str) -> None:
        """Confirms at once or late, once or twice, and now and then not at all. In a panic nothing else counts any more."""
        afraid = self._panicking and reply.said == "/panic"
        if self._panicking and reply.said.startswith("/buy"):
            self._regretted.append((reply, asked))
            return
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            await asyncio.sleep(self.random.choice([0.2, 1.0] if afraid else [0.2, 1.0, 1.0, 5.0, 20.0, 70.0]))
            if self._panicking and not afraid:
                return
            if not afraid and self.random.random() < 0.1:
                self.chat.do(reply.person, asked.replace("ok:", "no:"))
                return
            while afraid and self._regretted:
                self._mean(*self._regretted.pop())
            command = self._mean(reply, asked)
            if afraid and command not in self.hands.panics:
                self.hands.panics.append(command)

    def _mean(self, reply: Reply, asked: str) -> str:
        command = asked.replace("ok:", "confirm:")
        self.hands.confirmed[command] = reply.said
        self.chat.do(reply.person, asked)
        return command

    async def _questions(self) -> None:
        """Answers some of the approvals: at once or late, once or twice, this way or that."""
        seen: set[str] = set()
        while True:
            await asyncio.sleep(0.5)
            for message in list(self.chat.messages.values()):
                answers = [data for data in message.buttons if data.startswith("ap:")]
                if answers and answers[0] not in seen:
                    seen.add(answers[0])
                    self.fate.loop.start(None, self._tap(answers), "tap")

    async def _tap(self, answers: list[str]) -> None:
        if self.random.random() < 0.2:
            return
        for _ in range(self.random.choice([1, 1, 2, 3])):
            await asyncio.sleep(self.random.choice([0.0, 0.01, 3.0, 20.0, 45.0]))
            person = self.random.choice([ANN, ANN, BOB])
            answer = self.random.choice([one for one in answers if self.random.random() < 0.8 or not one.endswith(":n")])
            self.chat.do(person, answer)
