"""The chat: commands, alerts, and the emergency line that works without the ledger."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import structlog

from bot.access.confirmations import Confirmations
from bot.access.roles import Roles
from bot.access.totp import OneTimeCodes
from bot.access.typed_values import TypedValues
from bot.app.foundation import Foundation
from bot.app.health_checks import HealthChecks
from bot.commands.actions import Actions
from bot.commands.context import CommandContext, People
from bot.commands.exchange_view import ExchangeView
from bot.commands.ledger_reads import LedgerReads
from bot.commands.program_status import ProgramStatus
from bot.notifications.dispatcher import NotificationDispatcher
from bot.notifications.emergency_alert import EmergencyAlert
from bot.reports.chart_process import ChartProcess
from bot.reports.charts import THEMES
from bot.reports.replay_process import ReplayProcess
from bot.subscriptions.recipients import Recipients
from bot.telegram.client import connect, name_of
from bot.telegram.rate_limiter import RateLimiters
from bot.telegram.single_instance import SingleInstance
from bot.telegram.telegram_app import TelegramChat
from core.adapters.kafka.source import KafkaSource
from core.adapters.ledger.analytics import LedgerAnalytics
from core.adapters.ledger.execution_quality import LedgerQuality
from core.adapters.ledger.opening import this_process_name
from core.adapters.ledger.queries import LedgerQueries
from core.adapters.ledger.recording_reader import RecordingReader
from core.adapters.ledger.stories import LedgerStories
from core.domain.access import Reader
from core.domain.errors import ConfigurationError, LedgerUnavailable
from core.domain.messages import Message, ReaderRequested
from core.engine.inbox import CONTROLS, Inbox
from core.ports.clock import Clock
from core.trading import Trading

log = structlog.get_logger(__name__)

VERSION = version("marketflow")
"""The version that runs; what is installed may be another one by now."""
_ZONE = "UTC"  # until a reader sets another


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat's parts, each with a connection of its own."""

    telegram: TelegramChat
    notifiers: NotificationDispatcher
    emergency: EmergencyAlert
    context: CommandContext
    charts: ChartProcess

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether commands are received and alerts go out."""
        return self.notifiers.ready if self.telegram.ready[0] else self.telegram.ready


def build_chat(
    base: Foundation, trading: Trading, kafka: KafkaSource | None, alone: SingleInstance, health: HealthChecks
) -> Chat:
    """Returns the chat, not connected yet. Raises ConfigurationError where the token or the chat's id is missing."""
    settings, clock = base.settings, base.clock
    if settings.tg_token is None or settings.tg_chat_id is None:
        raise ConfigurationError(settings.missing_for_run())
    token = settings.tg_token.get_secret_value()
    for_alerts, for_answers, for_emergencies = (connect(token, settings.tg_api_url) for _ in range(3))
    place = settings.tg_chat_id, settings.tg_topic_id
    roles = Roles(trading.portfolio)
    recipients = Recipients(*place, settings.tg_lang, _ZONE, roles, trading.portfolio, lambda: name_of(for_answers))
    rate_limiters, charts = RateLimiters(clock), ChartProcess()
    notifiers = NotificationDispatcher(
        for_alerts,
        recipients,
        base.ledger,
        clock,
        blocked=partial(_deactivate, trading.inbox, clock),
        quote=trading.market.quote,
        rate_limiters=rate_limiters,
        draw=charts.draw,
    )
    context = CommandContext(
        portfolio=trading.portfolio,
        exchange=ExchangeView(trading.market, trading.rates, base.venue, settings.trading_mode, settings.symbols),
        ledger=_reads(base),
        people=People(roles, recipients, Confirmations(clock), _codes(base, trading), TypedValues(clock)),
        actions=Actions(trading.inbox, trading.decisions, clock),
        program=_status(base, recipients, notifiers, kafka, health),
        clock=clock,
        language=settings.tg_lang,
        zone=_ZONE,
        theme=THEMES[0],
        draw=charts.draw,
    )
    telegram = TelegramChat(for_answers, context, base.ledger, rate_limiters, alone)
    emergency = EmergencyAlert(for_emergencies, recipients, rate_limiters, clock)
    return Chat(telegram, notifiers, emergency, context, charts)


def _reads(base: Foundation) -> LedgerReads:
    reader = base.ledger.reader
    return LedgerReads(
        *(LedgerQueries(reader), LedgerAnalytics(reader), LedgerStories(reader)),
        *(LedgerQuality(reader), RecordingReader(reader), ReplayProcess()),
    )


def _codes(base: Foundation, trading: Trading) -> OneTimeCodes | None:
    key = base.settings.tg_totp_secret
    return OneTimeCodes(key.get_secret_value(), trading.portfolio.authenticators, base.clock) if key is not None else None


def _status(
    base: Foundation, recipients: Recipients, notifiers: NotificationDispatcher, kafka: KafkaSource | None, health: HealthChecks
) -> ProgramStatus:
    return ProgramStatus(
        version=VERSION,
        started_at=base.clock.now(),
        bot_name=recipients.bot_name,
        health=health.of_all,
        alerts_waiting=lambda: notifiers.waiting,
        lag=(lambda: kafka.lag) if kafka is not None else None,
        clock_offset=lambda: base.client.clock_offset_seconds,
        process=this_process_name(),
        standbys=lambda: base.standbys.names,
    )


async def _deactivate(inbox: Inbox, clock: Clock, user_id: int) -> None:
    """Ends the notifications of a person who has blocked the bot, until their next /start."""
    now = clock.now()
    body = ReaderRequested(Reader(user_id, active=False), user_id, "", ("active",))
    try:
        await inbox.submit(Message("telegram", f"blocked:{user_id}:{now.isoformat()}", CONTROLS, body, now))
    except LedgerUnavailable as error:
        log.warning("a blocked bot could not be recorded; the next start finds it out again", error=str(error))
