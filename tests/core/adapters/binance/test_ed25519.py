"""Requests signed with an Ed25519 key, at an exchange that verifies them as Binance does: to the letter of the payload."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from core.adapters.binance.binance_client import BinanceClient
from core.adapters.binance.credentials import Credentials
from core.adapters.binance.private_key import sign
from core.domain.errors import ExchangeUnavailable
from core.domain.order import ExecutionReport, ListPlaced, OrderRequest, Rejected
from core.domain.signal import Side
from tests.core.adapters.binance.test_order_lists import LIST
from tests.core.adapters.conftest import Connect
from tests.core.adapters.keys import credentials_of
from tests.private_keys import ed25519_pem
from tests.venue import Venue
from tests.venue.asking import WIF
from tests.venue.errors import VenueError
from tests.venue.security import authenticate
from tests.venue.venue import ED25519_KEY

BUY = OrderRequest("mf-1", WIF, Side.BUY, Decimal(20), mark=7)


@pytest.fixture
def credentials(venue: Venue) -> Credentials:
    return credentials_of(venue, "ed25519")


async def test_every_signed_request_is_accepted(venue: Venue, client: BinanceClient) -> None:
    venue.modernize(WIF)
    placed = await client.place(BUY)
    assert isinstance(placed, ExecutionReport)
    assert await client.find_order(WIF, "mf-1") is not None
    assert await client.fills(WIF, placed.order_id)
    assert (await client.balances())["WIF"].free == Decimal("19.98")
    assert (await client.permissions()).key_can_trade is True
    protected = await client.place_list(replace(LIST, qty=Decimal(19)))
    assert isinstance(protected, ListPlaced), protected
    assert {report.client_order_id for report in await client.open_orders(WIF)} == {
        LIST.above.client_order_id, LIST.below.client_order_id,
    }  # fmt: skip
    assert len(await client.open_orders()) == 2
    assert await client.cancel_order(WIF, LIST.above.client_order_id)
    assert len((await client.recent_orders(WIF, 10)).reports) == 3
    hour = timedelta(hours=1)
    assert len(await client.orders_between(WIF, placed.at - hour, placed.at + hour)) == 3


async def test_a_symbol_of_another_script_is_signed_as_it_is_encoded(client: BinanceClient) -> None:
    """Such a symbol is not listed at this exchange, which says so only after the signature was right."""
    result = await client.place(replace(BUY, symbol="币USDC"))
    assert isinstance(result, Rejected)
    assert result.reason.params["code"] == "-1100"
    with pytest.raises(ExchangeUnavailable, match="code -1100"):
        await client.find_order("币USDC", "mf-1")


async def test_signatures_with_any_character_arrive(client: BinanceClient) -> None:
    """Guards + and / in base64, which a query or a body may spoil: nearly every signature has one."""
    for _ in range(32):
        assert await client.find_order(WIF, "nobody-s") is None
        assert not await client.cancel_order(WIF, "nobody-s")


async def test_the_key_of_somebody_else_signs_nothing(venue: Venue, connect: Connect) -> None:
    pem = ed25519_pem()
    client = connect(private_key=pem)
    result = await client.place(BUY)
    assert isinstance(result, Rejected)
    assert result.reason.code == "bad_signature"
    assert "BINANCE_PRIVATE_KEY_PATH" in str(result.reason)
    with pytest.raises(ExchangeUnavailable, match=r"-1022: .*BINANCE_PRIVATE_KEY_PATH") as refused:
        await client.balances()
    assert pem.splitlines()[1] not in f"{refused.value!r} {result!r}"
    assert venue.orders == []


async def test_an_answer_that_repeats_a_signature_does_not_show_it(venue: Venue, connect: Connect) -> None:
    for signature in ("aB3+/" * 17 + "x==", "aB3%2B%2F" * 17 + "x%3D%3D", "0f" * 32):
        venue.faults.answer("POST order", 400, {"code": -1022, "msg": f"signature {signature} of {ED25519_KEY}"})
        result = await connect().place(BUY)
        assert isinstance(result, Rejected)
        for secret in (signature, ED25519_KEY):
            assert secret not in str(result.reason.params)


def test_credentials_show_nothing_of_themselves(credentials: Credentials) -> None:
    assert repr(credentials) == "Credentials()"
    assert (credentials.can_sign, credentials.can_log_on) == (True, True)
    assert (Credentials("k", "s").can_sign, Credentials("k", "s").can_log_on) == (True, False)
    assert (Credentials("k").can_sign, Credentials().can_sign) == (False, False)


# --- the exchange is as strict as Binance: what would be wrong there is refused here, too


async def test_the_exchange_verifies_to_the_letter(venue: Venue) -> None:
    pem = venue.add_ed25519_key()
    payload = next(some for number in count() if "+" in sign(pem, some := f"symbol=WIFUSDC&timestamp={number}"))
    signature = sign(pem, payload)

    def verified(written: str, query: str = payload) -> None:
        authenticate(venue.keys, ED25519_KEY, f"{query}&signature={written}", "", trade=True)

    encoded = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    verified(encoded)
    for wrong in (
        signature,
        encoded.swapcase(),
        encoded.replace("%2B", "+"),
        encoded.replace("%", "%25"),
        encoded[:-6],
        "0f" * 32,
        "",
    ):
        with pytest.raises(VenueError, match="-1022"):
            verified(wrong)
    with pytest.raises(VenueError, match="-1022"):
        verified(encoded, payload.lower())
