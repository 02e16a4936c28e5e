"""Sends log lines to Loki in batches from its own thread: whatever Loki does, the program goes on and its memory is bounded."""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

_MOST_WAITING = 20_000  # lines; the oldest are dropped and counted
_MOST_CHARACTERS = 16_000_000  # of waiting lines
_LONGEST_LINE = 16 * 1024  # characters; Loki refuses longer ones than its max_line_size
_BATCH = 1_000  # lines
_BATCH_CHARACTERS = 250_000  # a megabyte at most: Loki takes no more than 6 MB in a burst, ever
_BATCH_SECONDS = 1.0
_ANSWER_SECONDS = 10.0
_FLUSH_SECONDS = 2.0
_WAITS = (1.0, 2.0, 5.0, 15.0, 60.0)  # seconds between attempts
_OUR_FAULT = range(400, 500)
_COME_AGAIN = 429

Post = Callable[[bytes], int]
"""Sends one body and returns the HTTP status; raises OSError or an httpx error where there is none."""


class LokiHandler(logging.Handler):
    """Pushes JSON lines: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs

    Labels are few, as each set of them is a stream: `app` and `level`. A batch that Loki cannot accept now is retried; one that
    it will never accept (4xx) is dropped. `dropped` counts the lines lost either way.
    """

    def __init__(self, url: str, post: Post | None = None) -> None:
        """Takes Loki's push URL, which may contain user and password."""
        super().__init__()
        self._url = url
        self._post = post
        self._waiting: deque[tuple[str, int, str]] = deque()  # level, nanoseconds since the epoch, line
        self._characters = 0  # of waiting lines
        self._news = threading.Condition()
        self._closed = False
        self.dropped = 0
        """Lines that did not reach Loki."""
        self._sender = threading.Thread(target=self._run, name="loki", daemon=True)
        self._sender.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queues the line; never raises and never waits."""
        if record.name.startswith(("httpx", "httpcore")):
            return  # log lines of this handler itself
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - the other output says so
            return
        with self._news:
            self._waiting.append((record.levelname.lower(), int(record.created * 1e9), line[:_LONGEST_LINE]))
            self._characters += len(self._waiting[-1][2])
            self._drop_oldest()
            if self._is_batch:
                self._news.notify()

    def close(self) -> None:
        """Sends waiting lines, for at most 2 s."""
        with self._news:
            if self._closed:
                return
            self._closed = True
            self._news.notify()
        self._sender.join(_FLUSH_SECONDS)
        super().close()

    def _run(self) -> None:
        attempt = 0
        while batch := self._next():
            status = self._push(batch)
            if status is not None and status < 300:
                attempt = 0
            elif status in _OUR_FAULT and status != _COME_AGAIN:
                self.dropped += len(batch)
                attempt = 0
            elif self._closed:
                self.dropped += len(batch) + len(self._waiting)
                return
            else:
                self._put_back(batch)
                self._pause(_WAITS[min(attempt, len(_WAITS) - 1)])
                attempt += 1

    def _next(self) -> list[tuple[str, int, str]]:
        """Returns the next batch, when it is full or a second has passed; nothing at the end."""
        with self._news:
            while not self._waiting:
                if self._closed:
                    return []
                self._news.wait(_BATCH_SECONDS)
            if not self._is_batch and not self._closed:
                self._news.wait(_BATCH_SECONDS)
            batch: list[tuple[str, int, str]] = []
            characters = 0
            while self._waiting and len(batch) < _BATCH:
                characters += len(self._waiting[0][2])
                if batch and characters > _BATCH_CHARACTERS:
                    break
                batch.append(self._take_oldest())
            return batch

    @property
    def _is_batch(self) -> bool:
        return len(self._waiting) >= _BATCH or self._characters >= _BATCH_CHARACTERS

    def _take_oldest(self) -> tuple[str, int, str]:
        oldest = self._waiting.popleft()
        self._characters -= len(oldest[2])
        return oldest

    def _drop_oldest(self) -> None:
        while len(self._waiting) > _MOST_WAITING or self._characters > _MOST_CHARACTERS:
            self._take_oldest()
            self.dropped += 1

    def _put_back(self, batch: list[tuple[str, int, str]]) -> None:
        with self._news:
            self._waiting.extendleft(reversed(batch))
            self._characters += sum(len(line) for _, _, line in batch)
            self._drop_oldest()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._news:
            while not self._closed and (left := until - time.monotonic()) > 0:
                self._news.wait(left)

    def _push(self, batch: list[tuple[str, int, str]]) -> int | None:
        """Posts a batch and returns the status; None where there was no answer."""
        try:
            if self._post is None:
                self._post = _poster(self._url)
            return self._post(body_of(batch))
        except Exception:  # noqa: BLE001 - logs are the last thing that may stop the program
            return None


def body_of(lines: list[tuple[str, int, str]]) -> bytes:
    """Returns the body of one push: the lines by level, in order."""
    streams: dict[str, list[list[str]]] = {}
    for level, at, line in lines:
        streams.setdefault(level, []).append([str(at), line])
    return json.dumps(
        {
            "streams": [
                {"stream": {"app": "marketflow", "level": level}, "values": values} for level, values in sorted(streams.items())
            ]
        },
        ensure_ascii=False,
    ).encode("utf-8", "replace")


def _poster(url: str) -> Post:
    import httpx  # noqa: PLC0415 - only where Loki is configured

    client = httpx.Client(timeout=_ANSWER_SECONDS, headers={"Content-Type": "application/json"})

    def post(body: bytes) -> int:
        return client.post(url, content=body).status_code

    return post
