"""POST /signals over real HTTP: who may, what is read, what is refused, and that nothing is stored twice."""

import asyncio
import hashlib
import hmac
import json
import os
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import APIRouter
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from bot.web import signal_identity
from bot.web import webhook as signals
from bot.web.health import Readiness, create_web_app
from bot.web.server import serve_web
from bot.web.trade_schema import TRADE_FIELDS
from core.adapters.signals.codec import FIELDS, MAX_BYTES, Unreadable, decode
from core.adapters.signals.entry_order import ENTRY_FIELDS
from core.adapters.signals.instrument import NAMES
from core.domain.arrival import Arrival
from core.domain.errors import LeaseLost, LedgerUnavailable
from core.domain.messages import DeadLetter, Message, SignalReceived, StoredMessage
from core.domain.signal import Side, Signal
from core.domain.signal_conflict import Conflict, differ
from core.ports.clock import Clock
from tests.bot.parts import NOON
from tests.core.virtual_time import VirtualClock
from tests.documents import fences
from tests.paths import ROOT

SECRET = "правда-s3cret"
UNUSED = ssl.create_default_context()  # each client would make its own, which takes longer than its request
GOOD = {"signal_type": "BUY_SM", "close": 0.4801}


@dataclass
class Inbox:
    """Stores like the real one: once for each identity."""

    messages: dict[str, Message] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)
    noted: list[tuple[str, bool]] = field(default_factory=list)
    undelivered: list[Signal] = field(default_factory=list)
    broken: bool = False
    lost: bool = False
    full: bool = False

    async def submit(self, message: Message) -> Arrival:
        if self.broken:
            raise LedgerUnavailable("the password of the database is hunter2")
        if self.lost:
            raise LeaseLost
        if self.full:
            await asyncio.sleep(60)
        before = self.messages.setdefault(message.source_id, message)
        if before is message:
            return StoredMessage(len(self.messages), message)
        said, known = message.body, before.body
        assert isinstance(said, SignalReceived)
        assert isinstance(known, SignalReceived)
        return Conflict(said.signal, known.signal, message.received_at) if differ(said.signal, known.signal) else None

    async def keep(self, letter: DeadLetter) -> None:
        if self.broken:
            raise LedgerUnavailable("the disk is full")
        self.letters.append(letter)

    def note(self, why: str, unproved: bool) -> None:
        self.noted.append((why, unproved))

    def routes(self, clock: Clock) -> APIRouter:
        return signals.signal_routes(
            SECRET,
            self.submit,
            self.find,
            self.keep,
            clock,
            note=self.note,
            undelivered=self.undelivered.append,
            default_symbol="WIFUSDC",
            window=timedelta(seconds=60),
        )

    async def find(self, source: str, ids: Sequence[str]) -> Mapping[str, Signal]:
        found = {name: self.messages[name].body for name in ids if name in self.messages}
        assert source == "webhook"
        return {name: body.signal for name, body in found.items() if isinstance(body, SignalReceived)}


