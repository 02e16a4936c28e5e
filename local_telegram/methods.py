"""Every method of the local Bot API, and its parameters.

Telegram ignores an unknown parameter. Here it is refused, so that code relying on one fails before the first real chat. A known
parameter without a visible effect here is accepted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_telegram import asking, editing, sending
from local_telegram.errors import bad_request
from local_telegram.params import Params
from local_telegram.room import Room

_ATTACHED = "attach://"


@dataclass(frozen=True)
class Method:
    """One method of the Bot API with the names of its parameters."""

    name: str
    call: Callable[[Room, Params], Awaitable[Any]]
    parameters: frozenset[str]

    def check(self, params: Params) -> None:
        """Raises ApiError 400 for a parameter that the method does not have here; a file may also be one that another names."""
        unknown = set(params.fields) - self.parameters
        named = " ".join(str(value) for value in params.fields.values())
        unknown |= {name for name in params.files if name not in self.parameters and f"{_ATTACHED}{name}" not in named}
        if unknown:
            raise bad_request(f"{self.name} has no parameter {min(unknown)} in the local chat")


_SENT = (
    "chat_id message_thread_id disable_notification protect_content allow_paid_broadcast message_effect_id "
    "reply_parameters reply_markup reply_to_message_id allow_sending_without_reply"
)
_TEXT = "text parse_mode entities link_preview_options disable_web_page_preview"
_CAPTION = "caption parse_mode caption_entities show_caption_above_media"
_MESSAGE = "chat_id message_id"
_SCOPE = "scope language_code"

_TABLE: tuple[tuple[str, Callable[[Room, Params], Awaitable[Any]], str], ...] = (
    ("getMe", asking.get_me, ""),
    ("getUpdates", asking.get_updates, "offset limit timeout allowed_updates"),
    ("deleteWebhook", asking.delete_webhook, "drop_pending_updates"),
    ("getWebhookInfo", asking.get_webhook_info, ""),
    ("getChat", asking.get_chat, "chat_id"),
    ("getChatMember", asking.get_chat_member, "chat_id user_id"),
    ("getChatAdministrators", asking.get_chat_administrators, "chat_id"),
    ("getChatMemberCount", asking.get_chat_member_count, "chat_id"),
    ("leaveChat", asking.leave_chat, "chat_id"),
    ("getFile", asking.get_file, "file_id"),
    ("setMyCommands", asking.set_my_commands, f"commands {_SCOPE}"),
    ("getMyCommands", asking.get_my_commands, _SCOPE),
    ("deleteMyCommands", asking.delete_my_commands, _SCOPE),
    ("setMyDescription", asking.set_my_description, "description language_code"),
    ("getMyDescription", asking.get_my_description, "language_code"),
    ("setMyShortDescription", asking.set_my_short_description, "short_description language_code"),
    ("getMyShortDescription", asking.get_my_short_description, "language_code"),
    ("setChatMenuButton", asking.set_chat_menu_button, "chat_id menu_button"),
    ("getChatMenuButton", asking.get_chat_menu_button, "chat_id"),
    ("sendMessage", sending.send_message, f"{_SENT} {_TEXT}"),
    ("sendPhoto", sending.send_photo, f"{_SENT} {_CAPTION} photo has_spoiler"),
    ("sendDocument", sending.send_document, f"{_SENT} {_CAPTION} document thumbnail disable_content_type_detection"),
    ("sendChatAction", sending.send_chat_action, "chat_id message_thread_id action"),
    ("editMessageText", editing.edit_message_text, f"{_MESSAGE} {_TEXT} reply_markup"),
    ("editMessageCaption", editing.edit_message_caption, f"{_MESSAGE} {_CAPTION} reply_markup"),
    ("editMessageMedia", editing.edit_message_media, f"{_MESSAGE} media reply_markup"),
    ("editMessageReplyMarkup", editing.edit_message_reply_markup, f"{_MESSAGE} reply_markup"),
    ("deleteMessage", editing.delete_message, _MESSAGE),
    ("pinChatMessage", editing.pin_chat_message, f"{_MESSAGE} disable_notification"),
    ("unpinChatMessage", editing.unpin_chat_message, _MESSAGE),
    ("setMessageReaction", editing.set_message_reaction, f"{_MESSAGE} reaction is_big"),
    ("answerCallbackQuery", editing.answer_callback_query, "callback_query_id text show_alert url cache_time"),
)
METHODS: Mapping[str, Method] = {
    # Names are case-insensitive at Telegram.
    name.lower(): Method(name, call, frozenset(parameters.split()))
    for name, call, parameters in _TABLE
}
