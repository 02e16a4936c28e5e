"""A real Apache Kafka for the tests: one KRaft node on loopback, with a plain listener and one like Azure Event Hubs'.

Maven fetches its jars, once, into a cache. Run as a module it only fills the cache.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.servers.ports import accepts_connections, free_port
from tests.servers.process import ServerDidNotStartError, ServerProcess
from tests.servers.tls import make_certificates

_POM = ROOT / "tests" / "kafka" / "pom.xml"
_OLDEST_JAVA = 17  # Kafka 4's broker requires it
_FETCH_TIMEOUT = 90.0  # seconds; under a test's time limit. The next attempt continues with what Maven has by then
_BATCH_FETCH_TIMEOUT = 900.0

# The broker starts in half the time without the compiler that optimizes for hours of work.
_JVM_FLAGS = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_CLUSTER_ID = "bWFya2V0Zmxvdy10ZXN0cw"  # any 16 bytes in URL-safe base64

# Event Hubs' convention: this user name for everybody, and the key, with its `=` and `;`, as the password.
USERNAME = "$ConnectionString"
PASSWORD = "Endpoint=sb://127.0.0.1/;SharedAccessKeyName=tests;SharedAccessKey=bm90L2Egc2VjcmV0+w=="

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},EVENTHUBS://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAIN:PLAINTEXT,EVENTHUBS:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listener.name.eventhubs.sasl.enabled.mechanisms=PLAIN
listener.name.eventhubs.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_{username}="{password}";
listener.name.eventhubs.ssl.keystore.type=PEM
listener.name.eventhubs.ssl.keystore.location={certificate}
log.dirs={data}
auto.create.topics.enable=true
# How long a broker that was killed is waited for before it may come back: 9 s by default.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
# Alone it needs no sign of life twice a second, which costs two fifths of what an idle broker costs.
metadata.max.idle.interval.ms=0
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class KafkaUnavailableError(Exception):
    """This machine cannot run Apache Kafka; the text names what it lacks."""


class RealKafka:
    """A running Apache Kafka, whoever started it. Topics are created when first named, with 1 partition."""

    def __init__(self, plain_address: str) -> None:
        self.plain_address = plain_address
        """Bootstrap server of the listener without TLS and login, as `127.0.0.1:PORT`."""

    async def create_topic(self, name: str, partitions: int = 1) -> None:
        """Creates a topic and returns when it can be written to; raises aiokafka's error if it exists."""
        from aiokafka.admin import AIOKafkaAdminClient, NewTopic

        admin = AIOKafkaAdminClient(bootstrap_servers=self.plain_address)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
        finally:
            await admin.close()


class KafkaServer(RealKafka):
    """The tests' own broker: it also has the SASL_SSL listener, and can be stopped and started again with its data."""

    username = USERNAME
    password = PASSWORD

    def __init__(self, jars: Path, folder: Path) -> None:
        """Builds it; `folder` takes its configuration, certificate, log and data."""
        plain, sasl, controller = free_port(), free_port(), free_port()
        super().__init__(f"127.0.0.1:{plain}")
        self.sasl_address = f"127.0.0.1:{sasl}"
        """Bootstrap server of the SASL_SSL listener (mechanism PLAIN)."""
        certificates = make_certificates(folder, "kafka")
        self.cafile = certificates.cafile
        """The authority that signed the SASL_SSL listener's certificate, in PEM."""
        self._properties = folder / "server.properties"
        self._properties.touch(mode=0o600)
        self._properties.write_text(
            _PROPERTIES.format(
                plain=plain,
                sasl=sasl,
                controller=controller,
                username=USERNAME,
                password=PASSWORD,
                certificate=certificates.server,
                data=folder / "data",
            )
        )
        self._java = [
            *("java", *_JVM_FLAGS, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
            *("-cp", f"{jars}/*"),
        ]
        self._process = ServerProcess(
            "Apache Kafka",
            [*self._java, "kafka.Kafka", str(self._properties)],
            log=folder / "kafka.log",
            ready=lambda: accepts_connections(plain) and accepts_connections(sasl),
        )

    def format(self) -> None:
        """Creates the empty data folder; once, before the first start."""
        tool = [*self._java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self._properties)]
        done = subprocess.run(tool, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise ServerDidNotStartError(f"kafka.tools.StorageTool:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")

    def start(self) -> None:
        """Starts it on the same ports with its data; returns when both listeners accept connections."""
        self._process.start()

    def stop(self) -> None:
        """Stops it in an orderly way; its data are kept."""
        self._process.stop()

    def kill(self) -> None:
        """Kills it at once, in the middle of its work; acknowledged data are kept."""
        self._process.kill()


def kafka_jars(timeout: float = _FETCH_TIMEOUT) -> Path:
    """Returns the folder with the broker's jars: from the cache, or fetched into it. Raises KafkaUnavailableError with what is
    missing.

    A folder gets its final name in the cache only when it is complete, so that an interrupted fetch leaves none.
    """
    _require_java()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marketflow-tests"
    version = re.search(r"<kafka\.version>([\w.]+)<", _POM.read_text())
    digest = hashlib.sha256(_POM.read_bytes()).hexdigest()[:8]
    jars = cache / f"kafka-{version.group(1) if version else 'unknown'}-{digest}"
    if jars.is_dir():
        return jars
    if shutil.which("mvn") is None:
        raise KafkaUnavailableError("no `mvn` (Maven) to fetch it with")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as unfinished:
        _fetch(Path(unfinished) / "jars", timeout)
        try:
            (Path(unfinished) / "jars").rename(jars)
        except OSError:
            if not jars.is_dir():  # otherwise another test run was quicker
                raise
    return jars


def _fetch(folder: Path, timeout: float) -> None:
    maven = ["mvn", "--quiet", "--batch-mode", "--file", str(_POM), "dependency:copy-dependencies"]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(
            [*maven, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise KafkaUnavailableError(f"Maven had not fetched it after {timeout:.0f} s; run it again") from None
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["no reason given"]
        raise KafkaUnavailableError(f"Maven could not fetch it: {errors[0]}")


def _require_java() -> None:
    if shutil.which("java") is None:
        raise KafkaUnavailableError(f"no `java` on this machine; it needs {_OLDEST_JAVA} or newer")
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version.group(1)) < _OLDEST_JAVA:
        found = version.group(1) if version else "one that does not say its version"
        raise KafkaUnavailableError(f"Java {_OLDEST_JAVA} or newer; this machine has {found}")


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Starts the tests' own Apache Kafka, or skips the test if it is unavailable. A test that stops it starts it again."""
    try:
        server = KafkaServer(kafka_jars(), tmp_path_factory.mktemp("kafka"))
    except KafkaUnavailableError as lacking:
        pytest.skip(f"needs Apache Kafka: {lacking}")
    server.format()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def plain_kafka(request: pytest.FixtureRequest) -> RealKafka:
    """Returns the Apache Kafka that KAFKA_TEST_BROKER names, else `real_kafka`; for tests that need no more than
    `plain_address`.

    One that outlives the run keeps the topics of earlier runs: use new topic and group names each time.
    """
    if named := os.environ.get("KAFKA_TEST_BROKER"):
        return RealKafka(named)
    own: KafkaServer = request.getfixturevalue("real_kafka")
    return own


if __name__ == "__main__":
    kafka_jars(_BATCH_FETCH_TIMEOUT)
