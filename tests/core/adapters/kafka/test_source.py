"""The source starts at the right position, reads nothing twice and skips nothing, and reports unreadable records."""

import asyncio
import json
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from bot.clock import SystemClock
from core.adapters.kafka import group_offsets as kafka_offsets
from core.adapters.kafka import open_transactions as kafka_transactions
from core.adapters.kafka.group_offsets import GroupOffsets
from core.adapters.kafka.options import KafkaOptions
from core.domain.messages import SignalReceived
from tests.core.adapters.kafka.conftest import Bench, eventually, good, real_bench
from tests.own_time import own_seconds
from tests.servers.kafka import KafkaServer
from tests.servers.ports import free_port


async def test_the_first_start_of_all_reads_what_comes_from_now_on(bench: Bench, no_blocking: object) -> None:
    await bench.make_topic(partitions=2)
    await bench.write(good(1), good(2), partition=1)
    async with bench.reading() as source:
        assert bench.ledger.positions == {0: 0, 1: 2}
        assert bench.reports.first_starts == 1
        await bench.write(good(3), partition=1)
        await bench.write(good(4), partition=0)
        await eventually(lambda: len(bench.ledger.messages) == 2)
        await eventually(lambda: source.lag == 0)
    assert sorted(bench.ledger.ids) == ["3", "4"]
    assert bench.ledger.positions == {0: 1, 1: 3}
    assert bench.reports.states == []


async def test_what_is_delivered_is_a_whole_message(bench: Bench) -> None:
    await bench.make_topic()
    async with bench.reading():
        await bench.write(b'{"signal_type": "SELL_SM", "close": "0.5220", "symbol": "btcusdc", "why": "rsi"}')
        await eventually(lambda: bool(bench.ledger.messages))
    (message,) = bench.ledger.messages
    assert isinstance(message.body, SignalReceived)
    signal = message.body.signal
    assert (message.source, message.source_id, message.mailbox) == (f"kafka:{bench.topic}", f"{bench.topic}/0/0", "BTCUSDC")
    assert (signal.source, signal.signal_id, signal.extra) == (message.source, message.source_id, {"why": "rsi"})
    assert abs((message.received_at - signal.ts).total_seconds()) < 10


async def test_it_resumes_at_the_stored_position(bench: Bench) -> None:
    await bench.make_topic()
    async with bench.reading():
        await bench.write(good(1), good(2))
        await eventually(lambda: len(bench.ledger.messages) == 2)
    await bench.write(good(3), good(4))
    async with bench.reading():
        await bench.write(good(5))
        await eventually(lambda: len(bench.ledger.messages) == 5)
        await asyncio.sleep(0.1)
    assert bench.ledger.ids == ["1", "2", "3", "4", "5"]
    assert bench.reports.first_starts == 1


async def test_a_first_start_that_was_cut_short_begins_again(bench: Bench) -> None:
    """Covers a start that stored the end of partition 1 but not of partition 0: earlier records are still not ours."""
    await bench.make_topic(partitions=2)
    await bench.write(good(1), partition=0)
    await bench.write(good(2), partition=1)
    bench.ledger.positions = {1: 0}
    async with bench.reading():
        await eventually(lambda: bench.ledger.ids == ["2"])
        assert bench.ledger.positions == {0: 1, 1: 1}


async def test_a_partition_that_is_not_stored_is_read_from_its_beginning(bench: Bench) -> None:
    await bench.make_topic(partitions=2)
    await bench.write(good(1), partition=1)
    bench.ledger.positions = {0: 0}
    async with bench.reading():
        await eventually(lambda: bench.ledger.ids == ["1"])
    assert bench.reports.first_starts == 0


async def test_a_topic_that_comes_later_is_read_from_its_beginning(bench: Bench) -> None:
    async with bench.running() as source:
        await eventually(lambda: source.ready == (False, f"topic {bench.topic} does not exist"))
        assert bench.reports.states == [source.ready]
        await bench.make_topic()
        await bench.write(good(1))
        await eventually(lambda: bench.ledger.ids == ["1"])
        assert source.ready[0]
    assert bench.reports.first_starts == 1
    assert [ready for ready, _ in bench.reports.states] == [False, True]


async def test_a_position_that_is_gone_is_told(bench: Bench) -> None:
    await bench.make_topic()
    await bench.write(good(1), good(2))
    bench.ledger.positions = {0: 57}
    async with bench.reading():
        await eventually(lambda: bench.ledger.ids == ["1", "2"])
    assert bench.reports.gaps == [(0, 57, 0)]
    assert bench.ledger.positions == {0: 2}


async def test_records_of_a_topic_made_anew_are_not_taken_for_those_before(bench: Bench) -> None:
    await bench.make_topic()
    await bench.write(b'{"signal_type": "BUY_SM", "close": 1}')
    bench.ledger.positions = {0: 57}
    async with bench.reading():
        await eventually(lambda: bench.ledger.ids == [f"{bench.topic}/0/0@1"])
    async with bench.reading():
        await bench.write(b'{"signal_type": "SELL_SM", "close": 1}')
        await eventually(lambda: bench.ledger.ids == [f"{bench.topic}/0/0@1", f"{bench.topic}/0/1@1"])
    assert bench.ledger.generations == {0: 1}