@dataclass
class Hook:
    """The running server, and a sender that knows the secret."""

    port: int
    inbox: Inbox
    clock: VirtualClock

    async def post(self, body: bytes | dict[str, Any], **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with httpx.AsyncClient(verify=UNUSED, timeout=60) as client:
            return await client.post(f"http://127.0.0.1:{self.port}/signals", content=content, headers=headers)

    async def signed(self, body: bytes | dict[str, Any]) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.post(content, **{"X-Signature": sign(content)})


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with running(Inbox(), VirtualClock()) as hook:
        yield hook


@asynccontextmanager
async def running(inbox: Inbox, clock: VirtualClock) -> AsyncIterator[Hook]:
    async with serve_web(create_web_app({}, "1", inbox.routes(clock)), "127.0.0.1", 0) as port:
        yield Hook(port, inbox, clock)


async def test_a_signed_signal_is_stored_and_confirmed(hook: Hook) -> None:
    ts = hook.clock.now() - timedelta(seconds=3)
    answer = await hook.signed({**GOOD, "symbol": "ethusdc", "signal_id": "x-1", "ts": ts.isoformat(), "note": "ж"})
    assert (answer.status_code, answer.json()) == (202, {"signal_id": "x-1", "symbol": "ETHUSDC"})
    (message,) = hook.inbox.messages.values()
    assert isinstance(message.body, SignalReceived)
    signal = message.body.signal
    assert (signal.source, signal.signal_type, signal.close, signal.ts) == ("webhook", "BUY_SM", Decimal("0.4801"), ts)
    assert signal.extra == {"note": "ж"}


async def test_the_documented_commands_send_a_signal(hook: Hook) -> None:
    page = (ROOT / "docs/connections.md").read_text(encoding="utf-8")
    block = next(block for block in fences(page, "bash") if "openssl dgst" in block)
    script = block.replace("$(date -u +%FT%TZ)", hook.clock.now().strftime("%FT%TZ")).replace(":8080/", f":{hook.port}/")
    env = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": SECRET}
    shell = await asyncio.create_subprocess_exec("bash", "-euc", script, env=env, stdout=asyncio.subprocess.PIPE)
    said, _ = await shell.communicate()
    assert json.loads(said)["symbol"] == "WIFUSDC"
    (message,) = hook.inbox.messages.values()
    assert isinstance(message.body, SignalReceived)
    assert message.body.signal.signal_type == "BUY_SM"


async def test_a_token_in_the_body_is_enough_and_is_not_kept(hook: Hook) -> None:
    body = {"token": SECRET, "signal_type": "SELL_TV", "symbol": "WIFUSDC", "close": "0.5220", "ts": "2026-11-25T12:00:00Z"}
    assert (await hook.post(body, **{"Content-Type": "text/plain; charset=utf-8"})).status_code == 202
    (message,) = hook.inbox.messages.values()
    assert SECRET not in repr(message)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Signature": ""},
        {"X-Signature": "sha256="},
        {"X-Signature": sign(json.dumps(GOOD).encode(), "another")},
        {"X-Signature": sign(b"another body")},
        {"X-Signature": sign(json.dumps(GOOD).encode()).replace("sha256=", "sha1=")},
        {"X-Signature": "sha256=" + "f" * 1000},
    ],
)
async def test_who_does_not_know_the_secret_learns_nothing(hook: Hook, headers: dict[str, str]) -> None:
    answer = await hook.post(GOOD, **headers)
    assert answer.status_code == 401
    assert "WEBHOOK_SECRET" in answer.json()["detail"]
    assert not hook.inbox.messages


@pytest.mark.parametrize("token", [None, "", "wrong", 7, [SECRET], {"a": SECRET}, SECRET + " ", "\ud800"])
async def test_a_wrong_token_is_refused(hook: Hook, token: object) -> None:
    assert (await hook.post({**GOOD, "token": token})).status_code == 401


async def test_a_wrong_signature_is_not_mended_by_a_right_token(hook: Hook) -> None:
    assert (await hook.post({**GOOD, "token": SECRET}, **{"X-Signature": "sha256=00"})).status_code == 401


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "empty"),
        (b"BUY", "not JSON"),
        (b"[" * 5_000, "nested deeper"),
        (b'{"signal_type": "BUY_SM", "close": 1e999999}', "close"),
        (b'{"signal_type": "HOLD", "close": 1}', "signal_type is 'HOLD'"),
        (b'{"signal_type": "BUY_SM", "close": 1, "close": 2}', "twice"),
        (b'{"signal_type": "BUY_SM", "close": 1, "ts": "yesterday"}', "ts is 'yesterday'"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
async def test_what_is_no_signal_is_said(hook: Hook, body: bytes, problem: str) -> None:
    answer = await hook.signed(body)
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    assert not hook.inbox.messages
    (letter,) = hook.inbox.letters
    assert (letter.source, letter.raw) == ("webhook", body[:2048] if body != b"\xff\xfe" else rb"\xff\xfe")
    assert problem in letter.problem
    assert hook.inbox.noted == [("unusable", False)]


UNUSABLE = [
    ('{"token": %s, "signal_type": "SELL_TV", "close": "{{close}}"}', "close is '{{close}}'"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": {{close}}}', "not JSON"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": NaN}', "NaN"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": "NaN"}', "close is 'NaN'"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": 0,48}', "not JSON"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": "0,48"}', "close is '0,48'"),
    ('[{"token": %s, "signal_type": "SELL_TV", "close": 0.48}]', "not an object"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": 0.48', "not JSON"),
    ('{"signal_type": "SELL_TV" "close": 0.48, "token": %s}', "not JSON"),
    ("{'token': 'SECRET', 'signal_type': 'SELL_TV', 'close': 0.48}", "not JSON"),
    ('{"token": %s, "signal_type": "SELL_TV", "close": 0.48}\n{"again": 1}', "not JSON"),
]


@pytest.mark.parametrize(("text", "problem"), UNUSABLE)
@pytest.mark.parametrize("ascii_only", [True, False])
async def test_the_secret_in_what_cannot_be_read_is_found_and_the_owner_told(
    hook: Hook, text: str, problem: str, ascii_only: bool
) -> None:
    written = text.replace("%s", json.dumps(SECRET, ensure_ascii=ascii_only)).replace("SECRET", SECRET)
    answer = await hook.post(written.encode())
    assert (answer.status_code, problem in answer.json()["detail"]) == (422, True)
    (letter,) = hook.inbox.letters
    assert problem in letter.problem
    told = letter.raw.decode() + letter.problem + answer.text
    assert SECRET not in told
    assert json.dumps(SECRET)[1:-1] not in told
    assert "SELL_TV" in letter.raw.decode()


@pytest.mark.parametrize(("text", "_"), UNUSABLE)
async def test_another_secret_in_what_cannot_be_read_proves_nothing(hook: Hook, text: str, _: str) -> None:
    answer = await hook.post(text.replace("%s", '"another-secret"').replace("SECRET", "another-secret").encode())
    assert answer.status_code == 401
    assert not hook.inbox.letters
    assert hook.inbox.noted in ([("wrong_secret", True)], [("unreadable", True)])
    if hook.inbox.noted == [("unreadable", True)]:
        assert "no JSON object" in answer.json()["detail"]


async def test_what_cannot_be_kept_is_to_be_sent_again(hook: Hook) -> None:
    hook.inbox.broken = True
    assert (await hook.signed({"signal_type": "SELL_TV", "close": "{{close}}"})).status_code == 503


async def test_an_instrument_that_the_address_names_is_not_traded_as_the_default(hook: Hook) -> None:
    content = json.dumps(GOOD).encode()
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"http://127.0.0.1:{hook.port}/signals?symbol=BTCUSDC", content=content, headers={"X-Signature": sign(content)}
        )
    assert answer.status_code == 422
    assert "name it in symbol" in answer.json()["detail"]
    assert not hook.inbox.messages


