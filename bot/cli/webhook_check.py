"""The line of `marketflow check` on the webhook: where it listens, and whether it can."""

import asyncio
import socket

from bot.settings.settings import Settings
from bot.web.healthcheck import alive
from core.domain.errors import MarketFlowError


async def webhook_line(settings: Settings) -> str:
    """Returns the address and the state of its port. Raises MarketFlowError if another program has it."""
    host, port = settings.http_host, settings.http_port
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/signals"
    if await asyncio.to_thread(_is_free, host, port):
        return f"{address}: the port is free"
    if await asyncio.to_thread(alive, host, port):
        return f"{address}: the port is taken, and answers as a running MarketFlow does"
    raise MarketFlowError(f"HTTP_PORT: {port} on {host} is taken by another program, or cannot be opened")


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError:
        return False
