"""Morning and evening digests by each reader's clock, and heartbeats: snapshots, each put into the inbox once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal

import structlog

from bot.commands.context import CommandContext
from bot.commands.replaying import shadowed
from bot.commands.valuation import unrealised
from bot.subscriptions.notification_rules import Recipient
from bot.subscriptions.recipients import Recipients
from core.domain.access import Level, Topic
from core.domain.day_result import DayResult
from core.domain.digest import Digest, Occasion, ShadowFigures
from core.domain.errors import LedgerUnavailable
from core.domain.messages import DigestDue, Message
from core.domain.money import ZERO
from core.engine.inbox import CONTROLS, Inbox
from core.ports.clock import Clock
from core.read_models import Selection
from core.records.shadow import ShadowReport

log = structlog.get_logger(__name__)

TIMES: Mapping[Occasion, time] = {Occasion.MORNING: time(8), Occasion.EVENING: time(20)}
_LATE, _STALE = timedelta(hours=3), timedelta(minutes=10)  # a digest or heartbeat older than that is skipped
_DAYS = 30
_SHADOW_DAYS, _SHADOW_LASTS = 7, timedelta(hours=1)


class DigestTimer:
    """Finds what is due. Each occasion has an identity of its own, so that no restart sends it twice."""

    def __init__(
        self,
        context: CommandContext,
        recipients: Recipients,
        inbox: Inbox,
        clock: Clock,
        since: datetime,
        *,
        has_shadow: bool = False,
    ) -> None:
        """Takes `since`: anything due before it was sent by the process before this one, which lived until then. `has_shadow`:
        the evening shows what trading on paper would have brought."""
        self._has_shadow = has_shadow
        self._shadow_at: tuple[datetime, tuple[ShadowFigures, ...]] | None = None
        self._since = since
        self._context = context
        self._recipients = recipients
        self._inbox = inbox
        self._clock = clock
        self._said: set[str] = set()

    async def run(self) -> None:
        """Puts the digests and heartbeats that are due now into the inbox."""
        now = self._clock.now()
        for recipient in (self._recipients.main(), *self._recipients.persons().values()):
            for name, occasion in due(recipient, self._since, now):
                if name not in self._said:
                    await self._say(name, occasion, recipient, now)

    async def _say(self, name: str, occasion: Occasion, recipient: Recipient, now: datetime) -> None:
        try:
            digest = await self._digest(occasion, recipient.chat_id, now)
            await self._inbox.deliver([Message("timer", name, CONTROLS, DigestDue(digest), now)])
        except LedgerUnavailable as error:
            log.warning("a digest cannot be made yet", error=str(error))
        else:
            self._said.add(name)

    async def _digest(self, occasion: Occasion, chat_id: int, now: datetime) -> Digest:
        context, today = self._context, now.date()
        results = await context.ledger.queries.day_results(today.isoformat())
        days = await context.ledger.analytics.days(Selection(since=today - timedelta(days=_DAYS - 1)))
        quotes = [day.quote_asset for day in days]
        quote = max(sorted(set(quotes)), key=quotes.count, default="")
        earned, report = _by_quote(results), context.exchange.rates.report
        together, lacking = context.exchange.rates.total(earned) if set(earned) - {report} else (None, ())
        return Digest(
            chat_id=chat_id,
            occasion=occasion,
            at=now,
            pause=context.portfolio.trading_state.pause.value,
            mode=context.portfolio.trading_state.mode.value,
            trading_mode=context.exchange.trading_mode,
            positions=len(context.portfolio.open_positions()),
            today=earned,
            exits=sum(result.exits for result in results),
            wins=sum(result.wins for result in results),
            unrealised=unrealised(context),
            questions=len(context.portfolio.approvals),
            troubles=tuple(name for name, (well, _) in context.program.health().items() if not well),
            quote=quote,
            days=tuple((day.at.date().isoformat(), day.profit) for day in days if day.quote_asset == quote),
            together=together if len(lacking) < len(earned) else None,
            lacking=lacking,
            report=report,
            shadow=await self._shadow(now) if self._has_shadow and occasion is Occasion.EVENING else (),
        )

    async def _shadow(self, now: datetime) -> tuple[ShadowFigures, ...]:
        """Returns trading beside its shadow, the same for all readers of an hour; nothing where that cannot be said now."""
        if self._shadow_at is None or now - self._shadow_at[0] > _SHADOW_LASTS:
            self._shadow_at = now, await self._figures()
        return self._shadow_at[1]

    async def _figures(self) -> tuple[ShadowFigures, ...]:
        try:
            found = await shadowed(self._context, timedelta(days=_SHADOW_DAYS))
        except LedgerUnavailable:
            return ()
        return tuple(_figures_of(found, quote) for quote in found.sums) if found is not None else ()


def _figures_of(found: ShadowReport, quote: str) -> ShadowFigures:
    one = found.sums[quote]
    ends = {point.at.date().isoformat(): point for point in found.curve if point.quote == quote}
    return ShadowFigures(
        quote=quote,
        days=_SHADOW_DAYS,
        traded=one.traded,
        shadow=one.shadow,
        stages={stage.value: amount for stage, amount in one.stages.items()},
        curve=tuple((day, point.traded, point.shadow) for day, point in ends.items()),
    )


def _by_quote(results: Sequence[DayResult]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for result in results:
        sums[result.quote_asset] = sums.get(result.quote_asset, ZERO) + result.profit
    return sums


def due(recipient: Recipient, since: datetime, now: datetime) -> list[tuple[str, Occasion]]:
    """Returns what fell due for this reader after `since`, each with its permanent name. By the reader's own clock; heartbeats
    at whole hours of UTC."""
    if recipient.level_of(Topic.DIGESTS) is Level.OFF:
        return []
    local = now.astimezone(recipient.texts.zone)
    moments = [
        (local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0), f"digest:{local.date()}:{occasion}", occasion)
        for occasion, at in TIMES.items()
    ]
    hour = now.replace(minute=0, second=0, microsecond=0)
    hours = recipient.reader.heartbeat_hours
    if hours and hour.hour % hours == 0:
        moments.append((hour, f"heartbeat:{hour:%Y-%m-%dT%H}", Occasion.HEARTBEAT))
    return [
        (f"{name}:{recipient.key}", occasion)
        for moment, name, occasion in moments
        if max(since, now - (_STALE if occasion is Occasion.HEARTBEAT else _LATE)) < moment <= now
    ]
