"""A plain client of the WebSocket API for tests: asks, signs, and keeps the events that come in between."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.asyncio.client import ClientConnection, connect

from tests.venue.venue import Venue

PATIENCE = 5.0


class Wire:
    """One connection. `pem` is the private half of an Ed25519 key; without it the venue's HMAC key signs."""

    def __init__(self, venue: Venue, socket: ClientConnection) -> None:
        self.venue = venue
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self._asked = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Returns the answer to a request."""
        self._asked += 1
        await self.socket.send(json.dumps({"id": self._asked, "method": method, "params": params}))
        while True:
            message = await self.receive()
            if "id" in message:
                return message
            self.events.append(message)

    async def signed(self, method: str, *, key: str = "", pem: str = "", **params: Any) -> dict[str, Any]:
        values = {"apiKey": key or self.venue.key, "timestamp": self.venue.clock.now_ms(), **params}
        payload = "&".join(f"{name}={value}" for name, value in sorted(values.items()))
        return await self.ask(method, **values, signature=self._sign(payload, pem))

    async def next_event(self) -> dict[str, Any]:
        """Returns the next event with its subscription id."""
        return self.events.pop(0) if self.events else await self.receive()

    async def heard(self, count: int) -> list[dict[str, Any]]:
        """Returns the next events without their subscription ids."""
        return [(await self.next_event())["event"] for _ in range(count)]

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return cast("dict[str, Any]", json.loads(await self.socket.recv()))

    def _sign(self, payload: str, pem: str) -> str:
        if pem:
            private = cast("Ed25519PrivateKey", load_pem_private_key(pem.encode(), None))
            return base64.b64encode(private.sign(payload.encode())).decode()
        return hmac.new(self.venue.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


@asynccontextmanager
async def wire_of(venue: Venue, *, subscribed: bool = False, **options: Any) -> AsyncIterator[Wire]:
    """Connects; with `subscribed` to the main account's events too."""
    async with connect(venue.ws_url, **options) as socket:
        wire = Wire(venue, socket)
        if subscribed:
            assert (await wire.signed("userDataStream.subscribe.signature"))["status"] == 200
        yield wire