async def test_a_body_that_is_too_long_is_cut_off(hook: Hook) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 10_000

    async with httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{hook.port}/signals", content=endless())
    assert answer.status_code == 413
    assert (await hook.signed(b" " * MAX_BYTES)).status_code == 422


async def test_a_repetition_is_refused(hook: Hook) -> None:
    for body in ({**GOOD, "signal_id": "one"}, {**GOOD, "ts": "2026-11-25T12:00:00Z"}, GOOD):
        assert [(await hook.signed(body)).status_code for _ in range(3)] == [202, 409, 409]
    assert len(hook.inbox.messages) == 3


async def test_another_signal_under_the_same_id_is_a_conflict_and_no_repetition(hook: Hook) -> None:
    assert (await hook.signed({**GOOD, "signal_id": "tv"})).status_code == 202
    answer = await hook.signed({**GOOD, "signal_id": "tv", "signal_type": "SELL_SM"})
    assert answer.status_code == 409
    for words in ("signal_id tv", "BUY_SM WIFUSDC at 0.4801", "leave signal_id out"):
        assert words in answer.json()["detail"]
    assert [why for why, _ in hook.inbox.noted] == ["conflict"]


async def test_the_same_words_later_are_a_new_signal_where_nothing_dates_them(hook: Hook) -> None:
    answers = []
    for seconds in (30, 29, 2, 59, 2):
        answers.append((await hook.signed(GOOD)).status_code)
        await hook.clock.forward(seconds)
    assert answers == [202, 409, 409, 202, 409]


@pytest.mark.parametrize(("before", "after", "answer"), [(59, 2, 409), (30, 29, 409), (0, 61, 202), (59, 61, 202)])
async def test_a_repetition_is_known_after_a_restart(before: float, after: float, answer: int) -> None:
    inbox, clock = Inbox(), VirtualClock()
    await clock.forward(before)
    async with running(inbox, clock) as hook:
        assert (await hook.signed(GOOD)).status_code == 202
    await clock.forward(after)
    async with running(inbox, clock) as hook:
        assert (await hook.signed(GOOD)).status_code == answer


async def test_what_is_no_longer_remembered_is_known_still(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal_identity, "REMEMBERED", 1)
    await hook.clock.forward(59)
    assert [(await hook.signed({**GOOD, "n": number})).status_code for number in (1, 2)] == [202, 202]
    await hook.clock.forward(2)
    assert [(await hook.signed({**GOOD, "n": number})).status_code for number in (1, 2)] == [409, 409]


