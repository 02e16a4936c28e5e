"""The tests' ways to ask the venue: the real python-binance, raw requests, documented refusals."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from tests.paths import DATA
from tests.venue.venue import Venue

BINANCE = DATA / "binance"
WIF = "WIFUSDC"
BUY: dict[str, str] = {"symbol": WIF, "side": "BUY", "type": "MARKET", "quantity": "20"}
LIMIT: dict[str, str] = {
    "symbol": WIF,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "20",
    "price": "0.400",
}


def sample(name: str) -> Any:
    return json.loads((BINANCE / name).read_text())


@asynccontextmanager
async def client_of(venue: Venue, key: str = "", secret: str = "", pem: str | None = None) -> AsyncIterator[Any]:
    client = AsyncClient(key or venue.key, secret or venue.secret, private_key=pem)
    client.API_URL = venue.api_url
    client.MARGIN_API_URL = venue.api_url.removesuffix("api") + "sapi"
    try:
        yield client
    finally:
        await client.close_connection()


async def refusal(call: Awaitable[object]) -> BinanceAPIException:
    with pytest.raises(BinanceAPIException) as caught:
        await call
    return cast("BinanceAPIException", caught.value)


async def assert_refused(call: Awaitable[object], recorded: str) -> BinanceAPIException:
    """Asserts that status, code and text are those of the documented error."""
    error, wanted = await refusal(call), sample(f"errors/{recorded}.json")
    found = (error.status_code, {"code": error.code, "msg": error.message})
    assert found == (wanted["http_status"], wanted["body"])
    return error


async def assert_code(call: Awaitable[object], code: int, text: str) -> None:
    error = await refusal(call)
    assert (error.code, error.message) == (code, text)


def held(venue: Venue, asset: str) -> tuple[str, str]:
    """Returns what the main account has of an asset, free and locked, in plain decimals."""
    balance = venue.account.balance(asset)
    return f"{balance.free.normalize():f}", f"{balance.locked.normalize():f}"


def shape(value: object) -> object:
    """Returns keys and types, without the values; of a list its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


def signed(venue: Venue, query: str, body: str = "") -> str:
    return hmac.new(venue.secret.encode(), (query + body).encode(), hashlib.sha256).hexdigest()


async def raw(venue: Venue, method: str, path: str, body: str | None = None, key: str = "") -> tuple[int, Any]:
    headers = {"X-MBX-APIKEY": key or venue.key, "Content-Type": "application/x-www-form-urlencoded"}
    async with aiohttp.ClientSession() as session:
        url = venue.api_url + "/v3/" + path
        async with session.request(method, url, data=body, headers=headers) as response:
            return response.status, await response.json()