async def test_ten_thousand_bad_records_do_not_hold_up_the_good_ones(bench: Bench, no_blocking: object) -> None:
    await bench.make_topic()
    async with bench.reading():
        before = bench.ledger.deliveries
        bad = [b"bad %d" % number for number in range(5_000)]
        await bench.write_from_elsewhere(good(1), *bad, good(2), *[b"[]"] * 5_000, good(3))
        await eventually(lambda: len(bench.ledger.messages) == 3)
    assert bench.ledger.ids == ["1", "2", "3"]
    assert [letter.position for letter in bench.ledger.dead if letter.raw.startswith(b"bad")] == [
        f"{bench.topic}/0/{offset}" for offset in range(1, 5_001)
    ]
    assert len(bench.ledger.dead) == 10_000
    assert bench.ledger.deliveries - before < 200


async def test_dead_letters_are_copied_with_their_reason(bench: Bench) -> None:
    await bench.make_topic()
    big = json.dumps({"x": "y" * 900_000}).encode()
    async with bench.reading() as source:
        await bench.write(b"no json", big, key=b"WIFUSDC")
        await eventually(lambda: len(bench.ledger.dead) == 2)
        await eventually(lambda: source.dead_letters.waiting == 0)
        small, cut = await bench.records(bench.dlq_topic, 2)
    assert (small.key, small.value) == (b"WIFUSDC", b"no json")
    headers = dict(small.headers)
    assert b"not JSON" in headers.pop("marketflow-reason")
    assert headers == {
        "marketflow-topic": bench.topic.encode(),
        "marketflow-partition": b"0",
        "marketflow-offset": b"0",
    }
    assert cut.value == big[: 64 * 1024]
    assert dict(cut.headers)["marketflow-truncated-from"] == b"%d" % len(big)
    assert [len(letter.raw) for letter in bench.ledger.dead] == [7, 2048]


async def test_a_tombstone_is_neither_a_signal_nor_a_fault(bench: Bench) -> None:
    await bench.make_topic()
    async with bench.reading() as source:
        await bench.write(None, b"", None, good(1), None, key=b"WIFUSDC")
        await eventually(lambda: bench.ledger.ids == ["1"] and bench.ledger.positions == {0: 5})
        assert [letter.problem for letter in bench.ledger.dead] == ["the record is empty"]
        assert sum(bench.reports.tombstones) == 3
        await eventually(lambda: source.dead_letters.waiting == 0)
        (copied,) = await bench.records(bench.dlq_topic, 1)
    assert copied.value == b""


async def test_a_full_inbox_makes_it_wait_and_the_lag_shows(bench: Bench) -> None:
    await bench.make_topic()
    async with bench.reading() as source:
        bench.ledger.gate.clear()
        await bench.write(good(1))
        await eventually(lambda: source.lag == 1)
        await bench.write(good(2), good(3))
        await eventually(lambda: source.lag == 3)
        bench.ledger.gate.set()
        await eventually(lambda: source.lag == 0)
    assert bench.ledger.ids == ["1", "2", "3"]


async def test_a_ledger_that_refuses_is_tried_again(bench: Bench) -> None:
    await bench.make_topic()
    async with bench.reading() as source:
        bench.ledger.broken = True
        await bench.write(good(1))
        await eventually(lambda: source.ready == (False, "the ledger's disk is full"))
        bench.ledger.broken = False
        await eventually(lambda: source.ready[0] and bench.ledger.ids == ["1"])
    assert bench.reports.states == []  # the absence of the ledger is reported elsewhere


async def test_a_group_that_is_being_asked_for_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_offsets, "_EVERY", 0.0)
    monkeypatch.setattr(kafka_offsets, "_PATIENCE", 0.2)
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        group = GroupOffsets(KafkaOptions(f"127.0.0.1:{port}"), "signals", "marketflow", SystemClock())
        group.note({0: 1})
        running = asyncio.create_task(group.run())
        await reached.wait()
        running.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([running])
        assert running.cancelled()
        await asyncio.sleep(0.1)  # until the server sees its end


async def test_the_group_shows_the_position_to_others(bench: Bench) -> None:
    await bench.make_topic()
    async with bench.reading():
        await bench.write(good(1), good(2), good(3))
        await eventually(lambda: len(bench.ledger.messages) == 3)
    consumer = AIOKafkaConsumer(group_id=bench.group, enable_auto_commit=False, **await bench.options.client_arguments())
    async with consumer:
        partition = TopicPartition(bench.topic, 0)
        consumer.assign([partition])
        assert await consumer.committed(partition) == 3


async def test_it_stops_at_once_while_connecting() -> None:
    bench = Bench(options=_nobody(), create_topic=lambda *_: None, topic=uuid4().hex)
    async with bench.running() as source:
        await eventually(lambda: "connection refused" in source.ready[1])
        began = own_seconds()
    assert own_seconds() - began < 2


