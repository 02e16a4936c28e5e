"""Reply markup as a bot sends it, parsed and refused as Telegram refuses it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from local_telegram.entities import checked_link
from local_telegram.errors import Json, bad_request
from local_telegram.model import Button, InlineKeyboard

MAX_BUTTONS = 100
_ACTIONS = ("callback_data", "url", "copy_text")
_STYLES = ("danger", "success", "primary")


@dataclass(frozen=True)
class ReplyKeyboard:
    """The buttons in place of the phone's keyboard; `rows` is empty when a bot removes or replaces them.

    `message_id`: the message that brought it; `forced`: a reply to that message is requested.
    """

    rows: tuple[tuple[str, ...], ...] = ()
    one_time: bool = False
    placeholder: str = ""
    persistent: bool = False
    resize: bool = False
    selective: bool = False
    forced: bool = False
    message_id: int = 0

    def as_json(self) -> Json:
        """Returns it for the page."""
        names = ("rows", "one_time", "placeholder", "persistent", "resize", "forced")
        return {name: getattr(self, name) for name in names} | {"message": self.message_id}


@dataclass(frozen=True)
class Markup:
    """A parsed reply_markup; `reply` is None when the message leaves the reply keyboard as it is."""

    inline: InlineKeyboard = ()
    reply: ReplyKeyboard | None = None


def parse_markup(raw: Any) -> Markup:
    """Parses the reply_markup of a send or edit method. Raises ApiError 400."""
    if raw is None or raw == {}:
        return Markup()
    if not isinstance(raw, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in raw:
        rows = _rows(raw["inline_keyboard"])
        parsed = tuple(tuple(_inline_button(button) for button in row) for row in rows)
        return Markup(inline=tuple(row for row in parsed if row))
    placeholder = str(raw.get("input_field_placeholder") or "")[:64]
    selective = raw.get("selective") is True
    if "keyboard" in raw:
        rows = _rows(raw["keyboard"])
        texts = tuple(tuple(_reply_button(button) for button in row) for row in rows)
        one_time, persistent, resize = (
            raw.get(name) is True for name in ("one_time_keyboard", "is_persistent", "resize_keyboard")
        )
        kept = tuple(row for row in texts if row)
        return Markup(reply=ReplyKeyboard(kept, one_time, placeholder, persistent, resize, selective))
    if raw.get("remove_keyboard") is True:
        return Markup(reply=ReplyKeyboard(selective=selective))
    if raw.get("force_reply") is True:
        return Markup(reply=ReplyKeyboard(placeholder=placeholder, selective=selective, forced=True))
    return Markup()


def _rows(raw: Any) -> list[list[Any]]:
    if not isinstance(raw, list):
        raise bad_request("can't parse reply keyboard markup JSON object")
    if not all(isinstance(row, list) for row in raw):
        raise bad_request('can\'t parse keyboard: field must be an "Array of Array"')
    if sum(map(len, raw)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    return raw


def _inline_button(raw: Any) -> Button:
    if not isinstance(raw, dict):
        raise bad_request("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    text = raw.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request("can't parse inline keyboard button: button text must be non-empty")
    actions = [action for action in _ACTIONS if action in raw]
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    style = raw.get("style")
    if style is not None and style not in _STYLES:
        raise bad_request("can't parse inline keyboard button: invalid button style specified")
    return _with_action(Button(text, style=style or ""), actions[0], raw[actions[0]])


def _with_action(button: Button, action: str, value: Any) -> Button:
    if action == "callback_data":
        # 1-64 bytes, https://core.telegram.org/bots/api#inlinekeyboardbutton
        if not isinstance(value, str) or not 1 <= len(value.encode()) <= 64:
            raise bad_request("BUTTON_DATA_INVALID")
        return Button(button.text, data=value, style=button.style)
    if action == "url":
        url = checked_link(value) if isinstance(value, str) else ""
        if not url:
            raise bad_request(f"inline keyboard button URL '{value}' is invalid: Wrong HTTP URL")
        return Button(button.text, url=url, style=button.style)
    copied = value.get("text") if isinstance(value, dict) else None
    if not isinstance(copied, str) or not 1 <= len(copied) <= 256:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    return Button(button.text, copy=copied, style=button.style)


def _reply_button(raw: Any) -> str:
    unknown = set(raw) - {"text", "style"} if isinstance(raw, dict) else set()
    if unknown:
        raise bad_request(f"can't parse keyboard button: the local chat has no {min(unknown)}")
    text = raw.get("text") if isinstance(raw, dict) else raw
    if not isinstance(text, str) or not re.search(r"\S", text):
        raise bad_request("can't parse keyboard button: button text must be non-empty")
    return text
