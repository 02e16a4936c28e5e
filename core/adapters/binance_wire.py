"""The one file that touches python-binance: it sends, and makes one of three values of whatever comes back.

Importing it takes a second (python-binance does), so nobody imports it at the top. It must let no secret out: neither key,
signature nor URL of a signed request is in anything that it returns.
"""

import os
import re
from collections.abc import Awaitable, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
from binance import AsyncClient
from binance.exceptions import BinanceAPIException, BinanceRequestException

from core.adapters.binance_refusals import Answer, Refusal, Silence, refusal

_KEEPALIVE = 300  # seconds; the library's 15 would cost a TLS handshake for nearly every order
_CONNECT_TIMEOUT = 5.0  # seconds
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")


class Wire:
    """One session with the exchange; made inside the running event loop. Connections are opened as they are needed.

    `client` is the library's own, unpatched; what it returns goes through `ask`.
    """

    def __init__(self, *, api_url: str, key: str, secret: str, timeout: float, recv_window_ms: int) -> None:
        self._host = urlsplit(api_url).netloc
        self._secrets = [text for text in (key, secret) if text]
        self.client: Any = AsyncClient(
            key or None,
            secret or None,
            # A redirect would carry the key and the signed order to whomever it names.
            requests_params={"allow_redirects": False},
            session_params={"connector": aiohttp.TCPConnector(keepalive_timeout=_KEEPALIVE)},
        )
        self.client.API_URL = api_url
        self.client.MARGIN_API_URL = api_url.removesuffix("/api") + "/sapi"
        self.client.REQUEST_RECVWINDOW = recv_window_ms
        self.client.REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, _CONNECT_TIMEOUT))

    async def ask(self, call: Awaitable[object]) -> Answer | Refusal | Silence:
        """Awaits one call of `client`. Raises nothing but cancellation; no exception is kept, for their texts hold URLs."""
        try:
            return Answer(await call)
        except BinanceAPIException as error:
            text = self._redacted(error.message) if isinstance(error.message, str) else ""
            return refusal(error.status_code, error.code, text, error.response.headers.get("Retry-After"))
        except BinanceRequestException:
            return Silence("the answer is not JSON")
        except (aiohttp.ClientConnectionError, TimeoutError) as error:
            return self._silence(error)
        except Exception as error:  # noqa: BLE001 - python-binance fails in its own ways on odd answers: `[]` is an AttributeError
            return Silence(f"no readable answer ({type(error).__name__})")

    async def exchange_info(self, symbols: Sequence[str]) -> object:
        """`GET exchangeInfo` of some symbols; the library's own method takes none."""
        return await self.client._get("exchangeInfo", data={"symbols": encoded(symbols)})  # noqa: SLF001

    async def quotes(self, symbols: Sequence[str]) -> object:
        """`GET ticker/bookTicker` of some symbols."""
        return await self.client.get_orderbook_ticker(symbols=encoded(symbols))

    async def close(self) -> None:
        """Closes every connection; nothing may be asked afterwards."""
        await self.client.close_connection()

    def _silence(self, error: Exception) -> Silence:
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return Silence(f"cannot connect to {self._host}: {_why(error)}", sent=False)
        if isinstance(error, TimeoutError):
            return Silence(f"no answer of {self._host} in time")
        return Silence(f"{self._host} cut the connection")

    def _redacted(self, text: str) -> str:
        """Without what an answer may have echoed: key, secret, and anything that looks like a signature."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return _SIGNATURE.sub("***", text)


def _why(error: aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) -> str:
    """Why there is no connection, in plain words."""
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
    """A list of symbols as the query string wants it; the library encodes only a parameter named `symbol`."""
    return quote("[" + ",".join(f'"{symbol}"' for symbol in symbols) + "]", safe="")