def _nobody() -> KafkaOptions:
    return KafkaOptions(f"127.0.0.1:{free_port()}", request_timeout=2.0)


def numbered(signal_type: str, number: int) -> bytes:
    return b'{"signal_type": "%s", "close": 1, "n": %d}' % (signal_type.encode(), number)


async def test_what_is_read_again_after_a_log_was_cut_is_known(bench: Bench) -> None:
    """Simulates a leader that lagged and takes over: its last records are gone, and our position is past its end."""
    await bench.make_topic()
    bench.ledger.positions = {0: 0}
    async with bench.reading():
        await bench.write(numbered("BUY_SM", 0), numbered("SELL_SM", 1))
        await eventually(lambda: len(bench.ledger.messages) == 2)
    bench.ledger.positions = {0: 3}  # as if there had been one more
    async with bench.reading():
        await eventually(lambda: bench.ledger.positions == {0: 2})
        await bench.write(numbered("BUY_SM", 2))
        await eventually(lambda: len(bench.ledger.messages) == 5)
    first, second = (f"{bench.topic}/0/{number}" for number in range(2))
    # The first two again under the ids they had, which the inbox refuses.
    assert bench.ledger.ids == [first, second, first, second, f"{bench.topic}/0/2@1"]
    assert bench.reports.gaps == [(0, 3, 0)]


async def test_what_waits_behind_an_open_transaction_is_seen_and_told(
    real_kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_transactions, "PATIENCE_SECONDS", 2.0)
    bench = real_bench(real_kafka)
    await bench.make_topic()
    arguments = await bench.options.client_arguments()
    async with bench.reading() as source, AIOKafkaProducer(transactional_id=uuid4().hex, **arguments) as producer:
        await bench.write(good(1))
        await eventually(lambda: bench.ledger.ids == ["1"] and source.lag == 0)
        await producer.begin_transaction()
        await producer.send_and_wait(bench.topic, good(2))
        await bench.write(good(3))  # a complete transaction, by another producer
        await eventually(lambda: source.lag == 2)
        assert source.ready[0]
        await eventually(lambda: not source.ready[0])
        assert source.ready[1] == "2 record(s) of partition 0 wait behind a transaction that some producer left open"
        assert bench.ledger.ids == ["1"]
        await producer.abort_transaction()
        await eventually(lambda: source.ready[0] and source.lag == 0)
        assert bench.ledger.ids == ["1", "3"]
    assert [ready for ready, _ in bench.reports.states] == [False, True]


async def test_the_same_topic_after_a_restart_is_the_same(bench: Bench) -> None:
    await bench.make_topic(partitions=2)
    async with bench.reading():
        await bench.write(good(1), good(2), partition=1)
        await eventually(lambda: bench.ledger.ids == ["1", "2"])
    await bench.write(good(3), partition=1)
    await bench.write(good(4))
    async with bench.reading():
        await eventually(lambda: sorted(bench.ledger.ids) == ["1", "2", "3", "4"])
    async with bench.reading():
        await bench.write(good(5))
        await eventually(lambda: len(bench.ledger.ids) == 5)
    assert bench.reports.gaps == []
    assert set(bench.ledger.generations.values()) == {0}


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_a_topic_made_anew_while_stopped_is_read_from_its_first_record(real_kafka: KafkaServer, count: int) -> None:
    """Covers fewer records than were read, exactly as many, and more."""
    bench = real_bench(real_kafka)
    await bench.make_topic()
    async with bench.reading():
        await bench.write(*([b'{"signal_type": "BUY_SM", "close": 1}'] * 2))
        await eventually(lambda: len(bench.ledger.messages) == 2)
    admin = AIOKafkaAdminClient(**await bench.options.client_arguments())
    await admin.start()
    await admin.delete_topics([bench.topic])
    await admin.close()
    await asyncio.sleep(1)
    await bench.make_topic()
    await bench.write(*([b'{"signal_type": "BUY_SM", "close": 1}'] * count))
    async with bench.reading():
        await eventually(lambda: len(bench.ledger.messages) == 2 + count)
        await bench.write(b'{"signal_type": "SELL_SM", "close": 1}')
        await eventually(lambda: len(bench.ledger.messages) == 3 + count)
    assert bench.ledger.ids[2:] == [f"{bench.topic}/0/{offset}@1" for offset in range(count + 1)]
    assert len(bench.reports.gaps) == 1


async def test_a_record_that_is_gone_is_no_sign_of_a_topic_made_anew(bench: Bench) -> None:
    """Covers records that expire, or are compacted away."""
    await bench.make_topic()
    await bench.write(good(1), good(2))
    bench.ledger.positions, bench.ledger.witnesses = {0: 1}, {0: "7:0123456789abcdef"}
    async with bench.reading():
        await eventually(lambda: bench.ledger.ids == ["2"])
    assert bench.reports.gaps == []
