"""The Bot API methods by which a bot sends: texts, photos, documents, "typing"."""

from __future__ import annotations

from dataclasses import replace

from demo.chat.entities import Entity, plain, units, with_found
from demo.chat.errors import ApiError, Json, bad_request, too_many_requests
from demo.chat.html import parse_html
from demo.chat.markup import Markup, parse_markup
from demo.chat.model import Message, StoredFile
from demo.chat.params import Params
from demo.chat.pictures import read_picture
from demo.chat.private_chat import PrivateChat
from demo.chat.room import MAX_CAPTION, MAX_TEXT, Room

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
    """https://core.telegram.org/bots/api#sendmessage"""
    chat = open_chat(room, params)
    text, entities = formatted(params, "text")
    if not text:
        raise bad_request("message text is empty")
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long")
    return _send(room, params, _draft(room, chat, text, entities))


async def send_photo(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#sendphoto"""
    chat = open_chat(room, params)
    draft = _draft(room, chat, *formatted_caption(params))
    return _send(room, params, replace(draft, photo=photo_file(room, params, "photo")))


async def send_document(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#senddocument"""
    chat = open_chat(room, params)
    draft = _draft(room, chat, *formatted_caption(params))
    return _send(room, params, replace(draft, document=_document_file(room, params)))


async def send_chat_action(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#sendchataction"""
    chat = open_chat(room, params)
    if params.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    room.typing(chat.person.user_id)
    return True


def open_chat(room: Room, params: Params) -> PrivateChat:
    """The chat that chat_id names, if the bot may write to it. Raises ApiError 400, or 403 when it is blocked."""
    if not params.text("chat_id"):
        raise bad_request("chat_id is empty")
    try:
        chat = room.chat(params.integer("chat_id"))
    except ApiError:
        chat = None  # an @username; private chats have ids only
    if chat is None or not chat.started:
        raise bad_request("chat not found")
    if chat.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    return chat


def formatted(params: Params, name: str) -> tuple[str, tuple[Entity, ...]]:
    """Text and entities of a text or caption by its parse_mode, with what Telegram finds by itself."""
    mode = params.text("parse_mode").lower()
    if mode not in ("", "none", "html"):
        raise bad_request("unsupported parse_mode")  # the local chat knows HTML alone
    source = params.text(name)
    text, entities = parse_html(source) if mode == "html" else plain(source)
    return text, with_found(text, entities)


def formatted_caption(params: Params) -> tuple[str, tuple[Entity, ...]]:
    """The caption, at most 1024 long."""
    text, entities = formatted(params, "caption")
    if units(text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return text, entities


def photo_file(room: Room, params: Params, name: str) -> StoredFile:
    """The picture given as upload or as the id of one sent before; limits of sendPhoto. Raises ApiError."""
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


def _document_file(room: Room, params: Params) -> StoredFile:
    upload = params.files.get("document")
    if upload is None:
        stored = room.file(params.text("document"))
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return stored
    if len(upload.data) > _MAX_DOCUMENT:
        raise _TOO_BIG
    if not upload.data:
        raise bad_request("file must be non-empty")
    return room.keep_file(upload.name, upload.data, photo=False, mime=upload.mime)


def _draft(room: Room, chat: PrivateChat, text: str, entities: tuple[Entity, ...]) -> Message:
    return Message(0, chat.person.user_id, True, room.now(), text, entities)


def _send(room: Room, params: Params, draft: Message) -> Json:
    """What all send methods share: reply, markup, flood limit."""
    markup = parse_markup(params.value("reply_markup"))
    reply_to = _reply_to(room, params, draft.chat_id)
    wait = room.flood_limit.retry_after(draft.chat_id) if room.flood_limit else 0
    if wait:
        raise too_many_requests(wait)
    whole = replace(
        draft,
        reply_to=reply_to,
        keyboard=markup.inline,
        silent=params.flag("disable_notification"),
        plain_keyboard=markup.reply is not None,
    )
    _show_keyboard(room, draft.chat_id, markup)
    return room.as_json(room.publish(whole))


def _show_keyboard(room: Room, chat_id: int, markup: Markup) -> None:
    chat = room.chat(chat_id)
    if chat and markup.reply is not None:
        chat.keyboard = markup.reply


def _reply_to(room: Room, params: Params, chat_id: int) -> int | None:
    parameters = params.record("reply_parameters") or {}
    wanted = parameters.get("message_id") or params.integer("reply_to_message_id")
    if not wanted:
        return None
    chat = room.chat(chat_id)
    if chat and isinstance(wanted, int) and chat.get(wanted):
        return wanted
    if parameters.get("allow_sending_without_reply") is True or params.flag("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")
