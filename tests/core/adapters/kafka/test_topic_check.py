"""Reaches the broker: TLS and passwords as on Azure Event Hubs, and brokers that go away and come back."""

import asyncio
import logging
from dataclasses import replace

import pytest

from core.adapters.kafka.options import KafkaOptions
from demo.broker import MemoryBroker
from tests.core.adapters.kafka.conftest import Bench, eventually, good, memory_bench, real_bench
from tests.servers.kafka import KafkaServer
from tests.servers.ports import free_port


def event_hubs(kafka: KafkaServer) -> KafkaOptions:
    """Returns the listener that requires TLS and `$ConnectionString`."""
    return KafkaOptions(
        kafka.sasl_address,
        security_protocol="SASL_SSL",
        username=kafka.username,
        password=kafka.password,
        ca_file=kafka.cafile,
        request_timeout=5.0,
    )


async def test_signals_come_over_tls_with_a_connection_string(real_kafka: KafkaServer) -> None:
    bench = replace(real_bench(real_kafka), options=event_hubs(real_kafka))
    assert bench.options.username == "$ConnectionString"
    await bench.make_topic()
    async with bench.reading():
        await bench.write(good(1))
        await eventually(lambda: bench.ledger.ids == ["1"])


async def test_a_wrong_password_is_said_plainly_and_shown_nowhere(
    real_kafka: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench = real_bench(real_kafka)
    await bench.make_topic()
    wrong = replace(event_hubs(real_kafka), password="Endpoint=sb://wrong/;SharedAccessKey=hunter2=")
    async with bench.running(wrong) as source:
        await eventually(lambda: bool(bench.reports.states))
        assert source.ready == (False, f"broker {wrong.servers} refused user name or password")
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr(wrong)


async def test_an_unknown_authority_is_said_plainly(real_kafka: KafkaServer) -> None:
    bench = real_bench(real_kafka)
    async with bench.running(replace(event_hubs(real_kafka), ca_file=None)) as source:
        await eventually(lambda: bool(bench.reports.states))
        assert "is not trusted" in source.ready[1]
        assert "KAFKA_SSL_CAFILE" in source.ready[1]


async def test_a_broker_that_is_not_there_is_said_once_and_tried_again() -> None:
    nowhere = KafkaOptions(f"127.0.0.1:{free_port()}", request_timeout=1.0)
    bench = Bench(nowhere, lambda _name, _partitions: None)
    async with bench.running() as source:
        await eventually(lambda: len(bench.clock.asked) >= 3)
        assert source.ready == (False, f"cannot reach broker {nowhere.servers}: connection refused")
    assert len(bench.reports.states) == 1


async def test_reading_goes_on_where_it_was_when_a_real_broker_is_restarted(real_kafka: KafkaServer) -> None:
    bench = real_bench(real_kafka)
    await bench.make_topic()
    async with bench.reading() as source:
        await bench.write(good(1))
        await eventually(lambda: bench.ledger.ids == ["1"])
        await asyncio.to_thread(real_kafka.stop)
        await eventually(lambda: not source.ready[0])
        await asyncio.to_thread(real_kafka.start)
        await eventually(lambda: source.ready[0])
        await bench.write(good(2))
        await eventually(lambda: bench.ledger.ids == ["1", "2"])
    assert [ready for ready, _ in bench.reports.states] == [False, True]


async def test_reading_goes_on_when_the_embedded_broker_is_back(memory_broker: MemoryBroker) -> None:
    bench = memory_bench(memory_broker)
    await bench.make_topic()
    async with bench.reading() as source:
        await bench.write(good(1))
        await eventually(lambda: bench.ledger.ids == ["1"])
        await asyncio.to_thread(memory_broker.set_down)
        await eventually(lambda: not source.ready[0])
        await asyncio.to_thread(memory_broker.set_up)
        await eventually(lambda: source.ready[0])
        await bench.write(good(2))
        await eventually(lambda: len(bench.ledger.ids) > 1)
    assert bench.ledger.ids == ["1", "2"]
