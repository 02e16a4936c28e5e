"""Every refusal reaches the chat: every reason by its channel, every source by what it may bring, every answer of HTTP.

A reason, an outcome or a source without a row here fails: its author states how the owner hears of it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from string import Formatter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientSession, TCPConnector
from aiokafka import AIOKafkaProducer

from bot.access.roles import Roles
from bot.subscriptions.notification_rules import Recipient
from bot.subscriptions.recipients import Recipients
from bot.texts import LANGUAGES, texts
from bot.views.chat_message import plain_text
from bot.views.event_batch import render_line
from bot.views.events import render
from bot.web import webhook as signals
from bot.web.health import create_web_app
from bot.web.server import serve_web
from bot.web.unauthenticated_requests import GATHER_SECONDS, UnauthenticatedRequests
from bot.web.undelivered_signals import PATIENCE_SECONDS, UndeliveredSignals
from core.adapters import metrics
from core.adapters.kafka.options import KafkaOptions
from core.adapters.kafka.source import KafkaSource, SourceCallbacks
from core.adapters.snowflake.source import SnowflakeSource
from core.domain.access import Level
from core.domain.approval import ApprovalState
from core.domain.arrival import Arrival
from core.domain.entry_reasons import ENTRY_SENTENCES
from core.domain.errors import LedgerUnavailable
from core.domain.events.approvals import ApprovalClosed
from core.domain.events.entries import EntryMissed
from core.domain.events.intake import DeadLettersFound
from core.domain.events.orders import OrderFailed
from core.domain.events.priority import Priority
from core.domain.events.protection import ProtectionFailed
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.events.symbol_halts import SymbolHalted
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition
from core.domain.outbox_item import OutboxItem
from core.domain.plan_reasons import PLAN_SENTENCES
from core.domain.reasons import SENTENCES, Reason
from core.domain.record_problems import kinds_of
from core.domain.record_reasons import RECORD_SENTENCES
from core.domain.signal import Side, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState
from core.state.portfolio import Portfolio
from demo.broker import MemoryBroker
from local_telegram.server import RunningChat
from tests.bot.conftest import until
from tests.bot.firm import Firm, firm_on
from tests.bot.parts import NOON, OWNER, approval, executed, signal
from tests.bot.web.test_webhook import SECRET, Hook, sign
from tests.core.world import LIMITS

# --- every reason

TOLD_AS: Mapping[str, frozenset[str]] = {
    # the outcome of a signal, or of an order that it led to
    "refused": frozenset(
        {
            *(
                "expired",
                "from_future",
                "clock_wrong",
                "conflict",
                "turned_back",
                "symbol_not_allowed",
                "paused",
                "entries_paused",
            ),
            *(
                "observe",
                "in_position",
                "max_entries",
                "no_position",
                "another_program",
                "not_alone_yet",
                "approval_pending",
                "exit_wanted",
            ),
            *("unknown_symbol", "not_trading", "market_orders_off", "held", "below_min_notional", "above_max_notional"),
            *("unsellable", "below_min_qty", "above_max_qty", "price_unknown", "price_band", "price_sanity", "order_notional"),
            *("open_positions", "daily_loss", "rate_unknown", "no_rate", "daily_loss_unknown", "internal_error", "panic_over"),
            *("too_little_to_sell", "risk_without_stop", "nothing_to_spend", "balances_unknown", "value_unknown", "no_equity"),
            *("drawdown", "losing_exits", "cooldown", "exposure"),
            *("held_by_others", "strategy_paused", "own_positions"),
            *("nothing_free", "exit_over", "account_held", "not_compared", "already_ordered", "closed_by_plan"),
            *("entry_rests", "entry_price_band", "entry_withdrawn"),
            *PLAN_SENTENCES,
        }
    ),
    "missed": frozenset(ENTRY_SENTENCES) - {"entry_rests", "entry_price_band", "entry_withdrawn"},
    "failed": frozenset(
        {
            *("insufficient_balance", "filter_failure", "market_closed", "duplicate_order", "bad_key", "bad_signature"),
            *("clock_off", "rate_limited", "banned", "exchange_busy", "unreachable", "invalid_symbol", "symbol_not_permitted"),
            *(
                "account_disabled",
                "service_gone",
                "no_depth",
                "bad_request",
                "rejected",
                "not_filled",
                "beyond_limit",
                "unanswered",
            ),
            *("never_placed", "placed_by_other", "held_back", "fate_unknown", "too_many_open", "would_trigger", "would_take"),
            *("list_prices", "order_type_off", "earlier_on_its_way"),
        }
    ),
    "protection": frozenset({"protection_not_placed", "protection_ended", "protection_gone", "order_forgotten"}),
    "question": frozenset({"declined", "approval_expired", "approval_withdrawn"}),
    "hold": frozenset(
        {
            *("less_than_ledger", "order_differs", "symbol_shared", "symbol_gone", "not_adopted", "orders_unreadable"),
            *("order_of_other", "order_unmarked", "order_id_taken"),
        }
    ),
    "record": frozenset(RECORD_SENTENCES),
    # the answer to somebody who has just asked for it, in that chat
    "answer": frozenset(
        {
            *(
                "approval_closed",
                "pause_changed",
                "bad_limit",
                "settings_changed",
                "limit_changed",
                "not_resting",
                "not_held",
                "invite_gone",
                "not_a_person",
            ),
            *("authenticator_changed", "code_used", "codes_locked", "no_authenticator"),
            *("no_right", "too_many_invites", "hold_changed"),
        }
    ),
}

CODES = [(way, code) for way, codes in TOLD_AS.items() for code in sorted(codes) if way != "answer"]


def test_every_reason_has_its_way_into_the_chat_and_only_one() -> None:
    known = [code for codes in TOLD_AS.values() for code in codes]
    assert sorted(known) == sorted(SENTENCES)


def events_of(way: str, why: Reason, source: str) -> list[Event]:  # noqa: PLR0911 - flat: a line for each way
    """Returns the events of an exit that fails for this reason."""
    said = replace(signal("SELL_SM"), source=source)
    sold = executed(Side.SELL)
    match way:
        case "refused":
            return [SignalRefused(said, "denied", why), ExitPending(said, why, NOON)]
        case "failed":
            return [OrderFailed(replace(sold.order, signal=said, reason=why)), ExitPending(said, why, NOON)]
        case "missed":
            return [EntryMissed(replace(sold.order, signal=said, reason=why))]
        case "protection":
            return [ProtectionFailed(said.symbol, sold.order.qty, NOON, why, 1)]
        case "question":
            asked = replace(approval(state=ApprovalState.DECLINED), signal=said, side=Side.SELL)
            return [ApprovalClosed(asked, "WIF", "USDC", why)]
        case "hold":
            return [SymbolHalted(SymbolHalt(said.symbol, (why,), NOON))]
        case "record":
            letter = DeadLetter(source, "place", str(why), b"{}", NOON, why)
            return [DeadLettersFound(1, letter, kinds_of([letter]))]
        case _:
            raise AssertionError(way)


def recipient() -> Recipient:
    portfolio = Portfolio(TradingState(), LIMITS)
    return Recipients(OWNER, None, "en", "UTC", Roles(portfolio), portfolio).main()


@pytest.mark.parametrize("source", sorted(metrics.SOURCES))
@pytest.mark.parametrize(("way", "code"), CODES)
def test_a_reason_that_costs_an_exit_is_told_loudly_with_its_sentence(way: str, code: str, source: str) -> None:
    filled = {name: "7" for _, name, _, _ in Formatter().parse(SENTENCES[code]) if name}
    why = Reason(code, filled)
    for event in events_of(way, why, source):
        item = OutboxItem(1, NOON, event)
        assert recipient().is_notified(item)
        assert recipient().level(event) is Level.LOUD
        assert event.priority is not Priority.CHATTY
        for language in LANGUAGES:
            words = texts(language)
            sentence = plain_text(words.reason(why))
            assert sentence in plain_text(render(event, words).text), (language, event.kind)
            assert plain_text(render_line(item, words)).strip()
    if way in ("refused", "failed"):
        folded = plain_text(render_line(OutboxItem(1, NOON, events_of(way, why, source)[0]), texts("en")))
        assert str(why) in folded  # among many, too


# --- every source, on the real core, a real ledger and a real chat

BUY = {"signal_type": "BUY_SM", "close": "0.4801", "signal_id": "tv"}
SELL = {"signal_type": "SELL_SM", "close": "0.4801"}
BROUGHT: Mapping[str, tuple[list[Mapping[str, Any]], tuple[str, ...]]] = {
    "not readable": ([{**SELL, "close": "{{close}}"}], ("Unreadable records: 1", "{{close}}")),
    "another signal's id": (
        [BUY, {**SELL, "signal_id": "tv"}],
        ("SELL_SM refused: signal_id already used", "another signal has it, BUY_SM WIFUSDC"),
    ),
    "too old": ([{**SELL, "ts": (NOON - timedelta(days=1)).isoformat()}], ("SELL_SM", "h old, the limit is")),
    "of another market": ([BUY, {**SELL, "close": "65000"}], ("SELL_SM", "65,000")),
    "of a symbol that is not there": ([{**SELL, "symbol": "NOSUCHUSDC"}], ("SELL_SM", "NOSUCHUSDC")),
    "nothing to sell": ([SELL], ("SELL_SM ignored", "no WIF position")),
}

Bring = Callable[[Mapping[str, Any]], Any]


@asynccontextmanager
async def by_kafka(firm: Firm, broker: MemoryBroker) -> AsyncIterator[Bring]:
    options, topic = KafkaOptions(broker.address), f"signals-{id(firm)}"
    broker.create_topic(topic, 1)
    source = KafkaSource(
        options=options,
        topic=topic,
        group="g",
        dlq_topic=f"{topic}.dlq",
        default_symbol="WIFUSDC",
        deliver=firm.trading.inbox.deliver,
        stored_positions=lambda: firm.ledger.source_positions(f"kafka:{topic}"),
        recorded=lambda ids: firm.ledger.find_signals(f"kafka:{topic}", ids),
        clock=firm.clock,
        callbacks=SourceCallbacks(on_first_start=lambda: None, on_state_change=lambda *_: None, on_gap=lambda *_: None),
        fetch_max_wait_ms=10,
    )
    task = asyncio.create_task(source.run())
    await until(lambda: source.ready[0])
    async with AIOKafkaProducer(bootstrap_servers=broker.address) as producer:

        async def bring(record: Mapping[str, Any]) -> None:
            stamp = {} if "ts" in record else {"ts": firm.clock.now().isoformat()}
            await producer.send_and_wait(topic, json.dumps({**record, **stamp}).encode())

        try:
            yield bring
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Rows:
    """A growing table of signals, in place of the connection to Snowflake: it answers like the driver."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.rows: list[dict[str, Any]] = []

    async def ask(self, question: str, *values: object) -> Any:
        names = ("id", "signal_id", "signal_type", "symbol", "close", "ts")
        rows: list[tuple[Any, ...]] = []
        if "SELECT *" in question and "LIMIT 0" not in question:
            rows = [tuple(row.get(name) for name in names) for row in self.rows]
        elif "SELECT ts" in question:
            rows = [(self.firm.clock.now() - timedelta(days=30),)]
        return SimpleNamespace(names=names, columns=[(name, 7 if name == "ts" else 2) for name in names], rows=rows)


