"""The one file that touches python-binance: sends requests and turns every result into one of three values.

Importing python-binance takes a second, so nobody imports this module at the top. It must leak no secret: nothing that it
returns contains a key, a signature or the URL of a signed request.
"""

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from core.adapters.binance.credentials import Credentials
from core.adapters.binance.errors import MAY_NOT_SEND, Answer, Said, Silence, refusal
from core.adapters.binance.rate_limit_budget import counts_of
from core.adapters.lean_imports import postponed

# Dates in words are of no use here, RSA keys are not taken, and an Ed25519 key is not everybody's.
with postponed(
    "dateparser",
    "Crypto.Hash.SHA256",
    "Crypto.PublicKey.ECC",
    "Crypto.PublicKey.RSA",
    "Crypto.Signature.eddsa",
    "Crypto.Signature.pkcs1_15",
):
    from binance import AsyncClient
    from binance.exceptions import BinanceAPIException, BinanceRequestException

_KEEPALIVE = 300  # seconds; the library's 15 would mean a TLS handshake for nearly every order
_CONNECT_TIMEOUT = 5.0  # seconds
_MOST_BYTES = 64 * 1024 * 1024  # the rules of all symbols are some 20 MB


class _MayNotSend(Exception):
    """An order was about to leave after this process lost the right to send."""


