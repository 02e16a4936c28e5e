"""The Bot API methods that send: texts, photos, documents, "typing"."""

from __future__ import annotations

from dataclasses import replace

from local_telegram.conversation import Conversation
from local_telegram.entities import Entity, units, with_found, with_given
from local_telegram.errors import ApiError, Json, bad_request, too_many_requests
from local_telegram.html import parse_html
from local_telegram.markup import Markup, parse_markup
from local_telegram.model import Message, StoredFile
from local_telegram.params import Params
from local_telegram.pictures import read_picture
from local_telegram.places import open_chat, replied, topic
from local_telegram.room import MAX_CAPTION, MAX_TEXT, Room

_ACTIONS = (
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
)
_MAX_PHOTO, _MAX_DOCUMENT = 10 * 1024 * 1024, 50 * 1024 * 1024
_TOO_BIG = ApiError(413, "Request Entity Too Large")


async def send_message(room: Room, params: Params) -> Json:
    """Implements sendMessage: https://core.telegram.org/bots/api#sendmessage"""
    chat = open_chat(room, params)
    text, entities = formatted(params, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return _send(room, params, chat, _draft(room, chat, text, entities))


async def send_photo(room: Room, params: Params) -> Json:
    """Implements sendPhoto: https://core.telegram.org/bots/api#sendphoto"""
    chat = open_chat(room, params)
    draft = _draft(room, chat, *formatted_caption(params))
    return _send(room, params, chat, replace(draft, photo=photo_file(room, params, "photo")))


async def send_document(room: Room, params: Params) -> Json:
    """Implements sendDocument: https://core.telegram.org/bots/api#senddocument"""
    chat = open_chat(room, params)
    draft = _draft(room, chat, *formatted_caption(params))
    return _send(room, params, chat, replace(draft, document=document_file(room, params, "document")))


async def send_chat_action(room: Room, params: Params) -> bool:
    """Implements sendChatAction: https://core.telegram.org/bots/api#sendchataction"""
    chat = open_chat(room, params)
    if params.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    room.act(chat.chat_id, topic(chat, params, general=True), params.text("action"))
    return True


def formatted(params: Params, name: str, entities_name: str) -> tuple[str, tuple[Entity, ...]]:
    """Returns text and entities of a text or caption by its parse_mode, or as given, with those that Telegram detects itself."""
    mode = params.text("parse_mode").lower()
    if mode not in ("", "none", "html"):
        raise bad_request("unsupported parse_mode")  # the local chat supports only HTML
    source = params.text(name)
    if mode == "html":
        text, entities = parse_html(source)
    else:
        text, entities = with_given(source, params.records(entities_name))
    return text, with_found(text, entities)


def formatted_caption(params: Params) -> tuple[str, tuple[Entity, ...]]:
    """Returns the caption, at most 1024 long."""
    text, entities = formatted(params, "caption", "caption_entities")
    if units(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return text, entities


def photo_file(room: Room, params: Params, name: str) -> StoredFile:
    """Returns the picture given as upload or as the id of one sent before; limits of sendPhoto. Raises ApiError."""
    upload = params.files.get(name)
    if upload is None:
        stored = room.file(params.text(name))
        if stored is None or not stored.width:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return stored
    if len(upload.data) > _MAX_PHOTO:
        raise _TOO_BIG
    if not upload.data:
        raise bad_request("file must be non-empty")
    picture = read_picture(upload.data)
    if picture is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    longer, shorter = max(picture.width, picture.height), min(picture.width, picture.height)
    if longer + shorter > 10_000 or longer > 20 * shorter:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return room.keep_file(upload.name, upload.data, photo=True)


def document_file(room: Room, params: Params, name: str) -> StoredFile:
    """Returns the file given as upload or as the id of one sent before; limits of sendDocument. Raises ApiError."""
    upload = params.files.get(name)
    if upload is None:
        stored = room.file(params.text(name))
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return stored
    if len(upload.data) > _MAX_DOCUMENT:
        raise _TOO_BIG
    if not upload.data:
        raise bad_request("file must be non-empty")
    return room.keep_file(upload.name, upload.data, photo=False, mime=upload.mime)


def _draft(room: Room, chat: Conversation, text: str, entities: tuple[Entity, ...]) -> Message:
    return Message(0, chat.chat_id, True, room.now(), text, entities)


def _send(room: Room, params: Params, chat: Conversation, draft: Message) -> Json:
    """Does what all send methods share: topic, reply, markup, flood limit. An answer goes where the question is."""
    markup = parse_markup(params.value("reply_markup"))
    thread_id = topic(chat, params)
    answered = replied(chat, params)
    wait = room.flood_limit.retry_after(draft.chat_id) if room.flood_limit else 0
    if wait:
        raise too_many_requests(wait)
    whole = replace(
        draft,
        thread_id=thread_id or (answered.thread_id if answered else 0),
        reply_to=answered.message_id if answered else None,
        keyboard=markup.inline,
        silent=params.flag("disable_notification"),
        plain_keyboard=markup.reply is not None,
    )
    sent = room.publish(whole)
    _show_keyboard(room, chat, sent, markup, answered)
    return room.as_json(sent)


def _show_keyboard(room: Room, chat: Conversation, sent: Message, markup: Markup, answered: Message | None) -> None:
    """Shows a keyboard; a selective one goes to the people the message mentions or answers:
    https://core.telegram.org/bots/api#replykeyboardmarkup"""
    if markup.reply is None:
        return
    keyboard = replace(markup.reply, message_id=sent.message_id)
    if not (keyboard.selective and chat.group):
        chat.show_keyboard(keyboard)
        return
    named = [person.user_id for person in room.people if person.username and f"@{person.username}" in sent.text]
    asked = [answered.sender] if answered and not answered.from_bot else []
    chat.show_keyboard(keyboard, [*named, *asked])