@asynccontextmanager
async def by_snowflake(firm: Firm, _: MemoryBroker) -> AsyncIterator[Bring]:
    rows = Rows(firm)

    async def stored() -> Mapping[int, SourcePosition]:
        return await firm.ledger.source_positions("snowflake:SIGNALS")

    source = SnowflakeSource(
        cast("Any", rows),
        table="SIGNALS",
        poll=timedelta(seconds=0.5),
        default_symbol="WIFUSDC",
        deliver=firm.trading.inbox.deliver,
        stored_positions=stored,
        stored_letters=lambda: firm.ledger.letter_positions("snowflake:SIGNALS"),
        clock=firm.clock,
    )
    task = asyncio.create_task(source.run())

    async def bring(record: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(record["ts"]) if "ts" in record else firm.clock.now()
        rows.rows.append({"symbol": "WIFUSDC", **record, "id": len(rows.rows) + 1, "ts": at})

    try:
        yield bring
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def by_webhook(firm: Firm, _: MemoryBroker) -> AsyncIterator[Bring]:
    async with posting(firm, lambda *_: None, lambda _: None) as hook:

        async def bring(record: Mapping[str, Any]) -> None:
            stamp = {} if "ts" in record else {"ts": firm.clock.now().isoformat()}
            await hook.signed({**record, **stamp})

        yield bring


@asynccontextmanager
async def posting(
    firm: Firm, note: Callable[[str, bool], None], undelivered: Callable[[Signal], None], submit: Any = None
) -> AsyncIterator[Hook]:
    inbox = firm.trading.inbox
    routes = signals.signal_routes(
        SECRET,
        submit or inbox.submit,
        firm.ledger.find_signals,
        lambda letter: inbox.deliver([], [letter]),
        firm.clock,
        note=note,
        undelivered=undelivered,
        default_symbol="WIFUSDC",
        window=timedelta(seconds=60),
    )
    async with serve_web(create_web_app({}, "1", routes), "127.0.0.1", 0) as port:
        yield Hook(port, cast("Any", None), cast("Any", firm.clock))


BRINGS = {"kafka": by_kafka, "snowflake": by_snowflake, "webhook": by_webhook}
BY_PEOPLE, AGAIN, BY_PLAN, BY_STEPS = "telegram", "exit", "protection", "dca"
"""A person who orders manually sees the answer to it; a retried exit is reported already, and so is a plan without protection.
A step is told as every entry is: see `tests/core/execution/test_steps.py`."""


def test_every_source_is_tried() -> None:
    assert {*BRINGS, BY_PEOPLE, AGAIN, BY_PLAN, BY_STEPS} == metrics.SOURCES


@pytest.mark.parametrize("source", sorted(BRINGS))
async def test_whatever_a_source_brings_in_vain_is_told_in_the_chat(
    server: RunningChat, tmp_path: Path, memory_broker: MemoryBroker, source: str
) -> None:
    async with firm_on(server, tmp_path) as firm, BRINGS[source](firm, memory_broker) as bring:
        for name, (records, words) in BROUGHT.items():
            seen = len(firm.owner.received)
            for record in records:
                await bring({**record, "signal_id": f"{name} {record['signal_id']}"} if "signal_id" in record else record)

            def told(seen: int = seen, words: tuple[str, ...] = words) -> bool:
                return any(all(word in one.text for word in words) for one in firm.owner.received[seen:])

            with suppress(TimeoutError):
                await until(told, within=15)
            assert told(), (name, [one.text for one in firm.owner.received[seen:]])
            if firm.portfolio.position(StrategyBook("WIFUSDC")).is_open:
                await firm.signal("SELL_SM")
                await until(lambda: not firm.portfolio.position(StrategyBook("WIFUSDC")).is_open)
            await firm.settled()


# --- every answer of HTTP other than 202

HTTP: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "wrong_secret": (401, ("Requests refused since", "wrong signature or token")),
    "no_secret": (401, ("Requests refused since", "no signature and no token")),
    "unreadable": (401, ("Requests refused since", "unreadable")),
    "too_long": (413, ("Requests refused since", "too long")),
    "incomplete": (408, ("Requests refused since", "body incomplete")),
    "too_many": (429, ("Requests refused since", "too many at once")),
    "unusable": (422, ("Unreadable records: 1",)),
    "conflict": (409, ("SELL_SM refused: signal_id already used",)),
    "unavailable": (503, ("SELL_SM was rejected", "did not send it again")),
    "repeated": (409, ()),  # nothing is lost by it: it was accepted before
}


