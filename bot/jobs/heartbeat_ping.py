"""Pings a URL every minute while all is well, so that an outside monitor notices when this machine, or Telegram, is gone."""

from collections.abc import Callable, Mapping

import httpx
import structlog
from pydantic import SecretStr

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
_PATIENCE = 10.0  # seconds to wait for an answer


class HeartbeatPing:
    """Sends one GET a minute. The URL is a secret: anyone who knows it can report that all is well."""

    def __init__(self, url: SecretStr, health: Callable[[], Mapping[str, tuple[bool, str]]]) -> None:
        """Takes `health`, which returns each part that must be well."""
        self._url = url
        self._health = health
        self._problem = ""

    async def run(self) -> None:
        """Pings once if all is well; logs a failure and goes on."""
        troubled = [part for part, (well, _) in self._health().items() if not well]
        self._say(f"not well: {', '.join(troubled)}" if troubled else await self._ping())

    async def _ping(self) -> str:
        try:
            async with (
                httpx.AsyncClient(timeout=_PATIENCE) as client,
                client.stream("GET", self._url.get_secret_value()) as answer,
            ):
                return "" if answer.status_code < 300 else f"answered {answer.status_code}"
        except Exception as error:  # noqa: BLE001 - its text may hold the address
            return type(error).__name__

    def _say(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("no heartbeat was sent", why=problem)
        elif self._problem and not problem:
            log.info("heartbeats are sent again")
        self._problem = problem
