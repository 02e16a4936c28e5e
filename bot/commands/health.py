"""/health: each part of the program with a word on it."""

from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk
from bot.lists import refresh
from bot.message import ChatMessage
from bot.render import duration, short_parts


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
        texts("health.time", time=texts.exact_time(desk.clock.now())),
    ]
    return ChatMessage("\n".join(lines), ((refresh("/health", texts),),))


COMMAND = Command("health", run)
