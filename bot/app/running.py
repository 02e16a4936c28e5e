"""Runs the program: starts its parts, waits until asked to stop, and stops them in the order that settles open orders."""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import structlog

from bot.app.building import Parts, build
from bot.app.foundation import Embedded, open_foundation
from bot.app.schedule import build_schedule
from bot.app.startup import trade
from bot.app.web import serving
from bot.factories import user_stream
from bot.jobs.ledger_outage import end_lines
from bot.lifecycle import Lifecycle, stop_on_signals
from bot.observability.logging_setup import configure_logging
from bot.observability.loki_handler import LokiHandler
from bot.settings.settings import Settings
from core.domain.errors import ConfigurationError, LedgerUnavailable

log = structlog.get_logger(__name__)

SETTLE_SECONDS = 25.0  # how long a clean end waits for orders in flight; systemd kills later, Docker after --stop-timeout
SAY_SECONDS = 3.0
SWITCH_SECONDS = 0.0005  # the ledger's thread must not delay the event loop for Python's usual 5 ms


async def run(settings: Settings, embedded: Embedded | None = None, on_ready: Callable[[], None] = lambda: None) -> None:
    """Runs the whole program until SIGTERM or Ctrl-C. Raises ConfigurationError before anything is started."""
    if missing := settings.missing_for_run():
        raise ConfigurationError(missing)
    loki = LokiHandler(settings.loki_url.get_secret_value()) if settings.loki_url is not None else None
    configure_logging(settings, loki=loki)
    sys.setswitchinterval(SWITCH_SECONDS)
    for warning in settings.warnings:
        log.warning(warning)
    embedded = embedded or Embedded()
    async with open_foundation(settings, embedded, loki) as base:
        parts = build(base, embedded)
        # Everything loaded by now stays: the collector need not walk through it again and again while orders wait.
        gc.collect()
        gc.freeze()
        await _run(parts, on_ready)


async def _run(parts: Parts, on_ready: Callable[[], None]) -> None:
    lifecycle, ledger, inbox = Lifecycle(), parts.base.ledger, parts.trading.inbox
    scheduler = await build_schedule(parts)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.intake.warehouse.close)
        stack.push_async_callback(parts.chat.emergency.close)
        await stack.enter_async_context(serving(parts))
        stack.enter_context(stop_on_signals(lifecycle))
        inbox.start_controls(parts.base.state.waiting)
        try:
            _start(parts, lifecycle, on_ready)
            scheduler.start()
            await lifecycle.wait()
        except Exception as error:
            await parts.chat.emergency.say_last(partial(end_lines, error, parts.alone.who))
            raise
        finally:
            await lifecycle.end("trading")
            scheduler.shutdown(wait=False)
            if not ledger.lost:
                await _settle(parts)
            await lifecycle.end("mailboxes", "chat")
            if not ledger.lost:
                await _say_the_rest(parts)
            await lifecycle.end()


def _start(parts: Parts, lifecycle: Lifecycle, on_ready: Callable[[], None]) -> None:
    lifecycle.start("lease", parts.base.ledger.keep_lease())
    lifecycle.start("notifiers", parts.chat.notifiers.run())
    lifecycle.start("chat", parts.chat.telegram.run())
    lifecycle.start("prices", parts.trading.market.run())
    lifecycle.start("comparing", parts.trading.comparing.run())
    lifecycle.start("trading", trade(parts, on_ready))
    lifecycle.start("mailboxes", _watch_mailboxes(parts))
    if parts.intake.warehouse.export is not None:
        lifecycle.start("history", parts.intake.warehouse.export.run())
    if parts.base.settings.binance_ws_url:
        stream = user_stream(parts.base.settings, parts.base.client, parts.trading.hearing)
        lifecycle.start("user stream", stream.run())


async def _watch_mailboxes(parts: Parts) -> None:
    await parts.trading.inbox.failure


async def _settle(parts: Parts) -> None:
    """Waits for the orders in flight."""
    parts.trading.decisions.patient = False
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            await parts.trading.inbox.close()
    except TimeoutError:
        log.warning("an order is still unanswered; the next start resolves it")


async def _say_the_rest(parts: Parts) -> None:
    """Waits until the last alerts are sent."""
    try:
        async with asyncio.timeout(SAY_SECONDS):
            while await parts.chat.notifiers.pending():  # noqa: ASYNC110 - the outbox signals new events, not that it is empty
                await asyncio.sleep(0.05)
    except (TimeoutError, LedgerUnavailable):
        log.info("some alerts are sent at the next start")
