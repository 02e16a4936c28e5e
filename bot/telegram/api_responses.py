"""Validates the Bot API's responses before the library reads them: anything undocumented becomes an OddAnswer, and nothing else.

python-telegram-bot trusts its server: `true` in place of a message is a TypeError deep inside it, and a firewall's page with
status 403 means to it that a person has blocked the bot. Here the program checks every field it reads against
https://core.telegram.org/bots/api; the library gets a response rebuilt from those.
"""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from functools import cache
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeGuard

import httpx
import structlog
from telegram import Chat, ChatFullInfo, Message, Update, User
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

log = structlog.get_logger(__name__)

MOST_UPDATES = 20
_MOST_BYTES = 2 * 1024 * 1024  # more than the longest response with many updates
_LONGEST_BODY = 30.0  # seconds from the first byte of an answer to its last
_LONGEST_FLOOD = 3600  # seconds; Telegram asks for some minutes, and a year would be a mistake
_LONGEST_WORDS = 300
_SUPERGROUPS = -1_000_000_000_000  # their ids are below: https://core.telegram.org/api/bots/ids#supergroup-channel-ids
_LARGEST = 2**53  # "at most 52 significant bits"

_Reader = Callable[[Any], Any]


class OddAnswer(NetworkError):
    """A response of the Bot API that is not as documented. `done`: it says nevertheless that the request was carried out, so
    that a retry would send it twice."""

    def __init__(self, what: str, *, done: bool = False) -> None:
        super().__init__(what)
        self.done = done


