"""Order lists as they are sent and answered: what is documented is read, anything else is refused."""

import json
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.binance import order_codec
from core.adapters.binance.json_fields import Unreadable
from core.adapters.binance.requests import entry_parameters, list_parameters, order_parameters
from core.domain.order import EntryList, LegRequest, ListRequest, OrderRequest
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.signal import Side
from tests.core.adapters.binance.damage import damaged
from tests.paths import DATA

BINANCE = DATA / "binance"
TARGET = LegRequest("44nZvqpemY7sVYgPYbvPih", OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal(3)))
STOP = LegRequest("NuMp0nVYnciDiFmVqfpBqK", OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal(1)))
ASKED = ListRequest("lH1YDkuQKWiXVXHPSKYEIp", "LTCBTC", Decimal(5), TARGET, STOP)
OCO: dict[str, Any] = json.loads((BINANCE / "orders" / "doc_oco_sample.json").read_text())
STOP_LIMIT = OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal("0.38"), Decimal("0.4"))
ANSWERS = [
    *sorted((BINANCE / "samples").glob("orderList_*.json")),
    *sorted((BINANCE / "lists").glob("*.json")),
    BINANCE / "orders" / "doc_oco_sample.json",
]


@pytest.mark.parametrize("path", ANSWERS, ids=lambda path: path.stem)
def test_every_documented_leg_is_read(path: Path) -> None:
    body = json.loads(path.read_text())
    answer = body.get("result", body)
    reports = [order_codec.order(item) for item in answer["orderReports"]]
    assert [report.client_order_id for report in reports] == [leg["clientOrderId"] for leg in answer["orders"]]
    assert {report.state for report in reports} <= {OrderState.ACCEPTED, OrderState.CANCELED, OrderState.FILLED}


def test_the_documented_pair_is_read_above_first() -> None:
    above, below = order_codec.list_placed(OCO, ASKED)
    assert (above.client_order_id, above.order_id, below.client_order_id, below.order_id) == (
        TARGET.client_order_id, "10", STOP.client_order_id, "11",
    )  # fmt: skip
    swapped = replace(ASKED, above=STOP, below=TARGET)
    assert [report.order_id for report in order_codec.list_placed(OCO, swapped)] == ["11", "10"]


@pytest.mark.parametrize(
    "change",
    [
        {"list_id": "another"},
        {"symbol": "LTCUSDT"},
        {"qty": Decimal(4)},
        {"qty": Decimal(6)},
        {"above": replace(TARGET, client_order_id="another")},
        {"below": replace(STOP, client_order_id="another")},
        {"below": replace(STOP, client_order_id=TARGET.client_order_id)},
    ],
)
def test_an_answer_about_another_list_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        order_codec.list_placed(OCO, replace(ASKED, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"side": "BUY"},
        {"symbol": "LTCUSDT"},
        {"orderId": 11},
        {"status": "RESTING"},
        {"origQty": None},
        {"executedQty": "5.00000001"},
    ],
)
def test_a_leg_that_cannot_be_so_is_unreadable(change: dict[str, Any]) -> None:
    first, second = OCO["orderReports"]
    with pytest.raises(Unreadable):
        order_codec.list_placed({**OCO, "orderReports": [{**first, **change}, second]}, ASKED)


@pytest.mark.parametrize("reports", [None, [], OCO["orderReports"][:1], OCO["orderReports"] * 2, OCO["orders"]])
def test_an_answer_without_a_report_on_each_leg_is_unreadable(reports: object) -> None:
    with pytest.raises(Unreadable):
        order_codec.list_placed({**OCO, "orderReports": reports}, ASKED)


def test_a_leg_may_have_been_refused_all_the_same() -> None:
    first, second = OCO["orderReports"]
    ended = {**second, "status": "EXPIRED", "expiryReason": "REJECTED"}
    above, below = order_codec.list_placed({**OCO, "orderReports": [{**first, "status": "REJECTED"}, ended]}, ASKED)
    assert (above.state, below.state, below.expiry_reason) == (OrderState.REJECTED, OrderState.EXPIRED, "REJECTED")


@given(data=st.data())
def test_whatever_the_answer_it_is_read_or_unreadable(data: st.DataObject) -> None:
    found: object = ()
    with suppress(Unreadable):
        found = order_codec.list_placed(data.draw(damaged(OCO)), ASKED)
    assert isinstance(found, tuple)
    assert len(found) in {0, 2}


