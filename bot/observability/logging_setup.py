"""Logs: one line for each event, ids bound, on standard error. Secrets are redacted; a slow output never blocks trading."""

import contextlib
import json
import logging
import queue
import re
import sys
import threading
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.observability.loki_handler import LokiHandler
from bot.settings.redaction import Redactor
from bot.settings.settings import Settings

# They log much at INFO; httpx also logs the bot's token.
_QUIET = ("aiokafka", "alembic", "apscheduler", "asyncio", "binance", "httpcore", "httpx", "sqlalchemy", "telegram")
_QUIET_TOO = ("urllib3", "uvicorn", "websockets")

_MOST_WAITING = 10_000  # lines; further ones are dropped and counted
_FLUSH_SECONDS = 2.0
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MANY_LINES = frozenset({"exception", "stack"})

log = structlog.get_logger(__name__)


def configure_logging(settings: Settings, stream: TextIO | None = None, loki: logging.Handler | None = None) -> None:
    """Sends every log line of this process to `stream` (None: standard error), and as JSON to `loki`. A second call replaces the
    earlier setup.

    Uncaught exceptions and Python's warnings go the same way, so that they are redacted too.
    """
    out = stream or sys.stderr
    handler = LineHandler(out)
    handler.setFormatter(_formatter(settings, json_lines=settings.log_format == "json", colors=out.isatty()))
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, LineHandler | LokiHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    if loki is not None:
        loki.setFormatter(_formatter(settings, json_lines=True, colors=False))
        root.addHandler(loki)
    root.setLevel(settings.log_level)
    for name in (*_QUIET, *_QUIET_TOO):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # On each connection its driver asks every cloud's metadata service where it runs, and complains where there is none.
    logging.getLogger("snowflake").setLevel(max(logging.ERROR, root.level))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # loggers are made at import, before this is called
    )


def keep_quiet() -> None:
    """Turns off all log lines, for a command that reports its findings itself."""
    logging.disable(logging.CRITICAL)
    structlog.configure(
        processors=[_dropped],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _dropped(_logger: object, _name: str, _event: EventDict) -> EventDict:
    """Drops every line, errors too, which a level alone would let through."""
    raise structlog.DropEvent


def _common() -> list[Processor]:
    """Returns the processors that our own lines and those of libraries share."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(settings: Settings, *, json_lines: bool, colors: bool) -> logging.Formatter:
    redactor = Redactor(settings.secret_values())

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: redactor.named(name, value) for name, value in event.items()}

    ending: list[Processor]
    if json_lines:
        ending = [structlog.processors.JSONRenderer(json.dumps)]
    else:
        plain = structlog.dev.plain_traceback
        ending = [_one_line, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, pad_event_to=0)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_common(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,  # after the traceback became text, before anything is escaped
            *ending,
        ],
    )


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escapes control characters, so that outside text can neither forge log lines nor colour a terminal."""
    return {
        name: _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), value)
        if isinstance(value, str) and name not in _MANY_LINES
        else value
        for name, value in event.items()
    }


class LineHandler(logging.Handler):
    """Formats the line at once, where the ids are bound, and has a thread write it. While `stream` blocks, up to 10,000 lines
    wait; further ones are dropped, and their number is logged when it resumes."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="log writer", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queues the line; never raises and never waits."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - a library's broken record; showing its arguments could show a secret
            line = f"a log record of {record.name} could not be written: {type(error).__name__}"
        if self._lines.qsize() < _MOST_WAITING:
            self._lines.put(line)
        else:
            self._dropped += 1

    def close(self) -> None:
        """Writes waiting lines, for at most 2 s; the interpreter calls it at exit."""
        if not self._closed:
            self._closed = True
            self._lines.put(None)
            self._writer.join(_FLUSH_SECONDS)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            # The reader is gone or the disk is full: there is no better place to log this.
            with contextlib.suppress(OSError, ValueError):
                dropped, self._dropped = self._dropped, 0
                if dropped:
                    self._stream.write(f"{self.format(_lost(dropped))}\n")
                self._stream.write(f"{line}\n")
                if self._lines.empty():
                    self._stream.flush()


def _lost(count: int) -> logging.LogRecord:
    text = f"{count} log lines were dropped: the output was too slow"
    return logging.LogRecord(__name__, logging.WARNING, __file__, 0, text, args=None, exc_info=None)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        log.info("interrupted")
        return
    log.critical("the program failed", exc_info=(kind, error, trace))


def _uncaught_in_thread(failure: threading.ExceptHookArgs) -> None:
    name = failure.thread.name if failure.thread else "unknown"
    if failure.exc_value is not None:
        log.error("a thread failed", thread=name, exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback))
