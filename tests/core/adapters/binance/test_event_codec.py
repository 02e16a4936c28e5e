"""Events of the user data stream: every recorded and documented one is read, or refused for a reason."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.binance import event_codec
from core.adapters.binance.errors import Answer, Refusal
from core.adapters.binance.event_codec import EXECUTION_REPORT, StreamAnswer, StreamEvent
from core.adapters.binance.json_fields import Unreadable
from core.domain.order import ExecutionReport, Fill
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side
from tests.core.adapters.binance.damage import damaged
from tests.paths import DATA

FILES = sorted((DATA / "binance" / "execution_reports").glob("*.json"))
S = OrderState
STATES = {
    "doc_user-data-stream__003__Order_Update": S.ACCEPTED,
    "nautilus_py_ws_spot_execution_report_binance_us": S.FILLED,
    "nautilus_py_ws_spot_execution_report_calculated": S.FILLED,
    "nautilus_py_ws_spot_execution_report_canceled": S.CANCELED,
    "nautilus_py_ws_spot_execution_report_trade_prevention": S.EXPIRED,
    "nautilus_py_ws_spot_execution_report_rejected": S.REJECTED,
    "nautilus_rs_execution_report_canceled": S.CANCELED,
    "nautilus_rs_execution_report_expired": S.EXPIRED,
    "nautilus_rs_execution_report_new": S.ACCEPTED,
    "nautilus_rs_execution_report_stop_loss": S.ACCEPTED,
    "nautilus_rs_execution_report_wrapped": S.ACCEPTED,
}
CONTRADICTORY = {"trade_l_zero", "trade_l_zero_partial", "empty_client_id"}  # filled for nothing; an order without an id


def event_in(path: Path) -> dict[str, Any]:
    """Returns the event of a file: bare, or in the envelope of one of two programs' tests."""
    body: dict[str, Any] = json.loads(path.read_text())
    inner: dict[str, Any] = body.get("event") or body.get("data") or body
    return inner


REPORTS = [path for path in FILES if event_in(path)["e"] == EXECUTION_REPORT]
TRADE = next(event_in(path) for path in REPORTS if path.stem == "nautilus_rs_execution_report_trade")
CANCELED = {**TRADE, "x": "CANCELED", "X": "CANCELED", "t": -1, "N": None, "c": "of the cancel", "C": "mf-1", "z": "0", "Z": "0"}


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_every_recorded_report_is_read_or_contradicts_itself(path: Path) -> None:
    event = event_in(path)
    if path.stem.removeprefix("nautilus_py_ws_spot_execution_report_") in CONTRADICTORY:
        with pytest.raises(Unreadable):
            event_codec.execution_report(event)
        return
    report = event_codec.execution_report(event)
    assert (report.client_order_id, report.order_id, report.symbol) == (event["C"] or event["c"], str(event["i"]), event["s"])
    assert report.executed_qty == Decimal(event["z"])
    if path.stem in STATES:
        assert report.state is STATES[path.stem]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_event_has_a_kind(path: Path) -> None:
    found = event_codec.message(json.dumps({"subscriptionId": 0, "event": event_in(path)}))
    assert isinstance(found, StreamEvent)
    assert found.kind == event_in(path)["e"]


def test_a_trade_brings_its_fill() -> None:
    report = event_codec.execution_report(TRADE)
    at = datetime.fromtimestamp(TRADE["T"] / 1000, UTC)
    assert report.fills == (
        Fill(
            TRADE["s"], str(TRADE["t"]), Decimal(TRADE["L"]), Decimal(TRADE["l"]), Decimal(TRADE["n"]), TRADE["N"], at
        ),
    )  # fmt: skip
    assert event_codec.execution_report({**TRADE, "N": None}).fills == ()


def test_in_a_cancellation_the_order_is_the_original() -> None:
    report = event_codec.execution_report(CANCELED)
    assert (report.client_order_id, report.state, report.fills) == ("mf-1", OrderState.CANCELED, ())


def test_what_is_told_of_an_end() -> None:
    ended = event_codec.execution_report({**CANCELED, "X": "EXPIRED", "x": "EXPIRED", "C": "", "eR": "OCO_TRIGGER", "j": 7})
    assert (ended.client_order_id, ended.state, ended.expiry_reason, ended.mark) == (
        "of the cancel", OrderState.EXPIRED, "OCO_TRIGGER", 7,
    )  # fmt: skip
    assert ended.side is Side(TRADE["S"])


def test_the_terms_are_those_of_the_order() -> None:
    stop = next(event_in(path) for path in REPORTS if path.stem == "nautilus_rs_execution_report_stop_loss")
    limit = OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal(2400), Decimal(2450))
    assert event_codec.execution_report(stop).terms == limit
    trailing = {**stop, "o": "TAKE_PROFIT", "d": 100}
    assert event_codec.execution_report(trailing).terms == OrderTerms(
        OrderType.TAKE_PROFIT, stop_price=Decimal(2450), trailing_delta=100
    )
    assert event_codec.execution_report({**stop, "o": "OF_TOMORROW"}).terms is None


