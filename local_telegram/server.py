"""The local chat as a running server in this event loop. Listens on 127.0.0.1 and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from local_telegram.bot_api import add_bot_api
from local_telegram.guard import LoopbackOnly
from local_telegram.page_api import Page
from local_telegram.room import Room

HOST = "127.0.0.1"
_TICK_S = 1.0  # the header that tells the time is made anew
_GRACE_S = 2.0  # for requests that are being answered


@dataclass(frozen=True)
class RunningChat:
    """The addresses of a running chat."""

    room: Room
    port: int

    @property
    def api_url(self) -> str:
        """Returns the value for TG_API_URL. python-telegram-bot: base_url(api_url + "/bot"), base_file_url(api_url +
        "/file/bot")."""
        return f"http://{HOST}:{self.port}"

    @property
    def page_url(self) -> str:
        """Returns the owner's page; `?as=<user id>` makes it another person's."""
        return f"http://{HOST}:{self.port}/"

    @property
    def token(self) -> str:
        """Returns the bot's token. A secret of this run only, but treat it like a real one."""
        return self.room.token


def create_chat_app(room: Room) -> Starlette:
    """Returns the Bot API and the page of one room."""
    app = Starlette()
    add_bot_api(app, room)
    app.mount("/", Page(room))
    app.add_middleware(LoopbackOnly)
    return app


@contextlib.asynccontextmanager
async def running_chat(room: Room | None = None, *, port: int = 0) -> AsyncIterator[RunningChat]:
    """Serves a room while the block runs; port 0 takes a free one. Raises OSError when the port is taken."""
    room = room or Room()
    with _listening(port) as listener:
        server = _Server(
            uvicorn.Config(
                create_chat_app(room),
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,  # its lines would contain the bot token
                server_header=False,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="local chat")
        try:
            await server.ready.wait()
            yield RunningChat(room, listener.getsockname()[1])
        finally:
            room.close()
            server.leave()
            await serving


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        yield listener


class _Server(uvicorn.Server):
    """Uvicorn as a part of a bigger process: signals when it listens, leaves SIGTERM and Ctrl-C alone, and ends at once, where
    uvicorn would look every tenth of a second whether it may."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Asks it to end."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._leaving.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                while state.connections or state.tasks:  # noqa: ASYNC110 - they tell nobody
                    await asyncio.sleep(0.005)
        for task in state.tasks:
            task.cancel()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Connection(H11Protocol):
    """Stores the connection where a fault can cut it (see bot_api.Cut)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
