"""The Bot API methods that ask about the bot, its chats and files, or set what it says about itself."""

from __future__ import annotations

from typing import Any

from demo.chat.errors import Json, bad_request
from demo.chat.params import Params
from demo.chat.room import Room
from demo.chat.sending import open_chat

_MENUS = ("commands", "default", "web_app")


async def get_me(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getme"""
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }
    return room.bot.as_user() | abilities


async def get_updates(room: Room, params: Params) -> list[Json]:
    """https://core.telegram.org/bots/api#getupdates"""
    kinds = params.value("allowed_updates")
    if isinstance(kinds, list):
        room.updates.want([kind for kind in kinds if isinstance(kind, str)])
    limit = min(max(params.integer("limit", 100), 1), 100)
    wait = min(max(params.integer("timeout"), 0), 50)
    return await room.updates.get(params.integer("offset"), limit, wait)


async def delete_webhook(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#deletewebhook; there never is one here."""
    if params.flag("drop_pending_updates"):
        room.updates.drop()
    return True


async def get_webhook_info(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getwebhookinfo"""
    return {"url": "", "has_custom_certificate": False, "pending_update_count": room.updates.pending}


async def get_chat(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getchat"""
    chat = open_chat(room, params)
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"),
        False,
    )
    body = chat.person.as_chat() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
    pinned = chat.get(chat.pinned[-1]) if chat.pinned else None
    return body | {"pinned_message": room.as_json(pinned)} if pinned else body


async def get_chat_member(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getchatmember"""
    chat = open_chat(room, params)
    wanted = params.integer("user_id")
    members = {chat.person.user_id: chat.person.as_user(), room.bot.user_id: room.bot.as_user()}
    if wanted not in members:
        raise bad_request("member not found")
    return {"status": "member", "user": members[wanted]}


async def get_file(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getfile"""
    stored = room.file(params.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > 20 * 1024 * 1024:
        raise bad_request("file is too big")
    return stored.as_file()


async def set_my_commands(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#setmycommands"""
    commands = params.records("commands")
    room.profile.set_commands(commands, params.record("scope"), params.text("language_code"))
    return _shown(room)


async def get_my_commands(room: Room, params: Params) -> list[Json]:
    """https://core.telegram.org/bots/api#getmycommands"""
    return room.profile.get_commands(params.record("scope"), params.text("language_code"))


async def delete_my_commands(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#deletemycommands"""
    room.profile.delete_commands(params.record("scope"), params.text("language_code"))
    return _shown(room)


async def set_my_description(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#setmydescription"""
    return _set_text(room, params, room.profile.description, "description", 512)


async def get_my_description(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getmydescription"""
    return {"description": room.profile.description_for(params.text("language_code"))}


async def set_my_short_description(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#setmyshortdescription"""
    return _set_text(room, params, room.profile.short_description, "short_description", 120)


async def get_my_short_description(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getmyshortdescription"""
    texts = room.profile.short_description
    return {"short_description": texts.get(params.text("language_code")) or texts.get("", "")}


async def set_chat_menu_button(room: Room, params: Params) -> bool:
    """https://core.telegram.org/bots/api#setchatmenubutton, for every chat alike."""
    button = params.record("menu_button") or {"type": "default"}
    if button.get("type") not in _MENUS:
        raise bad_request("can't parse MenuButton: unsupported type specified")
    room.profile.menu_button = button
    return _shown(room)


async def get_chat_menu_button(room: Room, params: Params) -> Json:
    """https://core.telegram.org/bots/api#getchatmenubutton"""
    return room.profile.menu_button


def _set_text(room: Room, params: Params, texts: dict[str, Any], name: str, longest: int) -> bool:
    text = params.text(name)
    if len(text) > longest:
        raise bad_request(f"{name} is too long")
    texts[params.text("language_code")] = text
    return _shown(room)


def _shown(room: Room) -> bool:
    """Brings the change to every open page."""
    for person in room.people:
        chat = room.chat(person.user_id)
        if chat:
            chat.touch()
    return True