@pytest.mark.parametrize(
    "change",
    [
        *({"X": "RESTING"}, {"c": ""}, {"C": 5}, {"i": "7"}, {"z": 1.0}, {"Z": "-1"}, {"T": 0}, {"S": "HOLD"}, {"j": "x"}),
        *({"l": "0"}, {"L": "0"}, {"t": "1"}, {"n": None}, {"q": None}),
    ],
)
def test_a_report_that_cannot_be_so_is_unreadable(change: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        event_codec.execution_report({**TRADE, "C": "", **change})


@given(data=st.data())
def test_whatever_the_event_it_is_read_or_unreadable(data: st.DataObject) -> None:
    event = data.draw(damaged(TRADE))
    found: object = None
    with suppress(Unreadable):
        found = event_codec.message(json.dumps({"event": event}))
    if isinstance(found, StreamEvent):
        report: object = None
        with suppress(Unreadable):
            report = event_codec.execution_report(found.body)
        assert report is None or isinstance(report, ExecutionReport)


@given(frame=st.text(max_size=40) | st.binary(max_size=40))
def test_whatever_the_frame_it_is_read_or_unreadable(frame: str | bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(event_codec.message(frame), StreamEvent | StreamAnswer)


def answered(frame: str) -> tuple[int | None, int, int]:
    """Returns whose answer a frame is, and its status and code."""
    answer = event_codec.message(frame)
    assert isinstance(answer, StreamAnswer)
    return answer.id, answer.status, answer.code


def said_by(**answer: Any) -> Answer | Refusal:
    """Returns what an answer says; its own text is not redacted."""
    found = event_codec.message(json.dumps({"id": 1, **answer}))
    assert isinstance(found, StreamAnswer)
    return event_codec.said(found, lambda text: text)


ORDERS_10S = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 12}
WEIGHT_1M = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 0}
COUNTS = {("ORDERS", 10): 12, ("REQUEST_WEIGHT", 60): 0}


def test_an_answer_says_what_that_of_rest_says() -> None:
    body = {"orderId": 1}
    assert said_by(status=200, result=body, rateLimits=[ORDERS_10S, WEIGHT_1M]) == Answer(body, COUNTS)
    error = {"code": -2010, "msg": "Market is closed."}
    assert said_by(status=400, error=error, rateLimits=[ORDERS_10S, WEIGHT_1M]) == Refusal(
        400, -2010, "Market is closed.", 0.0, COUNTS
    )
    assert said_by(status=500) == Refusal(500)


@pytest.mark.parametrize("limits", [None, 5, {}, [5], [{**ORDERS_10S, "count": -1}], [{**ORDERS_10S, "interval": "WEEK"}]])
def test_counts_that_cannot_be_read_are_skipped(limits: object) -> None:
    assert said_by(status=200, result=5, rateLimits=limits) == Answer(5, {})


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        ({"serverTime": 1_659_142_907_531, "retryAfter": 1_659_143_037_031}, 130.0),
        ({"serverTime": 1_659_142_907_531, "retryAfter": 1_659_142_907_531}, 1.0),
        ({"serverTime": 1_659_142_907_531, "retryAfter": 1}, 1.0),
        ({"serverTime": 1_659_142_907_531, "retryAfter": 1_660_006_907_531}, 259_200.0),  # no ban is longer
        ({"retryAfter": 1_659_142_907_531}, 120.0),
        ({}, 120.0),
        (None, 120.0),
        ([], 120.0),
    ],
)
def test_a_ban_lasts_as_long_as_it_says(data: object, seconds: float) -> None:
    said = said_by(status=418, error={"code": -1003, "msg": "banned", "data": data})
    assert isinstance(said, Refusal)
    assert (said.wait, said.banned) == (seconds, True)


_KEYS = st.sampled_from(["code", "msg", "data", "retryAfter", "serverTime"])
ODD = st.recursive(st.none() | st.text() | st.integers(), lambda each: st.lists(each) | st.dictionaries(_KEYS, each))


@given(st.sampled_from([200, 400, 418, 500]), ODD)
def test_whatever_the_answer_it_says_something_or_is_unreadable(status: int, odd: object) -> None:
    with suppress(Unreadable):
        assert isinstance(said_by(status=status, error=odd, result=odd, rateLimits=odd), Answer | Refusal)


def test_answers() -> None:
    assert answered('{"id":1,"status":200,"result":{"subscriptionId":0}}') == (1, 200, 0)
    assert answered('{"id":1,"status":400,"error":{"code":-2035,"msg":"active"}}') == (1, 400, -2035)
    for nobodys in ('{"status":200}', '{"id":null,"status":200}', '{"id":"1","status":200}', '{"id":true,"status":200}'):
        assert answered(nobodys) == (None, 200, 0)
    for frame in ("[" * 100_000, '{"id":1}', '{"event":5}', "5", '{"status":200,"error":5}'):
        with pytest.raises(Unreadable):
            event_codec.message(frame)


def test_a_leg_that_waits_for_the_entry_of_its_list_is_pending_until_it_is_placed() -> None:
    waiting = {**TRADE, "x": "NEW", "X": "PENDING_NEW", "t": -1, "N": None, "z": "0", "Z": "0", "q": "0"}
    found = event_codec.execution_report(waiting)
    assert (found.state, found.is_pending) == (OrderState.ACCEPTED, True)
    placed = event_codec.execution_report({**waiting, "X": "NEW"})
    assert (placed.state, placed.is_pending) == (OrderState.ACCEPTED, False)
