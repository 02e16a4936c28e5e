"""/notify: what this chat is told of, and how loudly. A tap on a topic goes on to its next level."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import Caller, Desk
from bot.subscriptions.notification_rules import Listener
from bot.texts import Html
from bot.views.chat_message import Button, ChatMessage
from core.domain.access import Level, Topic

_USAGE = "[TOPIC loud|silent|off]"
_MARKS = {Level.LOUD: "🔔", Level.SILENT: "🔕", Level.OFF: "➖"}
_NEXT = {Level.LOUD: Level.SILENT, Level.SILENT: Level.OFF, Level.OFF: Level.LOUD}


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """In a group an owner sets it for the group."""
    chat_id = chat_of(desk, caller)
    if chat_id is None:
        return ChatMessage(not_here(desk, caller))
    if args:
        words = [word.lower() for word in args]
        if len(words) != 2 or words[0] not in set(Topic) or words[1] not in set(Level):
            return bad_argument(desk, args, f"notify {_USAGE}")
        if trouble := await prefer(desk, caller, chat_id, levels={Topic(words[0]): Level(words[1])}):
            return ChatMessage(trouble)
    listener = desk.audience.listener(chat_id)
    if listener is None:
        return ChatMessage(desk.texts("notify.start"))
    lines = [_line(desk, listener, topic) for topic in Topic]
    buttons = tuple((_button(desk, listener, topic),) for topic in Topic)
    return ChatMessage("\n".join([desk.texts("notify"), *lines, "", desk.texts("notify.urgent")]), buttons)


def _line(desk: Desk, listener: Listener, topic: Topic) -> Html:
    level = listener.level_of(topic)
    return desk.texts("notify.line", mark=_MARKS[level], topic=desk.texts(f"topic.{topic}"), level=desk.texts(f"level.{level}"))


def _button(desk: Desk, listener: Listener, topic: Topic) -> Button:
    after = _NEXT[listener.level_of(topic)]
    label = desk.texts(
        "notify.button", topic=desk.texts(f"topic.{topic}"), mark=_MARKS[after], level=desk.texts(f"level.{after}")
    )
    return Button(label, f"/notify {topic} {after}")


COMMAND = Command("notify", run, arguments=_USAGE, in_any_group=always)
