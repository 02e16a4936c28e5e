"""Checks a topic on a Kafka broker and explains in plain words why there is no answer. Creates nothing, reads no record."""

import socket
import ssl
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors
from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError, RequestTimedOutError
from aiokafka.protocol.metadata import MetadataRequest

from core.adapters.kafka.client_lifecycle import start, stop
from core.adapters.kafka.options import KafkaOptions
from core.domain.errors import SourceUnavailable


class TopicMissing(SourceUnavailable):
    """The broker answers, but has no such topic."""


async def find_partitions(options: KafkaOptions, topic: str) -> frozenset[int]:
    """Returns the partitions of `topic`, without creating it. Raises SourceUnavailable with the cause.

    Uses a connection of its own: aiokafka's clients log why they could not connect, but raise only that they could not.
    """
    connection = await _connect(options)
    try:
        answer = await connection.send(MetadataRequest([topic], allow_auto_topic_creation=False))
    except (KafkaError, OSError) as error:
        raise SourceUnavailable(explain(error, options, f"{connection.host}:{connection.port}")) from None
    finally:
        await connection.close()
    for code, name, *_, partitions in answer.topics:
        if name == topic:
            _refuse_topic_error(code, topic)
            return frozenset(number for _, number, *_ in partitions)
    raise TopicMissing(f"topic {topic} does not exist")


async def find_lag(options: KafkaOptions, topic: str, positions: Mapping[int, int]) -> int:
    """Returns how many records of `topic` stand at or after `positions`, the next offset of each partition; a partition without
    one counts from its beginning. Raises SourceUnavailable with the cause."""
    numbers = [TopicPartition(topic, number) for number in await find_partitions(options, topic)]
    consumer = AIOKafkaConsumer(group_id=None, **await options.client_arguments())
    try:
        await start(consumer)
        first, ends = await consumer.beginning_offsets(numbers), await consumer.end_offsets(numbers)
    except (KafkaError, OSError) as error:
        raise SourceUnavailable(explain(error, options)) from None
    finally:
        await stop(consumer)
    return sum(max(0, ends[each] - positions.get(each.partition, first[each])) for each in numbers)


async def why_unreachable(options: KafkaOptions) -> str:
    """Connects to find out what prevents a connection, and explains it; used when aiokafka only says that there is none."""
    try:
        connection = await _connect(options)
    except SourceUnavailable as unavailable:
        return str(unavailable)
    await connection.close()
    return f"broker {options.servers} broke the connection"


async def start_or_explain(client: AIOKafkaConsumer | AIOKafkaProducer, options: KafkaOptions) -> None:
    """Starts a client, and stops it again if that fails. Raises SourceUnavailable with the cause if no broker can be reached."""
    try:
        await start(client)
    except KafkaConnectionError:
        await stop(client)
        raise SourceUnavailable(await why_unreachable(options)) from None
    except BaseException:
        await stop(client)
        raise


def explain(error: Exception, options: KafkaOptions, address: str | None = None) -> str:
    """Explains `error` of aiokafka or the network in plain words; quotes its own text only if it cannot hold a secret."""
    broker = address or options.servers
    if isinstance(error, errors.SaslAuthenticationFailed | errors.AuthenticationFailedError):
        return f"broker {broker} refused user name or password"
    if isinstance(error, errors.UnsupportedSaslMechanismError | errors.IllegalSaslStateError):
        return f"broker {broker} takes no user name and password (SASL PLAIN) on this port"
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "a private authority goes into KAFKA_SSL_CAFILE"
        return f"the certificate of broker {broker} is not trusted: {error.verify_message}; {remedy}"
    if isinstance(error, errors.TopicAuthorizationFailedError):
        return f"broker {broker} does not let this user read the topic"
    if isinstance(error, errors.UnsupportedCodecError):
        return "the topic holds records that are compressed in a way this installation cannot read (it lacks `cramjam`)"
    return f"cannot reach broker {broker}: {_network_trouble(error, options)}"


# The first match wins; {hint} names the setting that may be wrong.
_TROUBLES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((ssl.SSLError,), "it does not speak TLS {hint}"),
    ((ConnectionRefusedError,), "connection refused"),
    ((socket.gaierror,), "its name is not known"),
    ((TimeoutError, KafkaTimeoutError, RequestTimedOutError), "no answer within {seconds:g} s {hint}"),
    ((KafkaConnectionError, ConnectionError), "it closed the connection {hint}"),
)


def _network_trouble(error: Exception, options: KafkaOptions) -> str:
    for kinds, text in _TROUBLES:
        if isinstance(error, kinds):
            return text.format(seconds=options.request_timeout, hint=f"(KAFKA_SECURITY_PROTOCOL is {options.security_protocol})")
    return getattr(error, "strerror", None) or type(error).__name__


async def _connect(options: KafkaOptions) -> AIOKafkaConnection:
    """Connects to the first bootstrap server that answers. Raises SourceUnavailable with the failures of all."""
    arguments = await options.connection_arguments()
    try:
        hosts: list[tuple[str, int, Any]] = collect_hosts(options.servers, randomize=False)
    except ValueError:
        raise SourceUnavailable(
            f"KAFKA_BROKER is {options.servers!r}; accepted is host:port, with commas between several"
        ) from None
    problems = []
    for host, port, _ in hosts:
        try:
            return await create_conn(host, port, **arguments)
        except (OSError, KafkaError) as error:
            problems.append(explain(error, options, f"{host}:{port}"))
    raise SourceUnavailable("; ".join(problems))


def _refuse_topic_error(code: int, topic: str) -> None:
    kind = errors.for_code(code)
    if kind is errors.NoError:
        return
    if kind is errors.UnknownTopicOrPartitionError:
        raise TopicMissing(f"topic {topic} does not exist")
    if kind is errors.TopicAuthorizationFailedError:
        raise SourceUnavailable(f"the broker does not let this user read topic {topic}")
    if kind is errors.InvalidTopicError:
        raise SourceUnavailable(f"{topic} is not a name that a topic can have")
    raise SourceUnavailable(f"topic {topic} cannot be read at present ({kind.__name__})")
