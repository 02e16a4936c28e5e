"""Walks the table of refusals row by row: the venue answers so, the client follows the table, the chat has a sentence."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from bot.texts import texts
from core.adapters.binance.error_codes import (
    AT_THE_DOOR,
    CODES,
    FILTERS,
    MESSAGES,
    STATUSES,
    TOO_MUCH,
    Meaning,
    Outcome,
    meaning_of,
)
from core.domain.order import NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.reasons import SENTENCES
from core.domain.signal import Side
from tests.core.adapters.conftest import Connect
from tests.paths import DATA
from tests.venue.asking import WIF
from tests.venue.venue import Venue

DOCUMENTED: dict[str, Any] = json.loads((DATA / "binance" / "error_codes.json").read_text())
KINDS: dict[Outcome, type] = {
    Outcome.FINAL: Rejected,
    Outcome.FATAL: Rejected,
    Outcome.NOT_PLACED: NotTaken,
    Outcome.STOP_ALL: NotTaken,
    Outcome.UNKNOWN: Unanswered,
}


def rows() -> Iterator[tuple[int, int, str, Meaning]]:
    """Yields HTTP status, code and message of each row, and its meaning."""
    yield from ((400, code, "As documented.", meaning) for code, meaning in CODES.items())
    yield from ((400, -2010, message, meaning) for message, meaning in MESSAGES.items())
    yield from ((400, -1013, f"Filter failure: {name}", meaning) for name, meaning in FILTERS.items())
    yield from ((status, 0, "", meaning) for status, meaning in STATUSES.items())
    yield from ((status, -1003, "As documented.", meaning) for status, meaning in TOO_MUCH.items())
    yield from ((status, code, "As documented.", meaning) for (status, code), meaning in AT_THE_DOOR.items())


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
async def test_a_row_of_the_table(venue: Venue, connect: Connect, row: tuple[int, int, str, Meaning]) -> None:
    status, code, message, meaning = row
    client = connect()
    await client.instruments([WIF])
    body: object = {"code": code, "msg": message} if code else ""
    venue.faults.answer("POST order", status, body, headers={"Retry-After": "3"})
    result = await client.place(OrderRequest("mf-1", WIF, Side.BUY, Decimal(20)))
    assert type(result) is KINDS[meaning.outcome]
    assert venue.orders == []
    if isinstance(result, Unanswered):
        assert str(status) in result.detail
        return
    assert isinstance(result, Rejected | NotTaken)
    assert result.reason.code == meaning.reason
    for language in ("en", "ru"):
        assert texts(language).reason(result.reason)
    if meaning.outcome is Outcome.STOP_ALL:
        before = len(venue.requests)
        assert isinstance(await client.place(OrderRequest("mf-2", WIF, Side.BUY, Decimal(20))), NotTaken)
        assert len(venue.requests) == before  # nothing is sent until it ends


def test_everything_that_is_documented_for_orders_is_in_the_table() -> None:
    assert {int(code) for code in DOCUMENTED["of_orders"]} == CODES.keys()
    assert set(DOCUMENTED["messages"]) == MESSAGES.keys()
    assert set(DOCUMENTED["filters"]) == FILTERS.keys()
    assert set(DOCUMENTED["statuses"]) == STATUSES.keys()
    assert {row.reason for _, _, _, row in rows()} <= SENTENCES.keys()


@pytest.mark.parametrize("code", [-9999, *(int(code) for code in DOCUMENTED["of_other_requests"])])
@pytest.mark.parametrize("status", [400, 401, 404, 451])
def test_what_is_not_in_the_table_is_unknown(status: int, code: int) -> None:
    assert meaning_of(status, code, "").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("code", [0, -1000, -1013, -1021, -2010, -2015])
@pytest.mark.parametrize("status", [200, 302, 500, 502, 503, 504, 520, 599])
def test_no_status_but_4xx_makes_a_refusal(status: int, code: int) -> None:
    assert meaning_of(status, code, "").outcome is Outcome.UNKNOWN


def test_a_new_filter_is_unknown() -> None:
    assert meaning_of(400, -1013, "Filter failure: TOMORROWS_RULE").outcome is Outcome.UNKNOWN
