"""Updates for the bot, as the Bot API writes them: messages, pressed buttons, its own membership. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from local_telegram.conversation import Conversation
from local_telegram.errors import Json
from local_telegram.group import TOPIC_COLORS
from local_telegram.model import BotIdentity, Message, Person


def message_json(
    message: Message, chat: Conversation, bot: BotIdentity, people: Mapping[int, Person], *, with_reply: bool = True
) -> Json:
    """Returns the Bot API's Message."""
    sender = bot if message.from_bot else people[message.sender]
    body: Json = {
        "message_id": message.message_id,
        "date": int(message.sent_at.timestamp()),
        "chat": chat.home.as_chat(),
        "from": sender.as_user(),
    }
    if message.thread_id:
        body |= {"message_thread_id": message.thread_id, "is_topic_message": True}
    if message.origin:
        author = bot if message.origin.from_bot else people[message.origin.sender]
        at = int(message.origin.sent_at.timestamp())
        body["forward_origin"] = {"type": "user", "date": at, "sender_user": author.as_user()}
    body |= _content(message, chat)
    if message.keyboard:
        rows = [[button.as_json() for button in row] for row in message.keyboard]
        body["reply_markup"] = {"inline_keyboard": rows}
    if message.edited_at:
        body["edit_date"] = int(message.edited_at.timestamp())
    original = chat.get(message.reply_to or 0)
    if original is None and message.message_id != message.thread_id:
        original = chat.topics.get(message.thread_id)  # everything in a topic answers the message that created it
    if with_reply and original:
        body["reply_to_message"] = message_json(original, chat, bot, people, with_reply=False)
    return body


def _content(message: Message, chat: Conversation) -> Json:
    body: Json = {}
    if message.service == "forum_topic_created":
        color = TOPIC_COLORS[list(chat.topics).index(message.message_id) % len(TOPIC_COLORS)]
        body["forum_topic_created"] = {"name": message.text, "icon_color": color}
        return body
    if message.service:
        return {message.service: True}
    named = ("caption", "caption_entities") if message.file else ("text", "entities")
    if message.text:
        body[named[0]] = message.text
    if message.entities:
        body[named[1]] = [entity.as_json() for entity in message.entities]
    if message.photo:
        body["photo"] = message.photo.as_photo()
    if message.document:
        body["document"] = message.document.as_document()
    return body


def membership_json(chat: Conversation, bot: BotIdentity, person: Person, at: datetime, *, was: bool, now: bool) -> Json:
    """Returns the Bot API's ChatMemberUpdated of the bot: blocked by a person, removed from a group, or the reverse."""

    def member(present: bool) -> Json:
        status: Json = {"status": "member"} if present else {"status": "kicked", "until_date": 0}
        return {"user": bot.as_user()} | status

    return {
        "chat": chat.home.as_chat(),
        "from": person.as_user(),
        "date": int(at.timestamp()),
        "old_chat_member": member(was),
        "new_chat_member": member(now),
    }
