"""Snowflake by its own driver, which blocks: every call runs in a thread of its own, and none of it in the event loop."""

import asyncio
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from core.domain.errors import HistoryUnavailable

T = TypeVar("T")

_ANSWER_SECONDS = 60
_LOGIN_SECONDS = 20
_CLOSE_SECONDS = 2
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*", re.ASCII)
_SHOWN = 200  # characters of the server's words
# https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api (errors carry the server's numbers)
NO_SUCH_OBJECT = 2003


@dataclass(frozen=True, slots=True)
class SnowflakeOptions:
    """How an account is reached: with a password or with the file of a private key. None leaves it to the driver or the user."""

    account: str
    user: str
    database: str
    schema: str
    warehouse: str
    role: str | None = None
    password: str | None = None
    private_key_file: Path | None = None
    host: str | None = None
    port: int | None = None
    protocol: str | None = None

    def arguments(self) -> dict[str, Any]:
        """The driver's: https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect"""
        key: dict[str, Any] = {"password": self.password}
        if self.private_key_file is not None:
            key = {"authenticator": "SNOWFLAKE_JWT", "private_key_file": str(self.private_key_file)}
        named = {
            **{name: getattr(self, name) for name in ("account", "user", "database", "schema", "warehouse", "role")},
            **{name: getattr(self, name) for name in ("host", "port", "protocol")},
        }
        return {
            **{name: value for name, value in {**named, **key}.items() if value is not None},
            "login_timeout": _LOGIN_SECONDS,
            "request_timeout": _ANSWER_SECONDS,
            "retry_timeout": _ANSWER_SECONDS,
            "retry_max_attempts": 2,
            "logout_total_timeout_seconds": _CLOSE_SECONDS,
            "query_timeout": _ANSWER_SECONDS,
            "autocommit": True,  # whatever account and user have set: what the driver has confirmed must be there to stay
            "server_session_keep_alive": False,
            "enable_server_session_keep_alive_auto_detection": False,
            "client_out_of_band_telemetry_enabled": False,
            "session_parameters": {
                "QUERY_TAG": "marketflow",
                "TIMEZONE": "UTC",
                "TIMESTAMP_INPUT_FORMAT": "AUTO",
                "CLIENT_TELEMETRY_ENABLED": False,
            },
        }


class SnowflakeError(HistoryUnavailable):
    """What the driver raised; `number` is Snowflake's own, -1 where there is none."""

    def __init__(self, words: str, number: int) -> None:
        self.number = number
        super().__init__(words)


class SnowflakeConnection:
    """One session, made at the first use and made anew after any error. One call at a time."""

    def __init__(self, options: SnowflakeOptions) -> None:
        self.options = options
        self._session: Any = None
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[Any], T]) -> T:
        """Calls `work` with a cursor, in a thread. Raises SnowflakeError for whatever the driver raises, and
        the HistoryUnavailable that `work` raises."""
        async with self._turn:
            return await _in_thread(lambda: self._run(work))

    async def close(self) -> None:
        """Ends the session; nobody waits for a server that does not answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await _in_thread(self._end_session)

    def _run(self, work: Callable[[Any], T]) -> T:
        from snowflake.connector import connect  # noqa: PLC0415 - heavy, and only where it is configured

        try:
            if self._session is None:
                self._session = connect(**self.options.arguments())
            with self._session.cursor() as cursor:
                return work(cursor)
        except HistoryUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the driver does, trading goes on without it
            number = getattr(error, "errno", None)
            # What says that the session is at its end comes as many errors, some of them dressed as the statement's fault.
            if number != NO_SUCH_OBJECT:
                self._end_session()
            raise SnowflakeError(self._words(error), number if isinstance(number, int) else -1) from None

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):  # the server forgets it by itself
                session.close()

    def _words(self, error: Exception) -> str:
        text = " ".join(str(error).split())
        for secret in (self.options.password, self.options.account, self.options.user):
            text = text.replace(secret, "***") if secret else text
        return f"Snowflake: {text[:_SHOWN] or type(error).__name__}"


async def _in_thread(work: Callable[[], T]) -> T:
    """In a thread that nobody waits for at the end: the driver may sit on a dead connection for a minute."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def done(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - carried over to whoever waits
            failed = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(done, result, failed)

    threading.Thread(target=run, name="snowflake", daemon=True).start()
    return await answer


def name(*parts: str) -> str:
    """A name of one or more parts for a statement: as it is where it is plain, which Snowflake reads in capitals, else quoted."""
    return ".".join(part if _PLAIN.fullmatch(part) else '"' + part.replace('"', '""') + '"' for part in parts)