@pytest.mark.parametrize(
    ("told", "reason"),
    [("OCO_TRIGGER", "OCO_TRIGGER"), (None, ""), (5, ""), ("<b>", ""), ("X" * 500, "X" * 50)],
)
def test_the_reason_of_an_expiry_is_kept_if_it_is_a_word(told: object, reason: str) -> None:
    ended = {**OCO["orderReports"][0], "status": "EXPIRED", "expiryReason": told}
    assert order_codec.order(ended).expiry_reason == reason


def test_an_order_that_our_own_order_ended_says_so() -> None:
    assert order_codec.order({**OCO["orderReports"][0], "status": "EXPIRED_IN_MATCH"}).expiry_reason == "EXPIRED_IN_MATCH"


# --- requests ---


def test_a_list_is_sent_as_documented() -> None:
    stop = OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal("1.5"), Decimal("1.6"))
    sent = list_parameters(replace(ASKED, below=LegRequest("stop", stop), mark=7))
    assert sent == {
        "symbol": "LTCBTC", "side": "SELL", "quantity": "5", "listClientOrderId": "lH1YDkuQKWiXVXHPSKYEIp",
        "aboveType": "LIMIT_MAKER", "abovePrice": "3", "aboveClientOrderId": TARGET.client_order_id, "aboveStrategyId": "7",
        "belowType": "STOP_LOSS_LIMIT", "belowPrice": "1.5", "belowStopPrice": "1.6", "belowTimeInForce": "GTC",
        "belowClientOrderId": "stop", "belowStrategyId": "7", "newOrderRespType": "FULL",
    }  # fmt: skip


def test_without_a_mark_a_list_has_no_strategy() -> None:
    assert not [name for name in list_parameters(ASKED) if "Strategy" in name]


@pytest.mark.parametrize(
    ("terms", "sent"),
    [
        (OrderTerms(), {"type": "MARKET"}),
        (
            OrderTerms(OrderType.LIMIT, TimeInForce.GTC, Decimal("1E-7")),
            {"type": "LIMIT", "timeInForce": "GTC", "price": "0.0000001"},
        ),
        (OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal("0.5")), {"type": "LIMIT_MAKER", "price": "0.5"}),
        (OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal("0.4")), {"type": "STOP_LOSS", "stopPrice": "0.4"}),
        (STOP_LIMIT, {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "price": "0.38", "stopPrice": "0.4"}),
        (OrderTerms(OrderType.STOP_LOSS, trailing_delta=200), {"type": "STOP_LOSS", "trailingDelta": "200"}),
        (
            OrderTerms(OrderType.TAKE_PROFIT, stop_price=Decimal("0.6"), trailing_delta=100),
            {"type": "TAKE_PROFIT", "stopPrice": "0.6", "trailingDelta": "100"},
        ),
        (
            OrderTerms(OrderType.TAKE_PROFIT_LIMIT, TimeInForce.GTC, Decimal("0.59"), Decimal("0.6")),
            {"type": "TAKE_PROFIT_LIMIT", "timeInForce": "GTC", "price": "0.59", "stopPrice": "0.6"},
        ),
    ],
    ids=lambda value: str(value.type) if isinstance(value, OrderTerms) else "",
)
def test_the_terms_of_an_order_are_sent_as_documented(terms: OrderTerms, sent: dict[str, str]) -> None:
    always = {"symbol": "WIFUSDC", "side": "SELL", "quantity": "20", "newClientOrderId": "mf-1", "newOrderRespType": "FULL"}
    assert order_parameters(OrderRequest("mf-1", "WIFUSDC", Side.SELL, Decimal(20), terms=terms)) == {**always, **sent}


# --- entries with their exits ---

OPOCO: dict[str, Any] = json.loads((BINANCE / "samples" / "orderList_opoco.json").read_text())
OPO: dict[str, Any] = json.loads((BINANCE / "samples" / "orderList_opo.json").read_text())
BOUGHT = OrderRequest(
    "OLSBhMWaIlLSzZ9Zm7fnKB",
    "BTCUSDT",
    Side.BUY,
    Decimal("0.0017"),
    7,
    OrderTerms(OrderType.LIMIT, TimeInForce.FOK, Decimal(102496)),
)
ABOVE = LegRequest("yINkaXSJeoi3bU5vWMY8Z8", OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal(104261)))
BELOW = LegRequest("mfif39yPTHsB3C0FIXznR2", OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal(101613)))
ENTRY = EntryList("bcedxMpQG6nFrZUPQyshoL", BOUGHT, ABOVE, BELOW)


