"""The messages between the program and the process of Snowflake's driver."""

import pickle
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = struct.Struct(">I")  # the length of the body
HEAD_BYTES = _HEAD.size
# https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api (errors carry the server's numbers)
NO_SUCH_OBJECT = 2003
ANSWER_SECONDS = 60
LOGIN_SECONDS = 20
CLOSE_SECONDS = 2


@dataclass(frozen=True, slots=True)
class SnowflakeOptions:
    """The account's address and credentials: a password or the file of a private key. None leaves a choice to the driver or the
    user."""

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
        """Returns the driver's arguments:
        https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-connect"""
        key: dict[str, Any] = {"password": self.password}
        if self.private_key_file is not None:
            key = {"authenticator": "SNOWFLAKE_JWT", "private_key_file": str(self.private_key_file)}
        named = {
            **{name: getattr(self, name) for name in ("account", "user", "database", "schema", "warehouse", "role")},
            **{name: getattr(self, name) for name in ("host", "port", "protocol")},
        }
        return {
            **{name: value for name, value in {**named, **key}.items() if value is not None},
            "login_timeout": LOGIN_SECONDS,
            "request_timeout": ANSWER_SECONDS,
            "retry_timeout": ANSWER_SECONDS,
            "retry_max_attempts": 2,
            "logout_total_timeout_seconds": CLOSE_SECONDS,
            "query_timeout": ANSWER_SECONDS,
            "autocommit": True,  # whatever account and user have set: what the driver has confirmed must stay
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


@dataclass(frozen=True, slots=True)
class Question:
    """One statement; `values` replace its `%s`."""

    options: SnowflakeOptions
    statement: str
    values: Sequence[object]


@dataclass(frozen=True, slots=True)
class Answer:
    """`columns` are names, in lower case, with the driver's number for their type; `rows` hold Decimals and datetimes."""

    columns: Sequence[tuple[str, int]]
    rows: Sequence[tuple[Any, ...]]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.columns]


@dataclass(frozen=True, slots=True)
class Failed:
    """An error of the driver, without secrets; `number` is Snowflake's own, -1 if there is none."""

    words: str
    number: int


def framed(value: Question | Answer | Failed) -> bytes:
    """Serialises a value with its length in front."""
    body = pickle.dumps(value)
    return _HEAD.pack(len(body)) + body


def body_length(head: bytes) -> int:
    """Returns how many bytes follow a head."""
    return int(_HEAD.unpack(head)[0])


def unframed(body: bytes) -> Any:
    """Deserialises what `framed` wrote. Only for messages of our own process at the other end of the pipe."""
    return pickle.loads(body)  # noqa: S301 - nobody else writes there
