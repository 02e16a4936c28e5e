"""Tests the servers that other tests rely on, each with the product's own client."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from demo.broker import MemoryBroker, MemoryBrokerError
from tests.servers.kafka import KafkaServer, RealKafka
from tests.servers.postgres import PostgresServer
from tests.servers.tls import make_certificates

RECORD_TIME_MS = 1_700_000_000_123
FAST_FETCH = {"fetch_max_wait_ms": 10}


@contextlib.asynccontextmanager
async def producing(address: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=address, **options) as producer:
        yield producer


@contextlib.asynccontextmanager
async def reading(
    address: str, partition: TopicPartition, group: str | None = None, **options: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **FAST_FETCH,
        **options,
    )
    async with consumer:
        consumer.assign([partition])
        yield consumer


async def is_refused(address: str, **options: Any) -> None:
    """Asserts that a client cannot get in; aiokafka only logs why."""
    producer = AIOKafkaProducer(bootstrap_servers=address, **options)
    try:
        with pytest.raises(KafkaConnectionError):
            await producer.start()
    finally:
        await producer.stop()


async def write_and_read_back(address: str, **options: Any) -> None:
    """Writes a record with key, headers and time and reads it back; the next reader knows its committed offset."""
    partition, group = TopicPartition(f"topic-{uuid4().hex}", 0), f"group-{uuid4().hex}"
    async with producing(address, **options) as producer:
        for value in (b"first", b"second"):
            await producer.send_and_wait(
                partition.topic,
                value,
                partition=partition.partition,
                key=b"WIFUSDC",
                headers=[("id", b"1")],
                timestamp_ms=RECORD_TIME_MS,
            )
    async with reading(address, partition, group, **options) as consumer:
        assert await consumer.committed(partition) is None
        record = await consumer.getone()
        assert (record.key, record.value, record.headers) == (b"WIFUSDC", b"first", (("id", b"1"),))
        assert record.timestamp == RECORD_TIME_MS
        await consumer.commit({partition: record.offset + 1})
    async with reading(address, partition, group, **options) as consumer:
        assert await consumer.position(partition) == 1
        assert (await consumer.getone()).value == b"second"
        assert await consumer.end_offsets([partition]) == {partition: 2}
        consumer.seek(partition, 0)
        assert (await consumer.getone()).value == b"first"


def event_hubs_login(kafka: KafkaServer, *, cafile: Path, password: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": kafka.username,
        "sasl_plain_password": password,
        "ssl_context": ssl.create_default_context(cafile=str(cafile)),
    }


async def test_memory_broker_keeps_records_and_offsets(memory_broker: MemoryBroker) -> None:
    await write_and_read_back(memory_broker.address)


async def test_memory_broker_has_the_partitions_that_were_asked_for(memory_broker: MemoryBroker) -> None:
    memory_broker.create_topic("signals", partitions=3)
    async with producing(memory_broker.address) as producer:
        assert await producer.partitions_for("signals") == {0, 1, 2}


async def test_memory_broker_refuses_what_it_cannot_make(memory_broker: MemoryBroker) -> None:
    memory_broker.create_topic("signals")
    with pytest.raises(MemoryBrokerError, match="already exists"):
        memory_broker.create_topic("signals")
    with pytest.raises(MemoryBrokerError, match="at least 1 partition"):
        memory_broker.create_topic("none", partitions=0)


async def test_memory_broker_keeps_its_records_through_an_outage(memory_broker: MemoryBroker) -> None:
    partition = TopicPartition("signals", 0)
    async with producing(memory_broker.address) as producer:
        await producer.send_and_wait("signals", b"before", partition=0)
    memory_broker.set_down()
    await is_refused(memory_broker.address)
    memory_broker.set_up()
    async with reading(memory_broker.address, partition) as consumer:
        assert (await consumer.getone()).value == b"before"


def test_a_closed_memory_broker_says_so() -> None:
    broker = MemoryBroker()
    broker.close()
    broker.close()
    with pytest.raises(MemoryBrokerError, match="closed"):
        broker.create_topic("signals")


def test_memory_broker_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    MemoryBroker().close()
    assert capfd.readouterr() == ("", "")


async def test_kafka_without_login(plain_kafka: RealKafka) -> None:
    await write_and_read_back(plain_kafka.plain_address)


async def test_kafka_topic_with_several_partitions(plain_kafka: RealKafka) -> None:
    topic = f"topic-{uuid4().hex}"
    await plain_kafka.create_topic(topic, partitions=3)
    async with producing(plain_kafka.plain_address) as producer:
        assert await producer.partitions_for(topic) == {0, 1, 2}


async def test_kafka_with_the_login_of_event_hubs(real_kafka: KafkaServer) -> None:
    assert real_kafka.username == "$ConnectionString"
    login = event_hubs_login(real_kafka, cafile=real_kafka.cafile, password=real_kafka.password)
    await write_and_read_back(real_kafka.sasl_address, **login)


async def test_kafka_refuses_a_wrong_password(real_kafka: KafkaServer, caplog: pytest.LogCaptureFixture) -> None:
    login = event_hubs_login(real_kafka, cafile=real_kafka.cafile, password="not the key")
    await is_refused(real_kafka.sasl_address, **login)
    assert "SaslAuthenticationFailed" in caplog.text


async def test_kafka_is_not_trusted_without_its_authority(
    real_kafka: KafkaServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = make_certificates(tmp_path, "stranger").cafile
    login = event_hubs_login(real_kafka, cafile=stranger, password=real_kafka.password)
    await is_refused(real_kafka.sasl_address, **login)
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


@pytest.mark.parametrize("end", [KafkaServer.stop, KafkaServer.kill])
async def test_kafka_keeps_its_records_through_a_restart(real_kafka: KafkaServer, end: Callable[[KafkaServer], None]) -> None:
    partition = TopicPartition(f"topic-{uuid4().hex}", 0)
    async with producing(real_kafka.plain_address) as producer:
        await producer.send_and_wait(partition.topic, b"before", partition=0)
    await asyncio.to_thread(end, real_kafka)
    await is_refused(real_kafka.plain_address)
    await asyncio.to_thread(real_kafka.start)
    async with reading(real_kafka.plain_address, partition) as consumer:
        assert (await consumer.getone()).value == b"before"


async def select(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_postgres_answers(postgres: PostgresServer) -> None:
    assert await select(postgres.dsn(), "SELECT 1") == 1


@pytest.mark.parametrize("end", [PostgresServer.stop, PostgresServer.kill])
async def test_postgres_keeps_its_rows_through_a_restart(
    postgres: PostgresServer, postgres_url: str, end: Callable[[PostgresServer], None]
) -> None:
    dsn = postgres_url.replace("+asyncpg", "")
    await select(dsn, "SELECT 42 AS answer INTO kept")
    await asyncio.to_thread(end, postgres)
    with pytest.raises(ConnectionRefusedError):
        await select(dsn, "SELECT 1")
    await asyncio.to_thread(postgres.start)
    assert await select(dsn, "SELECT answer FROM kept") == 42


async def test_each_test_has_an_empty_postgres_database(postgres: PostgresServer, postgres_url: str) -> None:
    assert postgres_url.startswith("postgresql+asyncpg://")
    assert postgres_url != postgres.url()
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await select(postgres_url.replace("+asyncpg", ""), tables) == 0