def test_the_documented_entry_is_read_first_and_its_exits_wait() -> None:
    entry, target, stop = order_codec.entry_placed(OPOCO, ENTRY)
    assert (entry.order_id, entry.state, entry.qty, entry.is_pending) == ("9", OrderState.ACCEPTED, Decimal("0.0017"), False)
    assert [(leg.order_id, leg.state, leg.qty, leg.is_pending) for leg in (target, stop)] == [
        ("11", OrderState.ACCEPTED, Decimal(0), True),
        ("10", OrderState.ACCEPTED, Decimal(0), True),
    ]


def test_the_documented_entry_with_one_exit_is_read() -> None:
    first, second = OPO["orderReports"]
    bought = replace(BOUGHT, client_order_id=first["clientOrderId"], qty=Decimal("0.0006"))
    one = EntryList(OPO["listClientOrderId"], bought, stop=replace(BELOW, client_order_id=second["clientOrderId"]))
    entry, stop = order_codec.entry_placed(OPO, one)
    assert (entry.is_pending, stop.is_pending) == (False, True)


@pytest.mark.parametrize(
    "change",
    [
        {"list_id": "another"},
        {"entry": replace(BOUGHT, symbol="BTCUSDC")},
        {"entry": replace(BOUGHT, client_order_id="another")},
        {"entry": replace(BOUGHT, side=Side.SELL)},
        {"entry": replace(BOUGHT, qty=Decimal("0.0016"))},
        {"target": None},
        {"target": replace(ABOVE, client_order_id="another")},
    ],
)
def test_an_answer_about_another_entry_is_unreadable(change: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        order_codec.entry_placed(OPOCO, replace(ENTRY, **change))


@pytest.mark.parametrize(
    "change", [{"side": "BUY"}, {"origQty": "0.0018"}, {"orderId": 9}, {"status": "WAITING"}, {"symbol": "X"}]
)
def test_an_exit_that_cannot_be_so_is_unreadable(change: dict[str, Any]) -> None:
    entry, stop, target = OPOCO["orderReports"]
    with pytest.raises(Unreadable):
        order_codec.entry_placed({**OPOCO, "orderReports": [entry, {**stop, **change}, target]}, ENTRY)


@given(data=st.data())
def test_whatever_the_answer_to_an_entry_it_is_read_or_unreadable(data: st.DataObject) -> None:
    found: object = ()
    with suppress(Unreadable):
        found = order_codec.entry_placed(data.draw(damaged(OPOCO)), ENTRY)
    assert isinstance(found, tuple)
    assert len(found) in {0, 3}


def test_an_entry_is_sent_with_its_exits_as_documented() -> None:
    assert entry_parameters(ENTRY) == {
        "symbol": "BTCUSDT", "listClientOrderId": "bcedxMpQG6nFrZUPQyshoL", "newOrderRespType": "FULL",
        "workingType": "LIMIT", "workingSide": "BUY", "workingClientOrderId": BOUGHT.client_order_id, "workingPrice": "102496",
        "workingQuantity": "0.0017", "workingTimeInForce": "FOK", "workingStrategyId": "7",
        "pendingSide": "SELL",
        "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "104261", "pendingAboveClientOrderId": ABOVE.client_order_id,
        "pendingAboveStrategyId": "7",
        "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "101613", "pendingBelowClientOrderId": BELOW.client_order_id,
        "pendingBelowStrategyId": "7",
    }  # fmt: skip


def test_one_exit_is_sent_with_its_entry_as_documented() -> None:
    sent = entry_parameters(replace(ENTRY, target=None, stop=replace(BELOW, terms=STOP_LIMIT)))
    assert {name: value for name, value in sent.items() if name.startswith("pending")} == {
        "pendingSide": "SELL", "pendingType": "STOP_LOSS_LIMIT", "pendingPrice": "0.38", "pendingStopPrice": "0.4",
        "pendingTimeInForce": "GTC", "pendingClientOrderId": BELOW.client_order_id, "pendingStrategyId": "7",
    }  # fmt: skip
