"""Uvicorn as one of several tasks in our event loop: it leaves the signals to the process."""

import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_web(app: FastAPI, host: str, port: int) -> None:
    """Serves until cancelled. Raises OSError where the port is taken."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off", ws="none")
    server = _Server(config)
    try:
        await server.serve()
    except SystemExit:  # uvicorn's way to say that it cannot listen
        raise OSError(f"cannot listen on {host}:{port}: is the port taken?") from None
    finally:
        if server.started:
            await server.shutdown()
