"""The meaning of an error answer for an order: a no only if the exchange itself said no."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.binance.errors import order_refused, refusal
from core.domain.order import NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.signal import Side
from tests.paths import DATA

ERRORS = DATA / "binance" / "errors"
REQUEST = OrderRequest("mf-1", "WIFUSDC", Side.BUY, Decimal(20))
OUTCOMES = {
    "01_400_1013": (Rejected, "filter_failure"),
    "02_400_1013": (Rejected, "filter_failure"),
    "03_400_1013": (Rejected, "filter_failure"),
    "04_400_1013": (Rejected, "filter_failure"),
    "05_400_1013": (Rejected, "filter_failure"),
    "06_400_2010": (Rejected, "insufficient_balance"),
    "07_400_2010": (Unanswered, ""),  # "Duplicate order sent.": it is ours
    "08_400_2010": (Rejected, "market_closed"),
    "09_400_2010": (Rejected, "would_take"),
    "10_400_2010": (Rejected, "rejected"),
    "11_400_2011": (Unanswered, ""),  # no answer to an order that was placed
    "12_400_2013": (Unanswered, ""),
    "13_401_2014": (Rejected, "bad_key"),
    "14_401_2015": (Rejected, "bad_key"),
    "15_400_1021": (NotTaken, "clock_off"),
    "16_400_1021": (NotTaken, "clock_off"),
    "17_400_1022": (Rejected, "bad_signature"),
    "18_400_1100": (Rejected, "bad_request"),
    "19_400_1102": (Rejected, "bad_request"),
    "20_400_1111": (Rejected, "bad_request"),
    "21_400_1121": (Rejected, "invalid_symbol"),
    "22_429_1003": (NotTaken, "rate_limited"),
    "23_418_1003": (NotTaken, "banned"),
    "24_429_1015": (NotTaken, "rate_limited"),
    "25_504_1007": (Unanswered, ""),
    "26_500_1000": (Unanswered, ""),
    "27_503_1008": (NotTaken, "exchange_busy"),
    "28_500_1001": (Unanswered, ""),
    "29_403_waf_html": (Unanswered, ""),
}


def meaning(
    status: int, code: object = 0, message: object = "", retry_after: str | None = None
) -> Rejected | NotTaken | Unanswered:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return order_refused(refusal(status, code, message, headers), REQUEST, asset="USDC", clock_offset=5.0)


@pytest.mark.parametrize("path", sorted(ERRORS.glob("*.json")), ids=lambda path: path.stem)
def test_every_documented_error(path: Path) -> None:
    data: dict[str, Any] = json.loads(path.read_text())
    body = data.get("body", {"code": 0, "msg": ""})
    result = meaning(data["http_status"], body["code"], body["msg"], data["headers"].get("Retry-After"))
    kind, code = OUTCOMES[path.stem]
    assert type(result) is kind
    if isinstance(result, Unanswered):
        assert str(data["http_status"]) in result.detail
    else:
        assert result.reason.code == code
        assert str(result.reason)  # every parameter of the sentence is there


def test_a_message_without_a_code_is_not_kept() -> None:
    assert refusal(502, 0, "<ClientResponse(http://127.0.0.1/api/v3/order?signature=5e)>", {}).message == ""
    assert refusal(400, -1102, "Parameter 'x' was empty.", {}).message == "Parameter 'x' was empty."


def test_the_sentences_say_what_to_do() -> None:
    assert isinstance(no_money := meaning(400, -2010, "Account has insufficient balance for requested action."), Rejected)
    assert "insufficient USDC balance" in str(no_money.reason)
    assert isinstance(key := meaning(401, -2015, "Invalid API-key, IP, or permissions for action."), Rejected)
    assert "Invalid API-key, IP, or permissions for action (-2015). Check the key" in str(key.reason)
    assert isinstance(late := meaning(400, -1021, "Timestamp for this request is outside of the recvWindow."), NotTaken)
    assert "5.000 s off" in str(late.reason)
    assert isinstance(lot := meaning(400, -1013, "Filter failure: LOT_SIZE"), Rejected)
    assert "LOT_SIZE" in str(lot.reason)


@pytest.mark.parametrize(
    ("status", "code", "header", "seconds"),
    [
        (429, -1003, "12", 12),
        (429, -1015, "7", 7),
        (429, -1003, "31536000", 300),  # no window is longer
        (429, -1003, None, 60),
        (429, -1015, None, 10),
        (418, -1003, None, 120),
        (418, -1003, "120", 120),
        (429, -1003, "0", 1),
        (429, -1003, "-5", 60),
        (429, -1003, "Wed, 21 Oct 2026 07:28:00 GMT", 60),
        (429, -1003, "٧", 60),
        (418, -1003, "99999999", 259_200),  # no ban is longer than three days
        (400, -1003, None, 60),
    ],
)
def test_how_long_to_wait(status: int, code: int, header: str | None, seconds: float) -> None:
    result = meaning(status, code, "Too many requests queued.", header)
    assert isinstance(result, NotTaken)
    assert result.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "header", "seconds"), [(429, "3", 3), (429, "86400", 60), (418, "86400", 120), (418, None, 120)]
)
def test_a_pause_that_is_not_asked_for_in_the_exchanges_words_is_kept_and_is_short(
    status: int, header: str | None, seconds: float
) -> None:
    """Treats it as possibly a proxy's, sent after the order had arrived."""
    assert refusal(status, 0, "", {} if header is None else {"Retry-After": header}).wait == seconds
    assert isinstance(meaning(status, retry_after=header), Unanswered)


@pytest.mark.parametrize("status", [300, 302, 307, 400, 403, 404, 408, 500, 502, 503, 504, 999])
def test_without_a_code_nobody_knows(status: int) -> None:
    assert isinstance(meaning(status), Unanswered)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007])
def test_codes_that_say_nothing_are_unknown_whatever_the_status(code: int) -> None:
    assert isinstance(meaning(400, code, "execution status unknown"), Unanswered)


def test_a_busy_server_turns_away_at_the_door_only_by_503() -> None:
    assert isinstance(meaning(400, -1008, "Server is currently overloaded"), NotTaken)
    assert isinstance(meaning(503, -1008, "Server is currently overloaded"), NotTaken)
    assert isinstance(meaning(500, -1008, "Server is currently overloaded"), Unanswered)
    assert isinstance(meaning(503, -1007, "Timeout"), Unanswered)


@given(
    status=st.integers(300, 999),
    code=st.none() | st.integers() | st.booleans() | st.text() | st.floats() | st.lists(st.integers()),
    message=st.none() | st.text(max_size=300) | st.integers() | st.dictionaries(st.text(), st.text()),
    header=st.none() | st.text(max_size=12),
)
def test_any_refusal_has_one_meaning(status: int, code: object, message: object, header: str | None) -> None:
    result = meaning(status, code, message, header)
    if isinstance(result, Unanswered):
        assert result.detail.isprintable()
    else:
        assert 400 <= status < 500
        assert str(result.reason).isprintable()


@pytest.mark.parametrize(("status", "said"), [(451, "restricted location"), (403, "firewall")])
def test_who_turns_away_before_the_exchange_is_named_and_not_repeated(status: int, said: str) -> None:
    """Guards secrets: such a page may quote the request's address, signature included."""
    words = str(refusal(status, 0, "Service unavailable: GET /api/v3/order?signature=abc", {}))
    assert said in words
    assert "signature" not in words
