"""/health: the state of each part, unread records, and the clock."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.component_status import short_parts


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Answers from memory."""
    if args:
        return bad_argument(context, args, COMMAND)
    texts = context.texts
    uptime = texts.duration(context.clock.now() - context.program.started_at)
    lines = [
        texts("health", version=context.program.version, uptime=uptime),
        *short_parts(context.program.health(), texts, 200),
        texts("health.queue", messages=len(context.actions.inbox), alerts=context.program.alerts_waiting()),
        *_lag(context),
        clock_line(context),
        texts("health.time", time=texts.exact_time(context.clock.now())),
    ]
    return ChatMessage("\n".join(lines), ((refresh("/health", texts),),))


def _lag(context: CommandContext) -> list[Html]:
    """Returns how many records are in the topic and not in the ledger; nothing without Kafka."""
    if context.program.lag is None:
        return []
    count = context.program.lag()
    return [context.texts("health.lag_unknown") if count is None else context.texts("health.lag", count=count)]


def clock_line(context: CommandContext) -> Html:
    """Returns the offset of this machine's clock from the exchange's."""
    if context.exchange.trading_mode == "paper":
        return context.texts("health.clock_paper")
    offset = context.program.clock_offset()
    if offset is None:
        return context.texts("health.clock_unknown")
    return context.texts("health.clock_ahead" if offset < 0 else "health.clock_behind", ms=round(abs(offset) * 1000))


COMMAND = Command("health", run, in_any_group=always)
