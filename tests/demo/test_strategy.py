"""The toy strategy on a clock that runs fast: it begins soon, sells what it bought, and its results are worth watching."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from core.adapters.kafka_settings import KafkaOptions
from demo.broker import MemoryBroker
from demo.market import INSTRUMENTS, SimulatedMarket
from demo.strategy import Holding, ToyStrategy

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOPIC = "signals"


class FastClock:
    """Every sleep ends at once and moves the time, until `seconds` are over; then `ended` is set and sleeps last."""

    def __init__(self, start: datetime, seconds: float) -> None:
        self.start = self.time = start
        self.seconds = seconds
        self.ended = asyncio.Event()

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - self.start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        if self.monotonic() > self.seconds:
            self.ended.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


async def signals_of(broker: MemoryBroker, start: datetime, seconds: float) -> list[dict[str, Any]]:
    """What the strategy publishes from `start` on, for so long."""
    await asyncio.to_thread(broker.create_topic, TOPIC)
    clock = FastClock(start, seconds)
    strategy = ToyStrategy(SimulatedMarket(clock), KafkaOptions(servers=broker.address), TOPIC, clock, symbols=list(INSTRUMENTS))
    running = asyncio.create_task(strategy.run())
    await asyncio.wait_for(clock.ended.wait(), 20)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return await published(broker)


async def published(broker: MemoryBroker) -> list[dict[str, Any]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.address, fetch_max_wait_ms=10)
    await consumer.start()
    try:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, 0)
        records: list[dict[str, Any]] = []
        while len(records) < end:
            batch = await consumer.getmany(timeout_ms=100)
            records += [json.loads(record.value) for part in batch.values() for record in part]
        return records
    finally:
        await consumer.stop()


def round_trips(signals: list[dict[str, Any]]) -> list[Decimal]:
    """Results in per cent before fees; fails when a symbol is bought twice in a row, or sold without a BUY."""
    bought: dict[str, Decimal] = {}
    results = []
    for signal in signals:
        price = Decimal(str(signal["close"]))
        if signal["signal_type"] == "BUY_SM":
            assert signal["symbol"] not in bought
            bought[signal["symbol"]] = price
        else:
            assert signal["signal_type"] == "SELL_SM"
            results.append((price / bought.pop(signal["symbol"]) - 1) * 100)
    return results


@pytest.mark.parametrize("minutes", [0, 7, 61, 1000])
async def test_whenever_it_starts_it_buys_at_once_and_has_sold_within_eleven_seconds(
    memory_broker: MemoryBroker, minutes: int
) -> None:
    signals = await signals_of(memory_broker, START + timedelta(minutes=minutes), 11)
    assert [signal["signal_type"] for signal in signals].count("BUY_SM") >= 2
    assert len(round_trips(signals)) >= 1


async def test_results_are_between_minus_3_and_plus_6_per_cent_of_both_kinds_and_do_not_ruin_the_demo(
    memory_broker: MemoryBroker,
) -> None:
    results = round_trips(await signals_of(memory_broker, START, 1200))
    assert len(results) > 100
    assert min(results) > -3
    assert max(results) < 6
    assert sum(result > 1 for result in results) > 10
    assert sum(result < -Decimal("0.5") for result in results) > 10
    # An order is 100 USDC and the day's loss limit 100: a demo that is left alone must not stop by itself.
    assert sum(result - Decimal("0.2") for result in results) > -50


@pytest.mark.parametrize(
    ("bid", "now", "sold"),
    [
        ("103.21", 0, True),  # 3 % and the fees
        ("103.19", 0, False),
        ("99.1", 0, True),  # the stop, fees and all
        ("99.3", 0, False),
        ("100.6", 9.9, False),
        ("100.6", 10, True),
        ("100.2", 10, False),  # nothing worth telling
        ("100.2", 30, True),
    ],
)
def test_when_a_holding_is_over(bid: str, now: float, sold: bool) -> None:
    holding = Holding(Decimal(100), until=10, at_latest=30, goal=Decimal(3), stop=Decimal(1))
    assert holding.is_over(Decimal(bid), now) is sold
