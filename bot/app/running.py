"""Runs the program: starts its parts, waits until asked to stop, and stops them in the order that settles open orders."""

import gc
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import structlog

from bot.app.building import Parts, build
from bot.app.ending import Handover, end
from bot.app.foundation import Embedded, Foundation, connect, read_foundation
from bot.app.schedule import build_schedule
from bot.app.standby import wait_for_turn
from bot.app.startup import trade
from bot.app.web import serving
from bot.factories import has_order_connection, user_stream
from bot.jobs.ledger_outage import end_lines
from bot.lifecycle import Lifecycle, ignoring_handover, stop_on_signals
from bot.observability.logging_setup import configure_logging
from bot.observability.loki_handler import LokiHandler
from bot.settings.settings import Settings
from core.domain.errors import ConfigurationError

log = structlog.get_logger(__name__)

_STOPPING = "stopping: intake ends, orders in flight are settled"
SWITCH_SECONDS = 0.0005  # the ledger's thread must not delay the event loop for Python's usual 5 ms


async def run(
    settings: Settings,
    embedded: Embedded | None = None,
    on_ready: Callable[[], None] = lambda: None,
    *,
    standby: bool = False,
) -> None:
    """Runs the whole program until SIGTERM, Ctrl-C or a handover; as a `standby` it waits before for the process that holds the
    ledger. Raises ConfigurationError before anything is started."""
    if missing := settings.missing_for_run():
        raise ConfigurationError(missing)
    loki = LokiHandler(settings.loki_url.get_secret_value()) if settings.loki_url is not None else None
    configure_logging(settings, loki=loki)
    sys.setswitchinterval(SWITCH_SECONDS)
    for warning in settings.warnings:
        log.warning(warning)
    embedded = embedded or Embedded()
    with ignoring_handover():  # until it has something to hand over
        async with connect(settings, embedded, standby=standby) as connections:
            if connections.watch is None:
                await _run(_built(await read_foundation(settings, connections, loki), embedded), on_ready)
            elif (turn := await wait_for_turn(settings, connections, connections.watch)) is not None:
                parts = _built(await read_foundation(settings, connections, loki, turn.rules), embedded)
                await turn.ports_closed
                await _run(parts, on_ready)


def _built(base: Foundation, embedded: Embedded) -> Parts:
    parts = build(base, embedded)
    # Everything loaded by now stays: the collector need not walk through it again and again while orders wait.
    gc.collect()
    gc.freeze()
    return parts


async def _run(parts: Parts, on_ready: Callable[[], None]) -> None:
    lifecycle, inbox = Lifecycle(), parts.trading.inbox
    handover = Handover(parts.base.standbys, lifecycle.stop)
    scheduler = await build_schedule(parts)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parts.intake.warehouse.close)
        stack.push_async_callback(parts.chat.emergency.close)
        stack.push_async_callback(parts.chat.charts.close)
        await stack.enter_async_context(serving(parts))
        stack.enter_context(stop_on_signals(lifecycle.stop, handover.ask, _STOPPING))
        inbox.start_controls(parts.base.state.waiting)
        try:
            _start(parts, lifecycle, on_ready)
            scheduler.start()
            await lifecycle.wait()
        except Exception as error:
            await parts.chat.emergency.say_last(partial(end_lines, error, parts.alone.who))
            raise
        finally:
            await end(parts, lifecycle, scheduler, hands_over=handover.is_begun)


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
    if has_order_connection(parts.base.settings):
        lifecycle.start("order connection", parts.base.client.keep_order_connection())


async def _watch_mailboxes(parts: Parts) -> None:
    await parts.trading.inbox.failure
