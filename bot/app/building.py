"""The composition root: connects the concrete parts. Reads as a signal travels; decides nothing about trading."""

from dataclasses import dataclass
from functools import partial

from bot.app.chat import Chat, build_chat
from bot.app.foundation import Embedded, Foundation
from bot.app.health_checks import HealthChecks
from bot.app.intake import Intake, build_intake
from bot.factories import has_order_connection, limits_of, today_of
from bot.process_identity import this_program
from bot.settings.fields import TradingMode
from bot.settings.strategies import strategy_settings
from bot.telegram.single_instance import SingleInstance
from core.domain.trading_state import TradingState
from core.state.portfolio import Portfolio
from core.trading import Trading


@dataclass(frozen=True, slots=True)
class Parts:
    """The connected parts of the program; nothing of them runs yet."""

    base: Foundation
    alone: SingleInstance
    trading: Trading
    intake: Intake
    chat: Chat
    health: HealthChecks


def build(base: Foundation, embedded: Embedded) -> Parts:
    """Connects everything on the foundation. Raises ConfigurationError."""
    health, alone = HealthChecks(), _single_instance(base)
    trading = _trading(base, alone)
    intake = build_intake(base, embedded, trading)
    chat = build_chat(base, trading, intake.kafka, alone, health)
    parts = Parts(base, alone, trading, intake, chat, health)
    _observe_commits(parts)
    _add_health_checks(parts)
    return parts


def _single_instance(base: Foundation) -> SingleInstance:
    return SingleInstance(
        base.clock,
        base.events.emit,
        who=this_program(base.settings.database_url.get_secret_value()),
        has_account=base.settings.trading_mode is not TradingMode.PAPER,
        traded_at=base.traded_at,
        seen_at=base.ledger.away_since,
        may_poll=lambda: base.ledger.may_trade or not base.standbys.names,
    )


def _trading(base: Foundation, alone: SingleInstance) -> Trading:
    settings, ledger, clock = base.settings, base.ledger, base.clock
    trading_state = TradingState(mode=settings.approval)
    portfolio = Portfolio.from_ledger(base.state, trading_state, limits_of(settings), today_of(clock), settings.users)
    portfolio.strategy_settings = strategy_settings(settings.strategies_file)
    return Trading(
        portfolio=portfolio,
        ledger=ledger,
        venue=base.venue,
        clock=clock,
        trading_mode=settings.trading_mode,
        timings=base.metrics,
        watched=settings.symbols or {settings.symbol},
        held_since=lambda: ledger.held_since,
        gate=alone.closed,
        complete_since=ledger.complete_since,
    )


def _observe_commits(parts: Parts) -> None:
    observers, export = parts.base.ledger.observers, parts.intake.warehouse.export
    observers.append(parts.intake.undelivered)
    observers.append(parts.base.metrics)
    if export is not None:
        observers.append(export)


def _add_health_checks(parts: Parts) -> None:
    ledger, market, chat, alone = parts.base.ledger, parts.trading.market, parts.chat, parts.alone
    kafka, table, export = parts.intake.kafka, parts.intake.warehouse.table, parts.intake.warehouse.export
    required, optional = parts.health.required, parts.health.optional
    required["ledger"] = lambda: ledger.ready
    required["exchange"] = lambda: market.ready
    required["instruments"] = lambda: market.instruments_ready
    if kafka is not None:
        required["kafka"] = lambda: kafka.ready
    if table is not None:
        required["signals_table"] = lambda: table.ready
    required["telegram"] = lambda: chat.ready
    required["alone"] = lambda: alone.ready
    optional["account"] = lambda: parts.trading.comparing.ready
    if parts.base.settings.trading_mode is not TradingMode.PAPER:
        optional["orders"] = partial(_way_of_orders, parts.base)
    if export is not None:
        optional["history"] = lambda: export.ready


def _way_of_orders(base: Foundation) -> tuple[bool, str]:
    """Returns which way the next order goes. Both are well."""
    if base.client.has_order_connection:
        return True, "over the WebSocket API"
    return True, "over REST while the WebSocket API is away" if has_order_connection(base.settings) else "over REST"
