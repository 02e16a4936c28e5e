"""A front that forwards requests to a real HTTP server and spoils its answers: every odd answer that a seed can produce."""

import asyncio
import gzip
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Reply:
    """An answer as sent over the wire; `raw` replaces all of it if it is not HTTP at all."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    delay: float = 0.0
    """Seconds until the first byte, and again until the last."""

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        head = {"Content-Type": "application/json", "Content-Length": str(len(self.body)), "Connection": "close"} | dict(
            self.headers
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"HTTP/1.1 {self.status} Odd\r\n{lines}\r\n".encode() + self.body


Spoil = Callable[[random.Random, str, Reply], Reply]
"""Makes the real answer to a request (`POST /path`) odd."""


class OddFront:
    """A server on `port`. While `spoiling`, passes every answer to `spoil`; counts its effects by request in `made`."""

    def __init__(self, target: int, spoil: Spoil, seed: int) -> None:
        self.port = 0
        self.spoiling = True
        self.dislikes = b""
        """Requests that contain this go no further: a firewall's page answers them."""
        self.made: Counter[str] = Counter()
        self._target = target
        self._spoil = spoil
        self._random = random.Random(seed)
        self._open: set[asyncio.Task[None]] = set()

    @property
    def total(self) -> int:
        """Returns the number of odd answers given."""
        return self.made.total()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handles one connection with one request."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def close(self) -> None:
        """Releases every request."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        body = await _chunks(reader) if "chunked" in fields.get("transfer-encoding", "") else b""
        body = body or await reader.readexactly(int(fields.get("content-length", "0")))
        if self.dislikes and self.dislikes in body:
            writer.write(Reply(403, _PAGE).bytes())
            return
        kept = [one for one in lines[1:] if one and one.lower().split(":")[0] not in _HOPS]
        sent = "\r\n".join([lines[0], *kept, f"content-length: {len(body)}", "connection: close", "", ""])
        there, to_server = await asyncio.open_connection(HOST, self._target)
        try:
            to_server.write(sent.encode("latin-1") + body)
            answer = await _answer(there)
        finally:
            to_server.close()
        if self.spoiling:
            answer = self._odd(" ".join(lines[0].split(" ")[:2]).partition("?")[0], answer)
        await asyncio.sleep(answer.delay)
        said = answer.bytes()
        writer.write(said[:-1])
        await writer.drain()
        await asyncio.sleep(answer.delay)
        writer.write(said[-1:])
        await writer.drain()

    def _odd(self, request: str, answer: Reply) -> Reply:
        self.made[request] += 1
        return self._spoil(self._random, request, answer)


_HOPS = {"content-length", "connection", "transfer-encoding", "accept-encoding"}


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).strip() or b"0", 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _answer(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    chunked = fields.pop("transfer-encoding", fields.pop("Transfer-Encoding", ""))
    body = await _chunks(reader) if chunked else await reader.read()
    kept = {
        name: value for name, value in fields.items() if name.lower() not in {"content-length", "connection", "date", "server"}
    }
    return Reply(int(head[0].split(" ")[1]), body, kept)


@asynccontextmanager
async def odd_front(target: int, spoil: Spoil, seed: int) -> AsyncIterator[OddFront]:
    """Starts a front before 127.0.0.1:`target`."""
    front = OddFront(target, spoil, seed)
    server = await asyncio.start_server(front.accept, HOST, 0, limit=2**24)
    front.port = server.sockets[0].getsockname()[1]
    try:
        yield front
    finally:
        server.close()
        await front.close()


# --- the odd answers that any JSON API can give

_PAGE = b"<html><head><title>Access denied</title></head><body>" + b"\xff\xfe no JSON at all " * 20 + b"</body></html>"
_STATUSES = (
    199 + 1,
    201,
    204,
    301,
    302,
    307,
    400,
    401,
    402,
    403,
    404,
    407,
    409,
    413,
    418,
    429,
    451,
    500,
    502,
    503,
    504,
    520,
    599,
)
_JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 10**400, -(2**63), 2**64, "", "NaN", "-1", "1e999999", "0x10",
    "\0", "\ud800", "x" * 5_000, "<b>", [], {}, [[]], {"": {}}, [None] * 50,
)  # fmt: skip


def any_odd(chance: random.Random, answer: Reply) -> Reply:
    """Returns one of the oddities that every client meets."""
    return chance.choice(_WAYS)(chance, answer)


def mutated(chance: random.Random, value: Any) -> Any:
    """Returns the same JSON with something missing, doubled, or of another kind, somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        rest = {key: each for key, each in value.items() if key != name}
        return rest if chance.random() < 0.3 else rest | {name: mutated(chance, value[name])}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        if chance.random() < 0.2:
            return [*value, value[place]]
        return [*value[:place], mutated(chance, value[place]), *value[place + 1 :]]
    if isinstance(value, str) and chance.random() < 0.2:
        return value[::-1]
    if isinstance(value, int) and chance.random() < 0.3:
        return str(value)
    return chance.choice(_JUNK)


