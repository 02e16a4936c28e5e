"""An in-memory Kafka broker for the demo and the tests: librdkafka's mock cluster, from the confluent-kafka wheel.

It speaks the real protocol on a loopback port and forgets everything when it stops; not for signals that matter.
"""

import asyncio
import contextlib
import ctypes
from collections.abc import AsyncIterator
from functools import cache

_PRODUCER = 0  # RD_KAFKA_PRODUCER: the mock cluster needs a client of any type to live in
_ONLY_BROKER = 1  # librdkafka numbers the brokers of a mock cluster from 1
_ERROR_TEXT_BYTES = 512

_POINTER = ctypes.c_void_p
_PROTOTYPES: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "rd_kafka_conf_new": (_POINTER, ()),
    "rd_kafka_conf_set_log_cb": (None, (_POINTER, _POINTER)),
    "rd_kafka_new": (_POINTER, (ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_destroy": (None, (_POINTER,)),
    "rd_kafka_err2str": (ctypes.c_char_p, (ctypes.c_int,)),
    "rd_kafka_mock_cluster_new": (_POINTER, (_POINTER, ctypes.c_int)),
    "rd_kafka_mock_cluster_destroy": (None, (_POINTER,)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (_POINTER,)),
    "rd_kafka_mock_topic_create": (ctypes.c_int, (_POINTER, ctypes.c_char_p, ctypes.c_int, ctypes.c_int)),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, (_POINTER, ctypes.c_int32)),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, (_POINTER, ctypes.c_int32)),
}


class MemoryBrokerError(RuntimeError):
    """Raised when the embedded broker cannot do what was asked; the text is librdkafka's answer."""


@cache
def _librdkafka() -> ctypes.CDLL:
    """Returns the librdkafka that confluent-kafka is linked to, its mock functions given their C types."""
    from confluent_kafka import cimpl  # noqa: PLC0415 - only the embedded broker needs it, and it is not small

    library = ctypes.CDLL(cimpl.__file__)  # a look-up in the extension also searches its libraries
    for name, (result, arguments) in _PROTOTYPES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise MemoryBrokerError(f"this build of confluent-kafka does not export {name}") from None
        function.restype, function.argtypes = result, arguments
    return library


class MemoryBroker:
    """One running in-memory broker, from construction to `close`.

    Topics are created when first named, with 4 partitions; `create_topic` chooses another number. Each partition keeps its last 5
    MB and 100,000 records. Its methods seldom take long, but librdkafka's thread may answer up to a second late: in an event loop
    that must not block, call them by `asyncio.to_thread`.

    Not supported: SASL, TLS, transactions, deleting topics, two members in one group. A fetch that found nothing sleeps for the
    reader's whole `fetch_max_wait_ms`, whatever arrives during it: read with a small one.
    """

    def __init__(self) -> None:
        """Starts it, in a few milliseconds. Raises MemoryBrokerError when librdkafka refuses."""
        self._lib = _librdkafka()
        conf = self._lib.rd_kafka_conf_new()
        self._lib.rd_kafka_conf_set_log_cb(conf, None)  # or it writes to the terminal that shows the demo
        why = ctypes.create_string_buffer(_ERROR_TEXT_BYTES)
        self._client: int | None = self._lib.rd_kafka_new(_PRODUCER, conf, why, len(why))
        if self._client is None:
            raise MemoryBrokerError(f"librdkafka did not start: {why.value.decode()}")
        self._cluster: int | None = self._lib.rd_kafka_mock_cluster_new(self._client, 1)
        if self._cluster is None:
            self.close()
            raise MemoryBrokerError("librdkafka could not open a port for its mock cluster")
        self._address = str(self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode())

    @property
    def address(self) -> str:
        """Returns the bootstrap server as `127.0.0.1:PORT`; it stays the same through `set_down` and `set_up`."""
        return self._address

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Creates a topic; raises MemoryBrokerError when it exists or the number is invalid."""
        if partitions < 1:
            raise MemoryBrokerError(f"a topic has at least 1 partition, not {partitions}")
        self._answer(self._lib.rd_kafka_mock_topic_create(self._running(), name.encode(), partitions, 1), name)

    def set_down(self) -> None:
        """Cuts every connection and refuses new ones, like a broker that died; its records are kept."""
        self._answer(self._lib.rd_kafka_mock_broker_set_down(self._running(), _ONLY_BROKER), "set_down")

    def set_up(self) -> None:
        """Accepts connections again after `set_down`."""
        self._answer(self._lib.rd_kafka_mock_broker_set_up(self._running(), _ONLY_BROKER), "set_up")

    def close(self) -> None:
        """Stops it and frees its port; a second call does nothing."""
        cluster, self._cluster = self._cluster, None
        client, self._client = self._client, None
        if cluster is not None:
            self._lib.rd_kafka_mock_cluster_destroy(cluster)
        if client is not None:
            self._lib.rd_kafka_destroy(client)

    def _running(self) -> int:
        if self._cluster is None:
            raise MemoryBrokerError("the broker is closed")
        return self._cluster

    def _answer(self, code: int, subject: str) -> None:
        if code:
            raise MemoryBrokerError(f"{subject}: {self._lib.rd_kafka_err2str(code).decode()}")


@contextlib.asynccontextmanager
async def running_broker() -> AsyncIterator[MemoryBroker]:
    """Yields a MemoryBroker and closes it at the end of the block; starting and stopping do not block the loop."""
    broker = await asyncio.to_thread(MemoryBroker)
    try:
        yield broker
    finally:
        await asyncio.to_thread(broker.close)