async def test_who_hangs_up_in_the_middle_is_no_error(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", hook.port)
    writer.write(b"POST /signals HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    await writer.drain()
    writer.close()
    await asyncio.sleep(0.1)
    assert (await hook.signed(GOOD)).status_code == 202
    assert caplog.text == ""


async def test_a_ledger_that_takes_nothing_is_said_without_its_words(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    hook.inbox.broken = True
    answer = await hook.signed(GOOD)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "hunter2" not in answer.text
    hook.inbox.broken, hook.inbox.lost = False, True
    assert (await hook.signed(GOOD)).status_code == 503
    hook.inbox.lost, hook.inbox.full = False, True
    monkeypatch.setattr(signals, "ROOM_SECONDS", 0.05)
    assert (await hook.signed(GOOD)).status_code == 503


def test_a_full_inbox_is_said_before_tradingview_gives_up() -> None:
    assert signals.ROOM_SECONDS < 3


async def test_who_knows_the_secret_is_never_asked_to_slow_down(hook: Hook) -> None:
    bodies = [{**GOOD, "signal_id": str(number)} for number in range(500)]
    answers = await asyncio.gather(*(hook.signed(body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    assert len(hook.inbox.messages) == 500


async def test_strangers_cannot_use_up_what_senders_need(hook: Hook) -> None:
    answers = [(await hook.post(GOOD)).status_code for _ in range(25)]
    assert answers == [401] * 20 + [429] * 5
    assert (await hook.signed(GOOD)).status_code == 202


async def test_the_page_for_people_says_what_there_is(hook: Hook) -> None:
    async with httpx.AsyncClient() as client:
        page = await client.get(f"http://127.0.0.1:{hook.port}/docs")
    assert page.status_code == 200
    for words in (
        "POST /signals",
        "GET /readyz",
        "X-Signature",
        "<code>signal_type</code> (required)",
        "<b>409</b> a signal that",
    ):
        assert words in page.text
    assert "<script" not in page.text
    assert "//" not in page.text.replace("<!doctype", "")


class HastyClock(VirtualClock):
    """A clock that advances a second at each call: nobody is too quick."""

    def monotonic(self) -> float:
        self.looks = getattr(self, "looks", 0) + 1
        return super().monotonic() + self.looks


def described() -> Any:
    """Returns the application's description of itself, with one part that is not ready."""
    routes = Inbox().routes(HastyClock())
    parts: dict[str, Readiness] = {"ledger": lambda: (True, "fine"), "kafka": lambda: (True, "fine")}
    return schemathesis.openapi.from_asgi("/openapi.json", create_web_app(parts, "1", routes, names={"testserver"}))


schema = described()


@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_description_is_true_whatever_is_sent(case: Any) -> None:
    if isinstance(case.body, dict) and isinstance(case.body.get("token", ""), str):
        case.body["token"] = SECRET
        if case.headers:
            case.headers.pop("X-Signature", None)
    response = case.call()
    # Everything described is accepted. Exceptions that no pattern can express: any printable text is a `signal_id` or `strategy`,
    # an exit may ask for any order, an undescribed field must not name an instrument, names within fields have a limit too, and
    # fields must not contradict each other.
    body = response.request.body
    besides = [negative_data_rejection] if has_a_foreign_text(body) or is_an_exit_with_an_order(body) else []
    if names_an_instrument_besides(body) or contradicts_itself(body) or has_a_long_name_within(body):
        besides.append(positive_data_acceptance)
    case.validate_response(response, excluded_checks=besides)
    assert response.status_code < 500


def read(body: bytes | str | None) -> Signal | Unreadable:
    raw = body.encode() if isinstance(body, str) else body
    return decode(raw, record_ts=NOON, source="http", default_id="none", default_symbol="WIFUSDC")


def has_a_foreign_text(body: bytes | str | None) -> bool:
    """Tells whether it is a signal with an id or a strategy that is not ASCII."""
    found = read(body)
    return isinstance(found, Signal) and not (found.signal_id.isascii() and found.strategy.isascii())


def is_an_exit_with_an_order(body: bytes | str | None) -> bool:
    """Tells whether it is an exit that says how it would be placed, which is only kept."""
    found = read(body)
    return isinstance(found, Signal) and found.side is Side.SELL and bool(ENTRY_FIELDS & set(json.loads(body or "{}")))


CONTRADICTIONS = {
    *("plan_of_exit", "plan_stop_price", "plan_target_price", "plan_shares", "plan_parts"),
    *("size_of_entry", "size_of_exit", "two_sizes", "size_without_stop", "size_digits"),
    *("entry_at_once", "entry_of_limit", "entry_no_limit", "entry_no_expiry", "entry_maker_stays"),
    "step_order",
}


def has_a_long_name_within(body: bytes | str | None) -> bool:
    """Tells whether a record has a name that is too long at any depth."""
    found = read(body or b"")
    return isinstance(found, Unreadable) and found.reason is not None and found.reason.code == "record_long_name"


def contradicts_itself(body: bytes | str | None) -> bool:
    """Tells whether it is rejected for fields that do not fit each other, or the side."""
    found = read(body)
    if not isinstance(found, Unreadable):
        return False
    return found.reason.code in CONTRADICTIONS or found.reason.code.startswith("plan_breakeven")


EXAMPLES: dict[str, list[Any]] = {
    "stop_loss": ["5%", 0.45, "0.45", {"pct": 5}, {"price": "0.45", "limit_offset_pct": 0.5}, None],
    "take_profit": ["10%", 0.6, {"pct": 10}, [{"price": 0.6, "position_pct": 50}, {"pct": 1000, "position_pct": "50"}], None],
    "breakeven": [{"after": "target"}, {"after": 3, "offset_pct": 0.1}, None],
    "trailing": [{"pct": 2}, {"pct": "2.5", "activation_pct": 3}, None],
    "time_limit": [3600, "3600", None],
    "order_type": ["MARKET", "LIMIT", "LIMIT_MAKER", None],
    "limit_price": [0.47, "0.47", None],
    "time_in_force": ["GTC", "IOC", "FOK", None],
    "expires_in": [600, "600", 2_592_000, None],
    "on_timeout": ["cancel", "market", "reprice", None],
    "quantity": [20, "20.5", None],
    "quote_quantity": [100, "100", None],
    "equity_pct": [5, "2.5", 100, None],
    "risk_pct": [0.5, "1", None],
    "position_pct": [50, "33.3", 100, None],
    "dca_steps": [
        [{"pct": 2.5}, {"pct": "5", "size_factor": 1.5}],
        [{"pct": 3, "quantity": 20}],
        [{"pct": 1, "quote_quantity": "9"}],
        None,
    ],
    "valid_for": [30, None],
    "strategy": ["waves", None],
}
BESIDE: dict[str, dict[str, Any]] = {
    "breakeven": {"stop_loss": "5%", "take_profit": [{"pct": 5, "position_pct": 50}, {"pct": 10, "position_pct": 50}]},
    "limit_price": {"order_type": "LIMIT", "expires_in": 600},
    "expires_in": {"order_type": "LIMIT", "limit_price": 0.47},
    "on_timeout": {"order_type": "LIMIT", "limit_price": 0.47, "expires_in": 600},
    "order_type": {"limit_price": 0.47, "expires_in": 600},
    "time_in_force": {"order_type": "LIMIT", "limit_price": 0.47},
    "risk_pct": {"stop_loss": "5%"},
}
"""The fields that one needs beside it."""


def test_every_field_that_is_read_is_described() -> None:
    body = schema.raw_schema["paths"]["/signals"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    words = " ".join(field.get("description", "") for field in body["properties"].values())
    by_another_name = {*NAMES, "action", "price"}
    known = FIELDS | ENTRY_FIELDS | {"action", "price", "strategy", "token"}
    assert known - set(body["properties"]) == by_another_name - {"symbol"}
    assert {name for name in by_another_name if not re.search(rf"\b{name}\b", words)} <= {"symbol"}
    assert set(body["properties"]) <= known  # and nothing is promised that is not read


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in EXAMPLES.items() for value in values])
def test_what_a_described_field_may_say_is_accepted(name: str, value: Any) -> None:
    beside = dict(BESIDE.get(name, {}))
    match name, value:
        case ("order_type", "MARKET" | None):
            beside = {}
        case ("limit_price" | "expires_in" | "on_timeout", None):
            beside = {}
        case ("time_in_force", "GTC" | None):
            beside["expires_in"] = 600
    side = "SELL_SM" if name == "position_pct" else "BUY_SM"
    body = {"signal_type": side, "close": 0.48, **beside, name: value}
    assert isinstance(read(json.dumps(body)), Signal), read(json.dumps(body))


def test_each_described_field_about_the_trade_has_its_examples() -> None:
    assert set(EXAMPLES) == set(TRADE_FIELDS)


def names_an_instrument_besides(body: bytes | str | None) -> bool:
    """Tells whether it is rejected for how it names an instrument: in an undescribed field, or a perpetual."""
    found = read(body)
    return isinstance(found, Unreadable) and found.reason.code.startswith("symbol")
