"""Gauges: read every few seconds for /metrics."""

import asyncio
from datetime import timedelta

import structlog

from bot.app.building import Parts
from bot.factories import has_order_connection
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable

log = structlog.get_logger(__name__)

_LEDGER_SECONDS = 10.0  # a ledger that takes longer is asked again at the next turn


class Gauges:
    """Copies the state of the parts into the metrics."""

    def __init__(self, parts: Parts) -> None:
        self._health = parts.health
        self._metrics = parts.base.metrics
        self._ledger = parts.base.ledger
        self._loki = parts.base.loki
        self._kafka = parts.intake.kafka
        self._export = parts.intake.warehouse.export
        self._notifiers = parts.chat.notifiers
        self._portfolio = parts.trading.portfolio
        self._hearing = parts.trading.hearing
        self._has_stream = bool(parts.base.settings.binance_ws_url)
        self._has_order_connection = has_order_connection(parts.base.settings)
        self._client = parts.base.client
        self._clock = parts.base.clock

    async def run(self) -> None:
        """Reads all of them once."""
        parts = {name: well for name, (well, _) in self._health.of_all().items()}
        self._metrics.parts(parts, lease_held=self._ledger.may_trade)
        self._metrics.log_lines_dropped(self._loki.dropped if self._loki is not None else 0)
        if self._has_stream:
            self._metrics.user_stream(connected=self._hearing.is_connected)
        if self._has_order_connection:
            self._metrics.order_connection(is_open=self._client.has_order_connection)
        self._metrics.order_limits(self._client.budget.order_limits())
        self._metrics.unprotected(self._portfolio.unprotected(self._clock.now()))
        if self._kafka is not None and self._kafka.lag is not None:
            self._metrics.kafka(self._kafka.lag, self._kafka.stored_at)
        try:
            async with asyncio.timeout(_LEDGER_SECONDS):
                self._metrics.alerts_pending(await self._notifiers.pending())
                if self._export is not None:
                    self._metrics.history_pending(await self._export.pending())
        except (LedgerUnavailable, TimeoutError) as error:
            log.warning("alerts cannot be counted", error=str(error))


class ClockOffset:
    """Measures the exchange's clock against this machine's."""

    def __init__(self, parts: Parts) -> None:
        self._client = parts.base.client
        self._portfolio = parts.trading.portfolio
        self._metrics = parts.base.metrics

    async def run(self) -> None:
        """Measures it once."""
        try:
            offset = await self._client.measure_clock()
        except ExchangeUnavailable as error:
            log.warning("the exchange's clock cannot be measured", error=str(error))
        else:
            self._portfolio.clock_offset = timedelta(seconds=offset)
            self._metrics.clock_offset(offset)
