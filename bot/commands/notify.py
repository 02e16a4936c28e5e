"""/notify: which notifications this chat receives, and how loudly. A tap on a topic switches to its next level."""

from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.chat_preferences import chat_of, not_here, prefer
from bot.commands.context import CommandContext
from bot.subscriptions.notification_rules import Recipient
from bot.texts import Html
from bot.views.chat_message import Button, ChatMessage
from core.domain.access import Level, Topic

_USAGE = "[approvals|trades|refusals|problems|system|digests loud|silent|off]"
_MARKS = {Level.LOUD: "🔔", Level.SILENT: "🔕", Level.OFF: "➖"}
_NEXT = {Level.LOUD: Level.SILENT, Level.SILENT: Level.OFF, Level.OFF: Level.LOUD}


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Shows or sets the levels; in a group an owner sets them for the group."""
    chat_id = chat_of(context, caller)
    if chat_id is None:
        return ChatMessage(not_here(context, caller))
    if args:
        words = [word.lower() for word in args]
        if len(words) != 2 or words[0] not in set(Topic) or words[1] not in set(Level):
            return bad_argument(context, args, COMMAND)
        if trouble := await prefer(context, caller, chat_id, levels={Topic(words[0]): Level(words[1])}):
            return ChatMessage(trouble)
    recipient = context.people.recipients.recipient(chat_id)
    if recipient is None:
        return ChatMessage(context.texts("notify.start"))
    lines = [_line(context, recipient, topic) for topic in Topic]
    buttons = tuple((_button(context, recipient, topic),) for topic in Topic)
    return ChatMessage("\n".join([context.texts("notify"), *lines, "", context.texts("notify.urgent")]), buttons)


def _line(context: CommandContext, recipient: Recipient, topic: Topic) -> Html:
    level = recipient.level_of(topic)
    return context.texts(
        "notify.line", mark=_MARKS[level], topic=context.texts(f"topic.{topic}"), level=context.texts(f"level.{level}")
    )


def _button(context: CommandContext, recipient: Recipient, topic: Topic) -> Button:
    after = _NEXT[recipient.level_of(topic)]
    label = context.texts(
        "notify.button", topic=context.texts(f"topic.{topic}"), mark=_MARKS[after], level=context.texts(f"level.{after}")
    )
    return Button(label, f"/notify {topic} {after}")


COMMAND = Command("notify", run, arguments=_USAGE, examples=("trades silent", "refusals off", ""), in_any_group=always)
