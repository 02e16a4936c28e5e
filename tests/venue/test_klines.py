"""GET klines of the loopback Binance: documented shape, intervals, limits, refusals."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.venue import Venue, running_venue
from tests.venue.asking import WIF, refusal, sample, shape

MINUTE = 60_000
START = 1_780_000_020_000  # the beginning of a minute, and of no hour


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    """Yields the venue with a clock that the test moves."""
    async with running_venue(clock=lambda: START / 1000) as started:
        yield started


def at(venue: Venue, minutes: float) -> None:
    venue.clock.offset_ms = round(minutes * MINUTE)


async def test_the_shape_is_the_documented_one(venue: Venue, client: Any) -> None:
    venue.trade(WIF, "0.49", "20")
    rows = await client.get_klines(symbol=WIF, interval="1m", startTime=str(START))
    assert shape(rows) == shape(sample("samples/klines.json"))
    assert [type(value) for value in rows[0]] == [type(value) for value in sample("samples/klines.json")[0]]


async def test_a_kline_has_the_prices_and_amounts_of_its_minute(venue: Venue, client: Any) -> None:
    venue.walk(WIF, "0.48", "0.50", "0.47")
    venue.trade(WIF, "0.49", "20")
    at(venue, 3)
    venue.set_price(WIF, "0.51")
    rows = await client.get_klines(symbol=WIF, interval="1m", startTime=str(START))
    first, *gap, last = rows
    assert first[0] == START
    assert first[6] == START + MINUTE - 1
    assert [float(value) for value in first[1:6]] == [0.4801, 0.50, 0.47, 0.49, 20.0]
    assert [float(first[7]), first[8], float(first[9])] == [9.8, 1, 0.0]
    assert [(row[0], {*map(float, row[1:5])}, float(row[5])) for row in gap] == [
        (START + MINUTE, {0.49}, 0.0),
        (START + 2 * MINUTE, {0.49}, 0.0),
    ]
    assert [float(value) for value in last[1:6]] == [0.51] * 4 + [0.0]


async def test_a_start_gives_the_first_ones_and_no_time_the_last(venue: Venue, client: Any) -> None:
    venue.set_price(WIF, "0.48")
    at(venue, 600)
    first = await client.get_klines(symbol=WIF, interval="1m", startTime=str(START), limit=3)
    assert [row[0] for row in first] == [START, START + MINUTE, START + 2 * MINUTE]
    assert len(await client.get_klines(symbol=WIF, interval="1m")) == 500
    last = await client.get_klines(symbol=WIF, interval="1m", limit=2)
    assert [row[0] for row in last] == [START + 599 * MINUTE, START + 600 * MINUTE]
    until = await client.get_klines(symbol=WIF, interval="1m", startTime=str(START), endTime=str(START + MINUTE))
    assert len(until) == 2
    assert len(await client.get_klines(symbol=WIF, interval="1m", limit=5000)) == 601


async def test_intervals_begin_at_whole_hours_days_mondays_and_months(venue: Venue, client: Any) -> None:
    venue.set_price(WIF, "0.48")
    opened = {}
    for interval in ("1s", "1h", "1d", "1w", "1M"):
        rows = await client.get_klines(symbol=WIF, interval=interval, limit=1)
        opened[interval] = rows[-1][0]
    assert opened == {
        "1s": START,
        "1h": 1_779_998_400_000,
        "1d": 1_779_926_400_000,  # Thursday, 28 May 2026
        "1w": 1_779_667_200_000,
        "1M": 1_777_593_600_000,
    }


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"symbol": "NOSUCH", "interval": "1m"}, -1121),
        ({"symbol": WIF, "interval": "1x"}, -1120),
        ({"symbol": WIF, "interval": "1H"}, -1120),
        ({"symbol": WIF}, -1102),
        ({"interval": "1m"}, -1102),
        ({"symbol": WIF, "interval": "1m", "limit": "0"}, -1130),
        ({"symbol": WIF, "interval": "1m", "startTime": "now"}, -1100),
        ({"symbol": WIF, "interval": "1m", "since": "1"}, -1101),
    ],
)
async def test_what_it_refuses(client: Any, asked: Mapping[str, str], code: int) -> None:
    assert (await refusal(client.get_klines(**asked))).code == code


async def test_it_weighs_two(venue: Venue, client: Any) -> None:
    weights = []
    for _ in range(2):
        await client.get_klines(symbol=WIF, interval="1m")
        weights.append(int(client.response.headers["x-mbx-used-weight-1m"]))
    assert weights[1] - weights[0] == 2