class BinanceHttpClient:
    """One session with the exchange by python-binance's unpatched client; create it inside the running event loop. See
    `core.adapters.binance.binance_client.Wire`. Opens connections on demand.

    Calls `may_send` once an order is dated and signed and before any of it leaves: a process that takes over afterwards starts
    later than the order's date, and can tell by the exchange's clock when the order has become void.
    """

    def __init__(
        self, *, api_url: str, credentials: Credentials, timeout: float, recv_window_ms: int, may_send: Callable[[], bool]
    ) -> None:
        self._host = urlsplit(api_url).netloc
        self._credentials = credentials
        self._may_send = may_send
        tracing = aiohttp.TraceConfig()
        tracing.on_request_start.append(self._about_to_send)
        tracing.on_request_end.append(_heard)
        self._client: Any = AsyncClient(
            credentials.key or None,
            credentials.secret or None,
            private_key=credentials.private_key or None,
            # A redirect would carry the key and the signed order to the host that it names.
            requests_params={"allow_redirects": False},
            session_params={
                "connector": aiohttp.TCPConnector(keepalive_timeout=_KEEPALIVE),
                "trace_configs": [tracing],
                "response_class": _Measured,
            },
        )
        self._client.API_URL = api_url
        self._client.MARGIN_API_URL = api_url.removesuffix("/api") + "/sapi"
        self._client.REQUEST_RECVWINDOW = recv_window_ms
        self._client.REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_TIMEOUT))

    def now(self) -> float:
        """See Wire."""
        return time.time()

    def date_by(self, offset: float) -> None:
        """See Wire."""
        self._client.timestamp_offset = offset * 1000

    async def server_time(self) -> Said:
        """Sends `GET time`."""
        return await self._ask(self._client.get_server_time())

    async def exchange_info(self, symbols: Sequence[str] | None) -> Said:
        """Sends `GET exchangeInfo` for some symbols, which the library's own method does not accept; or for all."""
        data = {} if symbols is None else {"data": {"symbols": encoded(symbols)}}
        return await self._ask(self._client._get("exchangeInfo", **data))  # noqa: SLF001

    async def quotes(self, symbols: Sequence[str]) -> Said:
        """Sends `GET ticker/bookTicker` for some symbols."""
        return await self._ask(self._client.get_orderbook_ticker(symbols=encoded(symbols)))

    async def candles(self, parameters: Mapping[str, str]) -> Said:
        """Sends `GET klines`."""
        return await self._ask(self._client.get_klines(**parameters))

    async def account(self) -> Said:
        """Sends `GET account`, without zero balances."""
        return await self._ask(self._client.get_account(omitZeroBalances="true"))

    async def key_permissions(self) -> Said:
        """Sends `GET /sapi/v1/account/apiRestrictions`."""
        return await self._ask(self._client.get_account_api_permissions())

    async def open_orders(self, parameters: Mapping[str, str]) -> Said:
        """Sends `GET openOrders`, for one symbol or for all."""
        return await self._ask(self._client.get_open_orders(**parameters))

    async def order(self, parameters: Mapping[str, str]) -> Said:
        """Sends `GET order`."""
        return await self._ask(self._client.get_order(**parameters))

    async def recent_orders(self, parameters: Mapping[str, str]) -> Said:
        """Sends `GET allOrders`."""
        return await self._ask(self._client.get_all_orders(**parameters))

    async def trades(self, parameters: Mapping[str, str]) -> Said:
        """Sends `GET myTrades`."""
        return await self._ask(self._client.get_my_trades(**parameters))

    async def place(self, parameters: Mapping[str, str]) -> Said:
        """Sends `POST order`."""
        return await self._ask(self._client.create_order(**parameters))

    async def place_list(self, parameters: Mapping[str, str]) -> Said:
        """Sends `POST orderList/oco`."""
        return await self._ask(self._client.create_oco_order(**parameters))

    async def place_entry(self, parameters: Mapping[str, str], *, pair: bool) -> Said:
        """Sends `POST orderList/opoco`, or `opo` where there is one exit: the library has no method of its own for them."""
        path = "orderList/opoco" if pair else "orderList/opo"
        return await self._ask(self._client._post(path, True, data=dict(parameters)))  # noqa: SLF001

    async def cancel(self, parameters: Mapping[str, str]) -> Said:
        """Sends `DELETE order`."""
        return await self._ask(self._client.cancel_order(**parameters))

    async def _about_to_send(
        self, _session: aiohttp.ClientSession, _context: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        if request.method in {"POST", "DELETE"} and not self._may_send():
            raise _MayNotSend

    async def _ask(self, call: Awaitable[object]) -> Said:
        """Awaits one call of the client. Raises nothing but cancellation; keeps no exception, because their texts contain
        URLs."""
        headers: dict[str, str] = {}
        _HEADERS.set(headers)  # of this answer alone: the client's own `response` is that of the last arrival
        try:
            body = await call
            return Answer(body, counts_of(headers))
        except BinanceAPIException as error:
            text = self._credentials.redacted(error.message) if isinstance(error.message, str) else ""
            return refusal(error.status_code, error.code, text, error.response.headers)
        except _MayNotSend:
            return MAY_NOT_SEND
        except BinanceRequestException:
            return Silence("the answer is not JSON")
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            return self._silence(error)
        except Exception as error:  # noqa: BLE001 - python-binance fails in its own ways on odd answers: `[]` is an AttributeError
            return Silence(f"no readable answer ({type(error).__name__})")

    async def close(self) -> None:
        """Closes every connection; no request may follow."""
        await self._client.close_connection()

    def _silence(self, error: Exception) -> Silence:
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return Silence(f"cannot connect to {self._host}: {_why(error)}", sent=False)
        if isinstance(error, TimeoutError):
            return Silence(f"no answer of {self._host} in time")
        return Silence(f"{self._host} cut the connection")


_HEADERS: ContextVar[dict[str, str]] = ContextVar("headers of the answer that is awaited")


async def _heard(_session: aiohttp.ClientSession, _context: SimpleNamespace, answered: aiohttp.TraceRequestEndParams) -> None:
    _HEADERS.get({}).update(answered.response.headers)


class _Measured(aiohttp.ClientResponse):
    """An answer that is read up to a size: a compressed one of some KB may expand to GB."""

    async def read(self) -> bytes:
        if self._body is None:
            pieces, size = [], 0
            async for piece in self.content.iter_any():
                size += len(piece)
                if size > _MOST_BYTES:
                    self.close()
                    raise aiohttp.ClientPayloadError("too long")
                pieces.append(piece)
            self._body = b"".join(pieces)
        return await super().read()


def _why(error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """Explains in plain words why there is no connection."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "it does not speak TLS"
    return os.strerror(error.os_error.errno).lower() if error.os_error.errno else "the network refuses"


def encoded(symbols: Sequence[str]) -> str:
    """Encodes a list of symbols for the query string; the library encodes only a parameter named `symbol`."""
    return quote("[" + ",".join(f'"{symbol}"' for symbol in symbols) + "]", safe="")
