"""The Bot API methods that change sent messages: edit, delete, pin, react, answer a pressed button."""

from __future__ import annotations

from dataclasses import replace

from local_telegram.entities import checked_link, units
from local_telegram.errors import Json, bad_request
from local_telegram.markup import parse_markup
from local_telegram.model import Message
from local_telegram.params import Params
from local_telegram.places import must_be_able_to_delete, must_be_able_to_pin, named_message, open_chat
from local_telegram.room import MAX_TEXT, Room
from local_telegram.sending import document_file, formatted, formatted_caption, photo_file

# https://core.telegram.org/bots/api#reactiontypeemoji
_EMOJI = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 "
    "❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 "
    "👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 "
    "😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡"
)
_REACTIONS = frozenset(_EMOJI.split())
_MEDIA = {"photo": photo_file, "document": document_file}
_MEDIA_FIELDS = frozenset(
    {"type", "media", "caption", "parse_mode", "caption_entities", "has_spoiler", "disable_content_type_detection"}
)
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


async def edit_message_text(room: Room, params: Params) -> Json:
    """Implements editMessageText: https://core.telegram.org/bots/api#editmessagetext"""
    message = _editable(room, params)
    text, entities = formatted(params, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long")
    if message.file:
        raise bad_request("there is no text in the message to edit")
    return _edit(room, params, message, replace(message, text=text, entities=entities))


async def edit_message_caption(room: Room, params: Params) -> Json:
    """Implements editMessageCaption: https://core.telegram.org/bots/api#editmessagecaption"""
    message = _editable(room, params)
    text, entities = formatted_caption(params)
    if not message.file:
        raise bad_request("there is no caption in the message to edit")
    return _edit(room, params, message, replace(message, text=text, entities=entities))


async def edit_message_media(room: Room, params: Params) -> Json:
    """Implements editMessageMedia: https://core.telegram.org/bots/api#editmessagemedia, for photos and documents."""
    message = _editable(room, params)
    media = params.record("media") or {}
    kind = str(media.get("type"))
    if kind not in _MEDIA:
        raise bad_request("can't parse InputMedia: the local chat takes media of type photo and document")
    unknown = set(media) - _MEDIA_FIELDS
    if unknown:
        raise bad_request(f"can't parse InputMedia: the local chat has no {min(unknown)}")
    inner = Params(media, params.files)
    name = inner.text("media").removeprefix("attach://")
    named = Params({name: inner.text("media")}, params.files)
    stored = _MEDIA[kind](room, named, name)
    text, entities = formatted_caption(inner)
    photo, document = (stored, None) if kind == "photo" else (None, stored)
    new = replace(message, photo=photo, document=document, text=text, entities=entities)
    return _edit(room, params, message, new)


async def edit_message_reply_markup(room: Room, params: Params) -> Json:
    """Implements editMessageReplyMarkup: https://core.telegram.org/bots/api#editmessagereplymarkup"""
    message = _editable(room, params)
    return _edit(room, params, message, message, content=False)


async def delete_message(room: Room, params: Params) -> bool:
    """Implements deleteMessage: https://core.telegram.org/bots/api#deletemessage"""
    chat, message = named_message(room, params, "message to delete not found")
    must_be_able_to_delete(room, chat, message)
    chat.delete(message.message_id)
    return True


async def pin_chat_message(room: Room, params: Params) -> bool:
    """Implements pinChatMessage: https://core.telegram.org/bots/api#pinchatmessage"""
    chat, message = named_message(room, params, "message to pin not found")
    must_be_able_to_pin(room, chat)
    chat.pinned = (*(kept for kept in chat.pinned if kept != message.message_id), message.message_id)
    chat.touch()
    return True


async def unpin_chat_message(room: Room, params: Params) -> bool:
    """Implements unpinChatMessage: https://core.telegram.org/bots/api#unpinchatmessage"""
    chat = open_chat(room, params)
    must_be_able_to_pin(room, chat)
    wanted = params.integer("message_id") or next(reversed(chat.pinned), 0)
    if wanted not in chat.pinned:
        raise bad_request("message to unpin not found")
    chat.pinned = tuple(kept for kept in chat.pinned if kept != wanted)
    chat.touch()
    return True


async def set_message_reaction(room: Room, params: Params) -> bool:
    """Implements setMessageReaction: https://core.telegram.org/bots/api#setmessagereaction; a bot sets at most one."""
    chat, message = named_message(room, params, "message to react not found")
    emoji = tuple(reaction.get("emoji") for reaction in params.records("reaction"))
    if len(emoji) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if not all(isinstance(one, str) and one.replace("\ufe0f", "") in _REACTIONS for one in emoji):
        raise bad_request("REACTION_INVALID")
    chat.put(replace(message, reactions=tuple(str(one) for one in emoji)))
    return True


async def answer_callback_query(room: Room, params: Params) -> bool:
    """Implements answerCallbackQuery: https://core.telegram.org/bots/api#answercallbackquery"""
    text = params.text("text")
    if units(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    notice = {"text": text, "alert": params.flag("show_alert"), "url": checked_link(params.text("url"))}
    if not room.answer(params.text("callback_query_id"), notice):
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    return True


def _editable(room: Room, params: Params) -> Message:
    """Returns the message to edit: the bot's own, and without a reply keyboard."""
    _, message = named_message(room, params, "message to edit not found")
    if not message.from_bot or message.plain_keyboard:
        raise bad_request("message can't be edited")
    return message


def _edit(room: Room, params: Params, old: Message, new: Message, *, content: bool = True) -> Json:
    """Replaces a message; an edit without a keyboard removes it. Only new content is marked as edited."""
    new = replace(new, keyboard=parse_markup(params.value("reply_markup")).inline)
    if new == old:
        raise bad_request(_NOT_MODIFIED)
    new = replace(new, edited_at=room.now()) if content else new
    chat = room.chat(old.chat_id)
    if chat:
        chat.put(new)
    return room.as_json(new)