class CheckedRequest(HTTPXRequest):
    """The library's HTTP request with every response validated. Raises TelegramError and nothing else."""

    def __init__(self, **options: Any) -> None:
        """Takes the options of HTTPXRequest."""
        # No compression: a bomb of some KB would be a GB here.
        measured = {"event_hooks": {"response": [_measure]}, "headers": {"Accept-Encoding": "identity"}}
        super().__init__(**options, httpx_kwargs={"verify": _authorities(), **measured})

    async def do_request(self, url: str, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Sends the request; see BaseRequest."""
        status, body = await super().do_request(url, *args, **kwargs)
        return status, checked(url.rsplit("/", 1)[-1], status, body)


@cache
def _authorities() -> ssl.SSLContext:
    """Returns httpx's own choice of certificate authorities: read once, since it takes longer than several requests."""
    return httpx.create_ssl_context()


def checked(method: str, status: int, body: bytes) -> bytes:
    """Returns the same response with only documented contents. Raises OddAnswer."""
    try:
        said = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise OddAnswer(f"{method}: {_status(status)}, and not in JSON") from None
    if not isinstance(said, dict):
        raise OddAnswer(f"{method}: {_status(status)}, and not an object")
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return json.dumps(_refusal(method, status, said)).encode()
    if said.get("ok") is not True:
        raise OddAnswer(f"{method}: {_status(status)} without ok")
    try:
        result = RESULTS[method](_clean(said["result"]))
    except OddAnswer:
        raise
    except Exception as error:  # noqa: BLE001 - the library fails in its own ways: KeyError, OverflowError, RecursionError
        raise OddAnswer(f"{method}: a result that is not as documented ({_why(error)})", done=True) from None
    return json.dumps({"ok": True, "result": result}).encode()


def _refusal(method: str, status: int, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns Telegram's own refusal; proxies in between answer otherwise, and their 401, 403 or 404 mean nothing."""
    if said.get("ok") is not False or said.get("error_code") != status:
        raise OddAnswer(f"{method}: {_status(status)}, and not in the words of the Bot API")
    words = said.get("description")
    text = "".join(c if c.isprintable() else " " for c in words[:_LONGEST_WORDS]) if isinstance(words, str) else ""
    given = said.get("parameters")
    asked = given if isinstance(given, dict) else {}
    parameters: dict[str, int] = {}
    moved, wait = asked.get("migrate_to_chat_id"), asked.get("retry_after")
    if _is_number(moved) and moved < _SUPERGROUPS:
        parameters["migrate_to_chat_id"] = moved
    if isinstance(wait, int) and not isinstance(wait, bool):
        parameters["retry_after"] = min(max(wait, 1), _LONGEST_FLOOD)
    return {"ok": False, "error_code": status, "description": text, "parameters": parameters}


# --- results: each reader returns what the library is given, or raises


def _true(value: Any) -> Any:
    return _known(value is True, value)


def _user(value: Any) -> Any:
    _fields(value, {"id": _is_number, "is_bot": _is_flag, "first_name": _is_text}, {"last_name": _is_text, "username": _is_text})
    User.de_json(value, None)
    return value


def _me(value: Any) -> Any:
    return _user(_known(_is_text(value["username"]), value))


def _chat(value: Any) -> Any:
    _fields(value, dict.fromkeys(_CHAT_NEEDS, _is_text) | {"id": _is_number}, dict.fromkeys(_CHAT_NAMES, _is_text))
    Chat.de_json(value, None)
    return value


def _chat_in_full(value: Any) -> Any:
    """Fills in fields that an older or a local Bot API leaves out and the library insists on: nothing here reads them."""
    missing = {"accent_color_id": 0, "max_reaction_count": 0, "accepted_gift_types": _NO_GIFTS}
    full = missing | {name: given for name, given in _chat(value).items() if name in {*_CHAT_NEEDS, *_CHAT_NAMES}}
    ChatFullInfo.de_json(full, None)
    return full


_CHAT_NEEDS = ("id", "type")
_CHAT_NAMES = ("title", "username", "first_name", "last_name")
_NO_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


def _message(value: Any) -> Any:
    _measured_message(value)
    Message.de_json(value, None)
    return value


def _measured_message(value: Any, *, depth: int = 2) -> None:
    texts = dict.fromkeys(("text", "caption"), _is_text)
    _fields(value, {"message_id": _is_number, "date": _is_number}, texts | {"message_thread_id": _is_number})
    _chat(value["chat"])
    for name, read in (("from", _user), ("sender_chat", _chat), ("via_bot", _user)):
        if name in value:
            read(value[name])
    if "reply_to_message" in value and depth:
        _measured_message(value["reply_to_message"], depth=depth - 1)


def _message_or_true(value: Any) -> Any:
    return value if value is True else _message(value)


def _updates(value: Any) -> Any:
    """Empties an update that cannot be read, so that it is skipped by its number: otherwise it would come again for ever."""
    if not isinstance(value, list):
        raise TypeError
    read: list[Any] = []
    for item in value:
        try:
            read.append(_update(item))
        except Exception as error:  # noqa: BLE001 - see `checked`
            number = item.get("update_id") if isinstance(item, dict) else None
            if _is_number(number) and number > 0:
                log.error("an unreadable update is skipped", update_id=number, problem=_why(error))
                read.append({"update_id": number})
    if value and not read:
        raise OddAnswer("getUpdates: updates without a number")
    return read


def _update(value: Any) -> Any:
    _fields(value, {"update_id": _is_number}, {})
    _known(value["update_id"] > 0, value)
    if "message" in value:
        _measured_message(value["message"])
    if "callback_query" in value:
        tap = value["callback_query"]
        _fields(tap, {"id": _is_text}, {"data": _is_text})
        _user(tap["from"])
        if "message" in tap:
            _measured_message(tap["message"])
    Update.de_json(value, None)
    return value


RESULTS: Mapping[str, _Reader] = {
    "getMe": _me,
    "getUpdates": _updates,
    "getChat": _chat_in_full,
    "sendMessage": _message,
    "sendPhoto": _message,
    "sendDocument": _message,
    "editMessageText": _message_or_true,
    "editMessageMedia": _message_or_true,
    "editMessageReplyMarkup": _message_or_true,
    "deleteMessage": _true,
    "deleteWebhook": _true,
    "answerCallbackQuery": _true,
    "setMyCommands": _true,
    "deleteMyCommands": _true,
}
"""Every method that the program uses; another one is refused until it has a reader here."""


def _fields(value: Any, needed: Mapping[str, _Reader], known: Mapping[str, _Reader]) -> None:
    for name, fits in needed.items():
        if not fits(value[name]):
            raise TypeError(name)
    for name, fits in known.items():
        if name in value and not fits(value[name]):
            raise TypeError(name)


def _known(fits: bool, value: Any) -> Any:
    if not fits:
        raise TypeError
    return value


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _clean(value: Any) -> Any:
    """Removes what no file, database or terminal accepts: lone surrogates, and NUL."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "�")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def _why(error: Exception) -> str:
    return f"{type(error).__name__} {error}" if isinstance(error, KeyError) or str(error).isidentifier() else type(error).__name__


def _status(status: int) -> str:
    return f"HTTP {status}"


# --- how much, and for how long


async def _measure(response: httpx.Response) -> None:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OddAnswer(f"{_status(response.status_code)}, packed though nobody asked for that")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Measured(response.stream)


class _Measured(httpx.AsyncByteStream):
    """Reads the body of a response; raises OddAnswer for one that is too long or takes too long."""

    def __init__(self, body: httpx.AsyncByteStream) -> None:
        self._body = body
        self._until = monotonic() + _LONGEST_BODY

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > _MOST_BYTES or monotonic() > self._until:
                raise OddAnswer(f"an answer that does not end ({size} bytes)")
            yield piece

    async def aclose(self) -> None:
        """Releases the connection."""
        await self._body.aclose()