def test_every_answer_of_http_has_a_row() -> None:
    assert set(HTTP) == set(metrics.HTTP_REFUSALS)


async def provoke(hook: Hook, why: str) -> int:  # noqa: PLR0911 - flat: a case for each answer
    """Returns the status of a request that is answered so."""
    sell = {**SELL, "signal_id": "x"}
    body = json.dumps(sell).encode()
    match why:
        case "wrong_secret":
            return (await hook.post({**sell, "token": "another"})).status_code
        case "no_secret":
            return (await hook.post(sell)).status_code
        case "unreadable":
            return (await hook.post(b"[1, 2]")).status_code
        case "too_long":
            return (await hook.post(b" " * 70_000)).status_code
        case "incomplete":
            _, writer = await asyncio.open_connection("127.0.0.1", hook.port)
            writer.write(b"POST /signals HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nabc")
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return 408
        case "too_many":
            many = await asyncio.gather(*(hook.post(sell) for _ in range(signals.FAILURES_AT_ONCE * 5)))
            return max(answer.status_code for answer in many)
        case "unusable":
            return (await hook.signed({**SELL, "close": "NaN"})).status_code
        case "conflict" | "repeated":
            first = {**sell, "signal_type": "BUY_SM"} if why == "conflict" else sell
            await hook.signed(first)
        case "unavailable":
            pass
        case _:
            raise AssertionError(f"{why}: say how a request is answered so")
    return (await hook.post(body, **{"X-Signature": sign(body)})).status_code


