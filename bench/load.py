"""Sends signals and reads from the exchange's own log when the orders came. Does not know which contender places them."""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import ClientSession
from aiokafka import AIOKafkaProducer

from bench.world import PRICE, SYMBOLS, World

_LOOK_EVERY = 0.2  # seconds
_ORDERS = {("POST", "/api/v3/order"), ("WS order.place", "ws-api")}  # either way of an order
_SETTLED = 0.5  # seconds in which a second order for the same signal would show
_LONGEST = 90.0  # seconds that a burst may take
_JITTER = 0.25  # of the pause, so that it does not synchronize with anything


class BenchmarkFailed(Exception):
    """Raised when a contender did not place exactly the expected orders: its times are meaningless."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal to send. Its order is a BUY or a SELL of `symbol`."""

    symbol: str
    side: str
    signal_id: str

    def record(self) -> bytes:
        body = {"signal_type": f"{self.side}_SM", "symbol": self.symbol, "close": float(PRICE), "signal_id": self.signal_id}
        return json.dumps(body).encode()


@dataclass(frozen=True, slots=True)
class Seen:
    """An order request as the exchange logged it; `at` in seconds since the epoch."""

    symbol: str
    side: str
    at: float


def signals(name: str, count: int) -> Iterator[Signal]:
    """Yields `count` signals over all symbols in turn, in each a BUY and a SELL alternating: every one of them is to be
    executed."""
    for number in range(count):
        side = "BUY" if number // len(SYMBOLS) % 2 == 0 else "SELL"
        yield Signal(SYMBOLS[number % len(SYMBOLS)], side, f"{name}-{number}")


class Load:
    """Sends signals to one topic, one phase after the other."""

    def __init__(self, world: World, topic: str) -> None:
        self._topic = topic
        self._control = "{0.scheme}://{0.netloc}/_venue/".format(urlsplit(world.api_url))
        self._producer = AIOKafkaProducer(bootstrap_servers=world.broker)
        self._session = ClientSession()
        self._looked_at = 0
        self._random = random.Random(topic)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        self._looked_at = (await self._ask("state"))["requests"]
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._producer.stop()
        await self._session.close()

    async def one_at_a_time(self, wanted: Sequence[Signal], pause: float) -> list[float]:
        """Returns the seconds from sending each signal to its order's arrival, with `pause` seconds between two signals."""
        sent = []
        for signal in wanted:
            sent.append(await self._send(signal))
            await asyncio.sleep(pause * self._random.uniform(1 - _JITTER, 1 + _JITTER))
        orders = await self._orders(wanted)
        return [order.at - at for order, at in zip(orders, sent, strict=True)]

    async def burst(self, wanted: Sequence[Signal]) -> float:
        """Returns orders per second, from sending the first signal to the arrival of the last order."""
        sent = [await self._send(signal) for signal in wanted]
        orders = await self._orders(wanted)
        return len(orders) / (max(order.at for order in orders) - sent[0])

    async def _send(self, signal: Signal) -> float:
        at = time.time()
        await self._producer.send(self._topic, signal.record(), key=signal.symbol.encode())
        return at

    async def _orders(self, wanted: Sequence[Signal]) -> list[Seen]:
        """Returns the order of each signal, in the order of `wanted`, once all have come and no more do."""
        seen: list[Seen] = []
        deadline = time.monotonic() + _LONGEST
        while len(seen) < len(wanted) and time.monotonic() < deadline:
            await asyncio.sleep(_LOOK_EVERY)
            seen += await self._new_orders()
        await asyncio.sleep(_SETTLED)
        return matched(wanted, seen + await self._new_orders())

    async def _new_orders(self) -> list[Seen]:
        log = await self._ask("requests", since=self._looked_at)
        self._looked_at += len(log)
        orders = (entry for entry in log if (entry["method"], entry["path"]) in _ORDERS)
        return [Seen(order["params"]["symbol"], order["params"]["side"], order["time_us"] / 1e6) for order in orders]

    async def filled(self) -> tuple[int, int]:
        """Returns how many orders the exchange has filled since it started, and how many it has accepted."""
        orders = (await self._ask("state"))["orders"]
        return sum(order["status"] == "FILLED" for order in orders), len(orders)

    async def _ask(self, command: str, **arguments: object) -> Any:
        async with self._session.post(self._control + command, json=arguments) as answer:
            answer.raise_for_status()
            return await answer.json()


def matched(wanted: Sequence[Signal], seen: Sequence[Seen]) -> list[Seen]:
    """Returns the order of each signal: the first of a symbol belongs to the symbol's first signal, and so on.

    Raises BenchmarkFailed where there are too few, too many, or unexpected ones.
    """
    if len(seen) != len(wanted):
        raise BenchmarkFailed(f"{len(wanted)} signals were sent and {len(seen)} orders arrived")
    of_symbol: defaultdict[str, list[Seen]] = defaultdict(list)
    for order in seen:
        of_symbol[order.symbol].append(order)
    found = []
    for signal in wanted:
        orders = of_symbol[signal.symbol]
        if not orders or orders[0].side != signal.side:
            came = orders[0].side if orders else "nothing"
            raise BenchmarkFailed(f"signal {signal.signal_id}: a {signal.side} of {signal.symbol} was due, {came} came")
        found.append(orders.pop(0))
    return found
