"""Finds the chat, topic and message of a Bot API call, and checks whether the bot may act there. Refuses in Telegram's own
text."""

from __future__ import annotations

from local_telegram.conversation import Conversation
from local_telegram.errors import ApiError, bad_request
from local_telegram.group import GENERAL
from local_telegram.model import Message
from local_telegram.params import Params
from local_telegram.room import Room

_REPLY_FIELDS = frozenset({"message_id", "chat_id", "allow_sending_without_reply"})
_NO_RIGHTS = "not enough rights to manage pinned messages in the chat"


def open_chat(room: Room, params: Params) -> Conversation:
    """Returns the chat that chat_id names, if the bot may write to it. Raises ApiError 400, or 403 when it is shut out."""
    if not params.text("chat_id"):
        raise bad_request("chat_id is empty")
    try:
        chat = room.chat(params.integer("chat_id"))
    except ApiError:
        chat = None  # an @username; the chats here have ids only
    if chat is None or not chat.started:
        raise bad_request("chat not found")
    if chat.blocked:
        shut_out = "bot was kicked from the supergroup chat" if chat.group else "bot was blocked by the user"
        raise ApiError(403, f"Forbidden: {shut_out}")
    return chat


def topic(chat: Conversation, params: Params, *, general: bool = False) -> int:
    """Returns message_thread_id; 0 when none is given. "General" may be named only where `general` allows it."""
    thread_id = params.integer("message_thread_id")
    if not thread_id or (general and thread_id == GENERAL and chat.topics):
        return 0
    if thread_id not in chat.topics:
        raise bad_request("message thread not found")
    return thread_id


def replied(chat: Conversation, params: Params) -> Message | None:
    """Returns the message to answer; None when none is given, or it is gone and that does not matter."""
    parameters = params.record("reply_parameters") or {}
    unknown = set(parameters) - _REPLY_FIELDS
    if unknown:
        raise bad_request(f"can't parse ReplyParameters: the local chat has no {min(unknown)}")
    wanted = parameters.get("message_id") or params.integer("reply_to_message_id")
    if not wanted:
        return None
    there = str(parameters.get("chat_id") or chat.chat_id) == str(chat.chat_id)
    message = chat.get(wanted) if there and isinstance(wanted, int) else None
    if message is None and not (
        parameters.get("allow_sending_without_reply") is True or params.flag("allow_sending_without_reply")
    ):
        raise bad_request("message to be replied not found")
    return message


def named_message(room: Room, params: Params, missing: str) -> tuple[Conversation, Message]:
    """Returns the chat and its message that message_id names; `missing` is Telegram's text for a missing one."""
    chat = open_chat(room, params)
    message = chat.get(params.integer("message_id"))
    if message is None:
        raise bad_request(missing)
    return chat, message


def must_be_able_to_pin(room: Room, chat: Conversation) -> None:
    """Raises ApiError 400 in a group unless the bot is an administrator."""
    if chat.group and not chat.group.is_administrator(room.bot.user_id):
        raise bad_request(_NO_RIGHTS)


def must_be_able_to_delete(room: Room, chat: Conversation, message: Message) -> None:
    """Raises ApiError 400 for other people's messages unless the bot is an administrator, and always for the first message."""
    others = not message.from_bot and chat.group is not None and not chat.group.is_administrator(room.bot.user_id)
    if others or message.service == "supergroup_chat_created":
        raise bad_request("message can't be deleted")