def dumped(value: Any) -> bytes:
    """Writes JSON like a careless server: NaN, Infinity and half surrogate pairs too."""
    return json.dumps(value).encode()


def _wrong_shape(chance: random.Random, answer: Reply) -> Reply:
    return Reply(answer.status, dumped(chance.choice(_JUNK)), answer.headers)


def _changed(chance: random.Random, answer: Reply) -> Reply:
    try:
        true = json.loads(answer.body)
    except ValueError:
        true = {}
    for _ in range(chance.randint(1, 4)):
        true = mutated(chance, true)
    return Reply(answer.status, dumped(true), answer.headers)


def _page(chance: random.Random, answer: Reply) -> Reply:
    headers = {"Content-Type": "text/html", "Location": "http://127.0.0.1:9/elsewhere", "Retry-After": chance.choice(_AFTER)}
    return Reply(chance.choice(_STATUSES), _PAGE, headers)


def _status_only(chance: random.Random, answer: Reply) -> Reply:
    return Reply(chance.choice(_STATUSES), answer.body, {**answer.headers, "Retry-After": chance.choice(_AFTER)})


_AFTER = ("soon", "-5", "0", "31536000", "9" * 400, "1e9", "NaN", "Wed, 21 Oct 2065 07:28:00 GMT", "")


def _empty(chance: random.Random, answer: Reply) -> Reply:
    return Reply(chance.choice((answer.status, 200, 204, 500)), b"", answer.headers)


def _cut_short(chance: random.Random, answer: Reply) -> Reply:
    short = answer.body[: chance.randrange(max(len(answer.body), 1))]
    length = {"Content-Length": str(len(answer.body))} if chance.random() < 0.5 else {}
    return Reply(answer.status, short, {**answer.headers, **length})


def _packed(chance: random.Random, answer: Reply) -> Reply:
    body = chance.choice((answer.body, gzip.compress(answer.body)[:-6], gzip.compress(answer.body), _BOMB))
    return Reply(answer.status, body, {**answer.headers, "Content-Encoding": chance.choice(("gzip", "deflate", "br", "x-odd"))})


_BOMB = gzip.compress(b" " * 20_000_000)
_DEEP = b"[" * 100_000
_LONG = b'{"ok":true,"result":"' + b"x" * 4_000_000 + b'"}'


def _too_much(chance: random.Random, answer: Reply) -> Reply:
    return Reply(answer.status, chance.choice((_DEEP, _LONG, b"1" * 100_000)), answer.headers)


def _no_http(chance: random.Random, answer: Reply) -> Reply:
    said = (b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{}", b"\0" * 500)
    return Reply(0, b"", raw=chance.choice((*said, b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 200_000 + b"\r\n\r\n{}")))


def _late(chance: random.Random, answer: Reply) -> Reply:
    return Reply(answer.status, answer.body, answer.headers, delay=chance.choice((0.01, 0.05, 0.2)))


_WAYS = (
    *(_wrong_shape,) * 3,
    *(_changed,) * 8,
    *(_page,) * 2,
    *(_status_only,) * 2,
    _empty,
    _cut_short,
    _packed,
    _too_much,
    _no_http,
    _late,
)
