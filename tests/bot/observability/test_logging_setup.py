"""Logs: one line each, ids bound, and no secret in any of them, whatever its source and escaping."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog

from bot.observability.logging_setup import LineHandler, configure_logging
from bot.settings.redaction import REDACTED, Redactor, parts_of_secret
from bot.settings.settings import load_settings

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
PASSWORD = 'p@ss w/ord+"x"\\=ä€😀'
SETTINGS = {
    "TG_TOKEN": TOKEN, "KAFKA_USERNAME": "user", "KAFKA_PASSWORD": PASSWORD, "BINANCE_API_KEY": "k3y" * 20,
    "BINANCE_API_SECRET": "s3cr3t" * 10, "WEBHOOK_SECRET": "hook-secret-of-many", "DATABASE_URL": "postgresql+asyncpg://me:data%40base@h/d",
    "LOKI_URL": "http://me:loki-pass@127.0.0.1/push",
}  # fmt: skip
SECRETS = [
    TOKEN,
    TOKEN.split(":")[1],
    PASSWORD,
    "k3y" * 20,
    "s3cr3t" * 10,
    "hook-secret-of-many",
    "data%40base",
    "data@base",
    "loki-pass",
]

Logs = Callable[..., "Written"]


@dataclass
class Written:
    """Returns the output so far, once the writer has caught up."""

    stream: io.StringIO

    def text(self) -> str:
        for handler in [each for each in logging.getLogger().handlers if isinstance(each, LineHandler)]:
            logging.getLogger().removeHandler(handler)
            handler.close()
        return self.stream.getvalue()

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def logs() -> Iterator[Logs]:
    """Configures logging as the program does, for one test."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    level, levels = root.level, {name: logging.getLogger(name).level for name in list(root.manager.loggerDict)}

    def configure(**given: str) -> Written:
        stream = io.StringIO()
        for handler in [each for each in root.handlers if not isinstance(each, LineHandler)]:
            root.removeHandler(handler)  # pytest's own; it fails on a record that cannot be formatted
        configure_logging(load_settings({**SETTINGS, **given}, env_file=None), stream)
        return Written(stream)

    yield configure
    Written(io.StringIO()).text()
    root.setLevel(level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


both_formats = pytest.mark.parametrize("log_format", ["console", "json"])


@both_formats
@pytest.mark.parametrize("secret", SECRETS)
def test_secret_never_reaches_the_output(logs: Logs, log_format: str, secret: str) -> None:
    written = logs(LOG_FORMAT=log_format)
    log = structlog.get_logger("test")
    log.info(
        event=f"event {secret}", value=secret, url=httpx.URL("http://h/", params={"q": secret}), nested={"a": [secret], secret: 1}
    )
    log.info("body %s", json.dumps({"password": secret}), shown=repr(secret), encoded=quote(secret), form=quote_plus(secret))
    logging.getLogger("library").warning("GET /bot%s/x %r", secret, {"key": secret})
    try:
        raise ValueError(f"cannot connect with {secret}", {"inner": secret})
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed as well: %s", secret)
    text = written.text()
    for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert form not in text
    assert text.count(REDACTED) >= 10
    assert "ValueError: " in text


@both_formats
async def test_token_in_the_lines_of_httpx(logs: Logs, log_format: str) -> None:
    written = logs(LOG_FORMAT=log_format, LOG_LEVEL="DEBUG")
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get(f"http://127.0.0.1/bot{TOKEN}/getMe")
        logging.getLogger("httpx").setLevel(logging.INFO)  # as another library might do
        await client.get(f"http://127.0.0.1/bot{TOKEN}/getUpdates")
    text = written.text()
    assert "getMe" not in text
    assert f"/bot{REDACTED}/getUpdates" in text
    assert TOKEN.split(":")[1] not in text


@both_formats
@pytest.mark.parametrize(
    "name", ["httpx", "httpcore.http11", "telegram.ext", "aiokafka.conn", "binance.async_client", "sqlalchemy.engine"]
)
def test_libraries_are_quiet_below_warning(logs: Logs, log_format: str, name: str) -> None:
    written = logs(LOG_FORMAT=log_format, LOG_LEVEL="DEBUG")
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    text = written.text()
    assert "chatter" not in text
    assert "trouble" in text


@both_formats
def test_bound_ids_are_on_every_line_also_those_of_libraries(logs: Logs, log_format: str) -> None:
    written = logs(LOG_FORMAT=log_format)
    with structlog.contextvars.bound_contextvars(signal_id="sig-1", client_order_id="mf-1", symbol="WIFUSDC"):
        structlog.get_logger("ours").info("placing")
        logging.getLogger("theirs").warning("slow")
    structlog.get_logger("ours").info("elsewhere")
    placing, slow, elsewhere = written.text().splitlines()
    for line in (placing, slow):
        assert "sig-1" in line
        assert "mf-1" in line
        assert "WIFUSDC" in line
    assert "sig-1" not in elsewhere


def test_ids_of_two_tasks_do_not_mix(logs: Logs) -> None:
    written = logs(LOG_FORMAT="json")

    async def trade(symbol: str) -> None:
        structlog.contextvars.bind_contextvars(symbol=symbol)
        await asyncio.sleep(0)
        structlog.get_logger().info("trading", expected=symbol)

    async def both() -> None:
        await asyncio.gather(trade("WIFUSDC"), trade("BTCUSDC"))

    asyncio.run(both())
    lines = written.objects()
    assert len(lines) == 2
    assert all(line["symbol"] == line["expected"] for line in lines)


def test_json_is_one_object_a_line_with_exceptions_and_anything_in_it(logs: Logs) -> None:
    written = logs(LOG_FORMAT="json")
    log = structlog.get_logger("test")
    try:
        raise ExceptionGroup("several", [ValueError("a\nb"), OSError("c")])
    except ExceptionGroup:
        log.exception("failed", number=float("nan"), thing=object(), half="\udc80", data=b"\xff", sequence={1})
    log.info("two\nlines", rate=0.5, count=3, on=True, nothing=None)
    failed, plain = written.objects()
    assert failed["level"] == "error"
    assert "ValueError: a\n" in failed["exception"]
    assert plain["event"] == "two\nlines"
    assert (plain["rate"], plain["count"], plain["on"], plain["nothing"]) == (0.5, 3, True, None)
    assert plain["timestamp"].endswith("Z")


def test_what_comes_from_outside_cannot_write_a_line_of_its_own(logs: Logs) -> None:
    written = logs()
    structlog.get_logger().info("signal", signal_type="BUY_\n2026 [error] forged\x1b[31m\u2028")
    lines = written.text().splitlines()
    assert len(lines) == 1
    assert "\x1b" not in lines[0]


def test_configured_twice_writes_once(logs: Logs) -> None:
    first, second = logs(), logs()
    structlog.get_logger().info("hello")
    logging.getLogger("library").warning("hello")
    assert second.text().count("hello") == 2
    assert first.text() == ""


def test_level_is_kept(logs: Logs) -> None:
    written = logs(LOG_LEVEL="WARNING")
    structlog.get_logger().info("low")
    logging.getLogger("library").info("low")
    structlog.get_logger().warning("high")
    assert "low" not in written.text()
    assert "high" in written.text()


def test_broken_record_of_a_library_is_told_without_its_arguments(logs: Logs) -> None:
    written = logs()
    logging.getLogger("library").warning("%d", TOKEN)
    text = written.text()
    assert "a log record of library could not be written" in text
    assert TOKEN not in text


def test_uncaught_exceptions_and_warnings_pass_the_redaction(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    written = logs()
    try:
        raise RuntimeError(f"bot{TOKEN}")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=lambda: int(TOKEN), name="worker")
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated: {TOKEN}", UserWarning, stacklevel=1)
    text = written.text()
    assert "the program failed" in text
    assert "a thread failed" in text
    assert f"deprecated: {REDACTED}" in text
    assert TOKEN not in text + "".join(capsys.readouterr())


class Stuck(io.StringIO):
    """An output that blocks until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def write(self, text: str) -> int:
        self.let.wait()
        return super().write(text)


def test_stuck_output_holds_nobody_up_and_the_loss_is_told(logs: Logs) -> None:
    logs()
    stuck = Stuck()
    configure_logging(load_settings({"LOG_FORMAT": "json"}, env_file=None), stuck)
    log = structlog.get_logger()
    for number in range(10_100):  # returns at all
        log.info("line", number=number)
    stuck.let.set()
    told = Written(stuck).objects()
    lost = [line for line in told if "dropped" in line["event"]]
    assert len(lost) == 1
    assert len(told) - 1 + int(lost[0]["event"].split()[0]) == 10_100


def test_closed_output_is_no_failure(logs: Logs) -> None:
    written = logs()
    written.stream.close()
    structlog.get_logger().info("nobody reads this")
    handler = next(each for each in logging.getLogger().handlers if isinstance(each, LineHandler))
    logging.getLogger().removeHandler(handler)
    handler.close()
    assert not any(thread.name == "log writer" for thread in threading.enumerate())


@pytest.mark.parametrize(
    "text", ["bot123456789%3AAAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1", "123456789%253aAAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"]
)
def test_token_however_a_url_escapes_it(text: str) -> None:
    assert Redactor([TOKEN]).text(text) in {f"bot{REDACTED}", REDACTED}


def test_longest_secret_goes_first_and_tiny_ones_are_left() -> None:
    assert Redactor(["abcdefg1", "abcdefg1h", "a"]).text("a abcdefg1h abcdefg1") == f"a {REDACTED} {REDACTED}"
    assert Redactor([]).text("a") == "a"


def test_key_in_a_connection_string_is_a_secret_of_its_own() -> None:
    connection = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=abc+def/ghi="
    settings = load_settings({"KAFKA_USERNAME": "$ConnectionString", "KAFKA_PASSWORD": connection}, env_file=None)
    assert settings.secret_values() == {connection, "abc+def/ghi="}


@pytest.mark.parametrize("secret", ["pass://word", "http://not-a-url-but-a-password", "a://b@c"])
def test_a_secret_that_looks_like_a_url_is_hidden_whole(secret: str) -> None:
    redactor = Redactor(frozenset(parts_of_secret(secret)))
    assert secret not in redactor.text(f"the key is {secret}, keep it")
