"""The toy strategy on a fast clock: it begins soon, sells what it bought, and its results are worth watching."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from core.adapters.kafka.options import KafkaOptions
from demo.broker import MemoryBroker
from demo.exit_plan import is_carried_out
from demo.market import INSTRUMENTS, SimulatedMarket
from demo.strategy import Delays, HeldPosition, ToyStrategy

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOPIC = "signals"


class FastClock:
    """A clock on which every sleep ends at once and moves the time, until `seconds` are over; then `ended` is set and sleeps
    last."""

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


async def signals_of(broker: MemoryBroker, start: datetime, seconds: float, delays: Delays | None = None) -> list[dict[str, Any]]:
    """Returns the strategy's signals from `start` on, for so long."""
    await asyncio.to_thread(broker.create_topic, TOPIC)
    clock = FastClock(start, seconds)
    options, symbols = KafkaOptions(servers=broker.address), list(INSTRUMENTS)
    strategy = ToyStrategy(SimulatedMarket(clock), options, TOPIC, clock, symbols=symbols, delays=delays)
    running = asyncio.create_task(strategy.run())
    await asyncio.wait_for(clock.ended.wait(), 80)
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


def at_of(signal: dict[str, Any]) -> float:
    """Returns the seconds after the start."""
    return (datetime.fromisoformat(signal["ts"]) - START).total_seconds()


def round_trips(signals: list[dict[str, Any]]) -> list[Decimal]:
    """Returns results in per cent before fees, of positions that the strategy or their plan has sold; fails when a symbol is
    bought twice in a row without a plan that sold it, or sold without a BUY."""
    bought: dict[str, dict[str, Any]] = {}
    results = []
    for signal in signals:
        before = bought.pop(signal["symbol"], None)
        if signal["signal_type"] == "BUY_SM":
            if before is not None:
                results.append(by_plan(before, signal["ts"]))
            bought[signal["symbol"]] = signal
        else:
            assert signal["signal_type"] == "SELL_SM"
            assert before is not None
            results.append(distance(before, Decimal(str(signal["close"]))))
    return results


def distance(entry: dict[str, Any], price: Decimal) -> Decimal:
    """Returns how far the price is from the entry's, in per cent."""
    return (price / Decimal(str(entry["close"])) - 1) * 100


def by_plan(entry: dict[str, Any], until: str) -> Decimal:
    """Returns the result of an entry whose plan has sold all of it by `until`, at the prices of the plan that the record says."""
    first, last = (Decimal(target["pct"]) for target in entry["take_profit"])
    stop, result, left = -Decimal(entry["stop_loss"].removesuffix("%")), Decimal(0), Decimal(1)
    now, end = datetime.fromisoformat(entry["ts"]), datetime.fromisoformat(until)
    market = SimulatedMarket(FastClock(START, 0))
    while now < end:
        now += timedelta(seconds=1)
        away = distance(entry, market.quote_at(entry["symbol"], now).bid)
        if left == 1 and away >= first:
            result, left, stop = first / 2, Decimal("0.5"), Decimal("0.2")
        if away <= stop or away >= last:
            return result + left * (min(last, away))
    raise AssertionError(f"the plan of {entry['symbol']} has not sold it, and it is bought again")


async def test_entries_bring_plans_that_the_market_carries_out_within_minutes(memory_broker: MemoryBroker) -> None:
    signals = await signals_of(memory_broker, START, 1800)
    entries = [signal for signal in signals if signal["signal_type"] == "BUY_SM"]
    assert "stop_loss" not in entries[0]  # it is sold again at once
    assert all(signal["stop_loss"] == "2%" for signal in entries[1:])
    assert not any("stop_loss" in signal for signal in signals if signal["signal_type"] == "SELL_SM")
    bought: dict[str, dict[str, Any]] = {}
    ends = []
    for signal in signals:
        before = bought.pop(signal["symbol"], None)
        if signal["signal_type"] == "BUY_SM":
            if before is not None:
                ends.append(by_plan(before, signal["ts"]))
            bought[signal["symbol"]] = signal
    assert sum(end > 1 for end in ends) >= 10  # by a target, or by both
    assert sum(end < -1 for end in ends) >= 5  # by the stop


@pytest.mark.parametrize(
    ("bids", "over"),
    [
        (["100", "99", "98.0"], False),
        (["100", "97.8"], True),  # the stop
        (["100", "101.7", "100.5"], False),
        (["100", "101.7", "100.05"], True),  # the first target, then the stop at breakeven
        (["100", "100.05"], False),
        (["100", "103.2"], True),  # the last target
    ],
)
def test_when_a_plan_must_have_sold_everything(bids: list[str], over: bool) -> None:
    assert is_carried_out(Decimal(100), [Decimal(bid) for bid in bids]) is over


@pytest.mark.parametrize("minutes", [0, 7, 61, 1000])
async def test_whenever_it_starts_it_buys_at_once_and_has_sold_within_eleven_seconds(
    memory_broker: MemoryBroker, minutes: int
) -> None:
    signals = await signals_of(memory_broker, START + timedelta(minutes=minutes), 11)
    assert [signal["signal_type"] for signal in signals].count("BUY_SM") >= 2
    assert len(round_trips(signals)) >= 1


async def test_results_are_of_both_kinds_and_do_not_ruin_the_demo(memory_broker: MemoryBroker) -> None:
    results = round_trips(await signals_of(memory_broker, START, 5400))
    assert len(results) > 100
    assert min(results) > -8
    assert max(results) < 8
    assert sum(result > 1 for result in results) > 30
    assert sum(result < -Decimal("0.5") for result in results) > 15
    # An order is 100 USDC and the day's loss limit 100: an unattended demo must not stop by itself.
    assert sum(result - Decimal("0.2") for result in results) > -20


async def test_a_person_can_follow_and_a_question_is_answered_in_peace(memory_broker: MemoryBroker) -> None:
    signals = [(at_of(signal), signal["symbol"]) for signal in await signals_of(memory_broker, START, 1800)]
    times = [at for at, _ in signals[3:]]  # the first two are bought at once, and one of them sold
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert min(gaps) >= 12
    assert max(gaps) < 70
    assert sum(gaps) / len(gaps) < 30
    for symbol in INSTRUMENTS:
        own = [at for at, traded in signals if traded == symbol]
        own = own[1:] if own[0] < 1 else own  # except for the quick trade
        assert min(later - earlier for earlier, later in pairwise(own)) >= 100


async def test_its_delays_can_be_others(memory_broker: MemoryBroker) -> None:
    fast = Delays(first_hold=(1, 2), hold=(5, 8), rest=(2, 3), apart=0.5)
    assert len(await signals_of(memory_broker, START, 60, fast)) > 20


@pytest.mark.parametrize(
    ("bid", "now", "sold"),
    [
        ("103.21", 9.9, False),
        ("103.21", 10, True),  # 3 % and the fees
        ("103.19", 10, False),
        ("103.19", 30, True),
        ("90", 29.9, False),
        ("90", 30, True),
    ],
)
def test_when_a_position_is_closed(bid: str, now: float, sold: bool) -> None:
    position = HeldPosition(Decimal(100), until=10, at_latest=30, goal=Decimal(3))
    assert position.is_over(Decimal(bid), now) is sold
