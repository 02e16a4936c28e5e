"""One id, two contents: from any source, the second is refused, stored and reported; a repetition is not."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.execution_logger import ExecutionLogger
from core.adapters.ledger import codec
from core.adapters.ledger.sql_ledger import SqlLedger
from core.adapters.ledger.tables import notification_tables, signal_tables
from core.adapters.signals.codec import decode
from core.domain.events.priority import Priority
from core.domain.events.signals import SignalRefused
from core.domain.events.table import Event
from core.domain.messages import Message, SignalReceived, SourcePosition, StoredMessage
from core.domain.position import Position
from core.domain.signal import BY_HAND, Signal
from core.domain.signal_conflict import Conflict, differ
from core.records.commit_batch import CommitBatch
from tests.core.adapters.ledger.values import NOW

SOURCES = ("kafka:t", "webhook", "snowflake:SIGNALS")


def said(fields: Mapping[str, Any], source: str = "webhook", arrived: float = 0.0) -> Signal:
    at = NOW + timedelta(seconds=arrived)
    whole = {"signal_id": "tv", "signal_type": "BUY_TV", "close": "0.4801", **fields}
    read = decode(json.dumps(whole).encode(), record_ts=at, source=source, default_id="none", default_symbol="WIFUSDC")
    assert isinstance(read, Signal)
    return read


def message(signal: Signal) -> Message:
    return Message(signal.source, signal.signal_id, signal.symbol, SignalReceived(signal), NOW)


async def events_of(ledger: SqlLedger) -> list[Event]:
    rows = await ledger.reader.read(notification_tables.outbox.select().order_by(notification_tables.outbox.c.seq))
    return [codec.events.decode(row["body"]) for row in rows]


OTHER: list[Mapping[str, Any]] = [
    {"signal_type": "SELL_TV"},
    {"signal_type": "BUY_OTHER"},
    {"close": "0.4802"},
    {"symbol": "ETHUSDC"},
    {"ts": NOW.isoformat()},
    {"quantity": "5"},
    {"stop_loss": {"pct": 2}},
    {"take_profit": 0.5},
    {"stop_loss": "5%", "take_profit": "5%"},
]
SAME: list[Mapping[str, Any]] = [
    {},
    {"close": 0.4801},
    {"close": "0.48010"},
    {"symbol": "wifusdc"},
    {"loaded_at": "2026-03-01T12:00:01Z", "note": "another"},
    {"token": "a secret"},
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("other", OTHER)
async def test_another_content_is_refused_kept_and_told(ledger: SqlLedger, source: str, other: Mapping[str, Any]) -> None:
    metrics = ExecutionLogger(await ledger.load("2026-03-01"))
    ledger.observers.append(metrics)
    first, second = said({}, source), said(other, source, 60)
    (stored,) = await ledger.store([message(first)])
    assert isinstance(stored, StoredMessage)
    (conflict,) = await ledger.store([message(second)], position=SourcePosition(source, 0, 7))
    assert conflict == Conflict(second, first, NOW)
    assert await ledger.source_positions(source) == {0: SourcePosition(source, 0, 7)}
    (event,) = await events_of(ledger)
    assert isinstance(event, SignalRefused)
    assert (event.signal, event.outcome, event.reason.code) == (second, "conflict", "conflict")
    assert event.priority is (Priority.URGENT if second.signal_type == "SELL_TV" else Priority.NORMAL)
    (letter,) = await ledger.reader.read(signal_tables.dead_letters.select())
    assert (letter["source"], letter["position"]) == (source, "tv")
    assert second.signal_type.encode() in letter["raw"]
    assert [one.message for one in (await ledger.load("2026-03-01")).waiting] == [message(first)]
    counted = {"source": source.partition(":")[0], "outcome": "conflict"}
    assert metrics.registry.get_sample_value("marketflow_signals_total", counted) == 1


@pytest.mark.parametrize("is_open", [True, False])
async def test_an_exit_under_a_used_id_says_what_is_held_at_that_moment(ledger: SqlLedger, is_open: bool) -> None:
    position = Position("WIFUSDC", qty=Decimal("12.5"), is_open=is_open, opened_at=NOW)
    await ledger.commit(CommitBatch(positions=[position]))
    await ledger.store([message(said({}))])
    await ledger.store([message(said({"signal_type": "SELL_TV"})), message(said({"symbol": "ETHUSDC"}))])
    of_wif, of_eth = await events_of(ledger)
    assert isinstance(of_wif, SignalRefused)
    assert (of_wif.position, of_wif.held, of_wif.lost_exit) == (position, is_open, is_open)
    assert isinstance(of_eth, SignalRefused)
    assert (of_eth.position, of_eth.lost_exit) == (Position("ETHUSDC"), False)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("same", SAME)
async def test_the_same_content_is_quiet_however_it_is_written(ledger: SqlLedger, source: str, same: Mapping[str, Any]) -> None:
    await ledger.store([message(said({}, source))])
    assert await ledger.store([message(said(same, source, 60))] * 3) == [None] * 3
    assert await events_of(ledger) == []
    assert await ledger.reader.read(signal_tables.dead_letters.select()) == []


async def test_in_one_batch_and_in_one_transaction_each_gets_its_own_answer(ledger: SqlLedger) -> None:
    buy, sell, again = said({}), said({"signal_type": "SELL_TV"}), said({"signal_type": "SELL_TV", "close": "0.5"})
    other = said({"signal_id": "other"})
    batch = [buy, buy, sell, other, again, sell]
    stored = await ledger.store([message(one) for one in batch])
    assert [type(one) for one in stored] == [StoredMessage, type(None), Conflict, StoredMessage, Conflict, Conflict]
    found = await asyncio.gather(*(ledger.store([message(said({"signal_id": "x", "close": n + 1}))]) for n in range(20)))
    assert [isinstance(one, StoredMessage) for (one,) in found] == [True] + [False] * 19
    assert all(isinstance(one, Conflict) for (one,) in found[1:])
    refused = [event.signal.close for event in await events_of(ledger) if isinstance(event, SignalRefused)]
    assert sorted(refused) == [sell.close, again.close, *(Decimal(n) for n in range(2, 21))]


async def test_what_a_former_version_stored_is_compared_without_its_time(ledger: SqlLedger) -> None:
    """Ignores the time, since it is unknown whether the record named `ts`."""
    before = replace(said({"ts": NOW.isoformat()}), dated=None)
    await ledger.store([message(before)])
    assert await ledger.store([message(said({"ts": (NOW + timedelta(days=1)).isoformat()}))]) == [None]
    (found,) = await ledger.store([message(said({"signal_type": "SELL_TV"}))])
    assert isinstance(found, Conflict)


def test_a_tap_is_known_by_itself_alone() -> None:
    order = said({}, BY_HAND)
    assert not differ(replace(order, close=Decimal(7)), order)


_NUMBERS = st.decimals("0.0001", "100000", places=4)
_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | _NUMBERS.map(str)
_RECORDS = st.fixed_dictionaries(
    {"signal_type": st.sampled_from(["BUY_TV", "SELL_TV"]), "close": _NUMBERS.map(str)},
    optional={
        "symbol": st.sampled_from(["WIFUSDC", "ethusdc"]),
        "ts": st.just(NOW.isoformat()),
        "quantity": st.none() | _NUMBERS.map(str),
        "contracts": _VALUES,
        "take_profit": st.none() | st.integers(1, 900).map("{}%".format),
        "note": _VALUES,
    },
).map(lambda record: {**record, "take_profit": None} if record["signal_type"] == "SELL_TV" else record)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"stop_loss": "5%"}, {"stop_loss": {"pct": 5}}),
        ({"stop_loss": 0.45, "take_profit": "0.50"}, {"stop_loss": {"price": "0.450"}, "take_profit": [{"price": 0.5}]}),
        ({}, {"stop_loss": None, "take_profit": None}),
    ],
)
async def test_one_plan_in_two_spellings_is_one_signal(
    ledger: SqlLedger, one: Mapping[str, Any], other: Mapping[str, Any]
) -> None:
    await ledger.store([message(said(one))])
    assert await ledger.store([message(said(other))]) == [None]


@pytest.mark.parametrize(
    ("one", "other"),
    [({"stop_loss": "5%"}, {}), ({"stop_loss": "5%"}, {"stop_loss": "6%"}), ({"take_profit": "5%"}, {"stop_loss": "5%"})],
)
async def test_another_plan_is_another_signal(ledger: SqlLedger, one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    await ledger.store([message(said(one))])
    (found,) = await ledger.store([message(said(other))])
    assert isinstance(found, Conflict)


def test_a_signal_that_was_stored_before_there_were_plans_has_none() -> None:
    """Reads a row as version 0.1 wrote it, word for word."""
    row = (
        '{"source":"webhook","signal_id":"tv","signal_type":"BUY_TV","symbol":"WIFUSDC","close":"0.4801",'
        '"ts":"2026-03-01T12:00:00Z","extra":{"stop_loss":{"pct":2}},"valid_for":"PT30S","dated":true}'
    )
    found = codec.signals.decode(row)
    assert (found.plan, found.close, found.extra) == (None, Decimal("0.4801"), {"stop_loss": {"pct": 2}})
    assert codec.signals.decode(codec.signals.encode(found)) == found


def test_a_plan_comes_back_from_the_ledger_as_it_was() -> None:
    plan = {"stop_loss": {"pct": 5, "limit_offset_pct": "0.5"}, "take_profit": [{"price": "0.5", "position_pct": 33.3}]}
    before = said(plan)
    after = codec.signals.decode(codec.signals.encode(before))
    assert after == before
    assert after.plan is not None
    assert [target.share for target in after.plan.targets] == [Decimal("33.3")]


@given(_RECORDS, st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_same_bytes_are_always_the_same_signal(record: dict[str, Any], first: float, second: float) -> None:
    before = codec.signals.decode(codec.signals.encode(said(record, "kafka:t", first)))
    after = codec.signals.decode(codec.signals.encode(said(record, "kafka:t", second)))
    assert not differ(after, before)


@given(_RECORDS, _RECORDS)
def test_a_sale_is_never_taken_for_a_purchase_nor_one_symbol_for_another(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = said(one), said(other)
    if (first.side, first.symbol, first.close) != (second.side, second.symbol, second.close):
        assert differ(second, first)
        assert differ(first, second)
