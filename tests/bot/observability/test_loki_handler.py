"""Logs to Loki: the documented form, in batches; bounded and counted while it is away; never blocking."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.observability import loki_handler as loki
from bot.observability.loki_handler import LokiHandler, body_of
from tests.own_time import own_seconds


@dataclass
class Loki:
    """Takes pushes as strictly as Loki does: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs"""

    status: int = 204
    bodies: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    asked: int = 0
    url: str = ""

    def take(self, handler: BaseHTTPRequestHandler) -> int:
        self.asked += 1
        if self.status != 204:
            return self.status
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        try:
            assert (handler.path, handler.headers["Content-Type"]) == ("/loki/api/v1/push", "application/json")
            assert set(body) == {"streams"}
            for stream in body["streams"]:
                assert set(stream) == {"stream", "values"}
                assert stream["stream"]
                assert all(isinstance(label, str) for pair in stream["stream"].items() for label in pair)
                for at, line in stream["values"]:
                    assert isinstance(line, str)
                    assert isinstance(at, str)
                    assert abs(int(at) / 1e9 - time.time()) < 3600
        except (AssertionError, ValueError, KeyError) as problem:
            self.problems.append(repr(problem))
            return 400
        self.bodies.append(body)
        return 204

    @property
    def lines(self) -> list[str]:
        return [line for body in self.bodies for stream in body["streams"] for _, line in stream["values"]]


@pytest.fixture
def server() -> Iterator[Loki]:
    server = Loki()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(server.take(self))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listening.server_port}/loki/api/v1/push"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    listening.shutdown()
    listening.server_close()
    thread.join()
    assert server.problems == []


@contextmanager
def pushing(handler: LokiHandler) -> Iterator[logging.Logger]:
    logger = logging.Logger("test.loki")  # noqa: LOG001 - of its own: nothing is set up for the others
    logger.addHandler(handler)
    yield logger
    handler.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_lines_come_by_level_and_in_order(server: Loki) -> None:
    with pushing(LokiHandler(server.url)) as log:
        for number in range(2_500):
            log.log(logging.WARNING if number % 5 == 0 else logging.INFO, "line %d", number)
    assert sorted(server.lines, key=lambda line: int(line.split()[1])) == [f"line {number}" for number in range(2_500)]
    labels = {json.dumps(stream["stream"]) for body in server.bodies for stream in body["streams"]}
    assert labels == {'{"app": "marketflow", "level": "info"}', '{"app": "marketflow", "level": "warning"}'}
    assert len(server.bodies) < 10


def test_what_loki_cannot_take_now_comes_later(server: Loki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loki, "_WAITS", (0.02,))
    monkeypatch.setattr(loki, "_BATCH_SECONDS", 0.02)
    server.status = 503
    handler = LokiHandler(server.url)
    with pushing(handler) as log:
        for number in range(10):
            log.info("line %d", number)
        until(lambda: server.asked > 2)
        server.status = 429
        asked = server.asked
        until(lambda: server.asked > asked + 2)
        server.status = 204
        until(lambda: len(server.lines) == 10)
    assert server.lines == [f"line {number}" for number in range(10)]
    assert handler.dropped == 0


def test_what_loki_refuses_is_dropped_and_counted(server: Loki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loki, "_BATCH_SECONDS", 0.02)
    server.status = 400
    handler = LokiHandler(server.url)
    with pushing(handler) as log:
        log.info("too old")
        until(lambda: handler.dropped == 1)
        server.status = 204
        log.info("good")
        until(lambda: server.lines == ["good"])


def test_a_push_is_never_longer_than_loki_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loki, "_BATCH_SECONDS", 0.02)
    monkeypatch.setattr(loki, "_WAITS", (0.02,))
    got: list[int] = []

    def post(body: bytes) -> int:
        if len(body) > 6_000_000:
            return 429
        got.append(sum(len(stream["values"]) for stream in json.loads(body)["streams"]))
        return 204

    handler = LokiHandler("http://loki.invalid/push", post)
    with pushing(handler) as log:
        for number in range(1_500):
            log.error("%d %s", number, "ж" * 15_000)
    assert sum(got) + handler.dropped == 1_500
    assert sum(got) > 1_000  # 16,000,000 characters may wait
    assert max(got) <= 17


def test_memory_is_bounded_while_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loki, "_MOST_WAITING", 50)
    monkeypatch.setattr(loki, "_BATCH", 20)
    away = threading.Event()
    sent: list[bytes] = []

    def post(body: bytes) -> int:
        if not away.is_set():
            raise OSError("no route to host")
        sent.append(body)
        return 204

    monkeypatch.setattr(loki, "_WAITS", (0.01,))
    handler = LokiHandler("http://loki.invalid/push", post)
    with pushing(handler) as log:
        began = own_seconds()
        for number in range(5_000):
            log.info("line %d", number)
        assert own_seconds() - began < 2  # it never waits for the network
        until(lambda: handler.dropped >= 4_950 - 20)
        away.set()
        until(lambda: sum(body.count(b"line ") for body in sent) + handler.dropped == 5_000)
    assert b"line 4999" in sent[-1]


def test_a_line_that_is_too_long_is_cut() -> None:
    ((_, _, line),) = [_emitted("x" * 100_000)]
    assert len(line) == 16 * 1024


def _emitted(text: str) -> tuple[str, int, str]:
    bodies: list[bytes] = []

    def post(body: bytes) -> int:
        bodies.append(body)
        return 204

    with pushing(LokiHandler("http://loki.invalid/push", post)) as log:
        log.info(text)
    (stream,) = json.loads(bodies[0])["streams"]
    ((at, line),) = stream["values"]
    return stream["stream"]["level"], int(at), line


def test_the_form_is_the_documented_one() -> None:
    assert json.loads(body_of([("info", 1, "a"), ("error", 2, "b"), ("info", 3, 'c "ж"')])) == {
        "streams": [
            {"stream": {"app": "marketflow", "level": "error"}, "values": [["2", "b"]]},
            {"stream": {"app": "marketflow", "level": "info"}, "values": [["1", "a"], ["3", 'c "ж"']]},
        ]
    }
