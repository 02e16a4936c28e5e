"""/health: each part of the program with a word on it, what is not read yet, and the clock."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.context import Caller, Desk
from bot.commands.pagination import refresh
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.events import duration, short_parts


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """Answers from memory."""
    if args:
        return bad_argument(desk, args, "health")
    texts = desk.texts
    uptime = duration(desk.clock.now() - desk.started_at, texts)
    lines = [
        texts("health", version=desk.version, uptime=uptime),
        *short_parts(desk.health(), texts, 200),
        texts("health.queue", messages=len(desk.inbox), alerts=desk.alerts_waiting()),
        *_lag(desk),
        clock_line(desk),
        texts("health.time", time=texts.exact_time(desk.clock.now())),
    ]
    return ChatMessage("\n".join(lines), ((refresh("/health", texts),),))


def _lag(desk: Desk) -> list[Html]:
    """How many records stand in the topic and not in the ledger; nothing without Kafka."""
    if desk.lag is None:
        return []
    count = desk.lag()
    return [desk.texts("health.lag_unknown") if count is None else desk.texts("health.lag", count=count)]


def clock_line(desk: Desk) -> Html:
    """How far this machine's clock is from the exchange's."""
    if desk.trading_mode == "paper":
        return desk.texts("health.clock_paper")
    offset = desk.clock_offset()
    if offset is None:
        return desk.texts("health.clock_unknown")
    return desk.texts("health.clock_ahead" if offset < 0 else "health.clock_behind", ms=round(abs(offset) * 1000))


COMMAND = Command("health", run, in_any_group=always)