@pytest.mark.parametrize("why", sorted(HTTP))
async def test_every_answer_of_http_reaches_the_chat(
    server: RunningChat, tmp_path: Path, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, words = HTTP[why]
    monkeypatch.setattr(signals, "ROOM_SECONDS", 60.0)  # a busy machine is not a full inbox
    async with firm_on(server, tmp_path) as firm:
        away, back = (
            UnauthenticatedRequests(firm.emit, firm.clock),
            UndeliveredSignals(firm.emit, firm.clock, firm.portfolio.position),
        )
        noted: list[str] = []

        def note(word: str, unproved: bool) -> None:
            noted.append(word)
            if unproved:
                away.note(word)

        async def no_ledger(_: Message) -> Arrival:
            raise LedgerUnavailable("the disk is full")

        async with posting(firm, note, back.note, no_ledger if why == "unavailable" else None) as hook:
            assert await provoke(hook, why) == status
            await until(lambda: why in noted)
            firm.clock.skip(max(GATHER_SECONDS, PATIENCE_SECONDS) + 1)
            await away.run()
            await back.run()
            if words:
                await until(lambda: any(all(word in one.text for word in words) for one in firm.owner.received), within=30)
            else:
                await firm.settled()
                assert not any("refused" in one.text or "Unreadable" in one.text for one in firm.owner.received)


async def test_five_hundred_alerts_at_once_are_all_in_the_ledger(server: RunningChat, tmp_path: Path) -> None:
    """Sends five hundred at once, as TradingView does with alerts that fire together; it retries only after a 5xx."""
    async with firm_on(server, tmp_path) as firm, posting(firm, lambda *_: None, lambda _: None) as hook:
        bodies = [{**SELL, "signal_id": f"alert {number}"} for number in range(500)]
        async with ClientSession(connector=TCPConnector(limit=0)) as sender:  # httpx takes half of the two seconds
            posts = (post_signed(sender, hook.port, json.dumps(body).encode()) for body in bodies)
            assert [status for status in await asyncio.gather(*posts) if status != 202] == []
        stored = await firm.ledger.find_signals("webhook", [body["signal_id"] for body in bodies])
        assert len(stored) == 500


async def post_signed(sender: ClientSession, port: int, body: bytes) -> int:
    url, signature = f"http://127.0.0.1:{port}/signals", sign(body)
    async with sender.post(url, data=body, headers={"X-Signature": signature}) as answer:
        return answer.status
