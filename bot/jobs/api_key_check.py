"""Checks the permissions of the exchange's key beside trading at each start: reports those it does not need, and blocks
nothing."""

from collections.abc import Callable
from typing import Protocol

import structlog

from core.domain.api_key_permissions import DANGEROUS, Permissions
from core.domain.errors import ExchangeUnavailable
from core.domain.events.priority import Priority
from core.domain.events.process import KeyTooWide
from core.domain.events.table import Event
from core.domain.retry_backoff import RetryBackoff
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

_TRIES = 5
_BACKOFF = RetryBackoff(first=5.0, longest=120.0, factor=4.0)


class Asks(Protocol):
    """Reads the key's permissions. Raises ExchangeUnavailable."""

    async def permissions(self) -> Permissions: ...


class ApiKeyCheck:
    """Reports once, after the start, which permissions the key has and does not need."""

    def __init__(self, exchange: Asks, emit: Callable[[Event], None], clock: Clock) -> None:
        self._exchange = exchange
        self._emit = emit
        self._clock = clock

    async def run(self) -> None:
        """Ends after the report, or when the exchange has not answered for some minutes, which is reported as well."""
        unread = ""
        for number in range(_TRIES):
            if number:
                await self._clock.sleep(_BACKOFF.after(number))
            try:
                rights = await self._exchange.permissions()
            except ExchangeUnavailable as error:
                unread = str(error)
                log.warning("the permissions of the key cannot be read yet", error=unread)
                continue
            if rights.key_can_withdraw is None:
                unread = "not told"
                continue
            if findings := rights.findings:
                priority = Priority.URGENT if DANGEROUS & set(findings) else Priority.NORMAL
                self._emit(KeyTooWide(findings, priority=priority))
            return
        self._emit(KeyTooWide((), unread, priority=Priority.NORMAL))
