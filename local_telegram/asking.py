"""The Bot API methods that query the bot, its chats and files, or set its profile."""

from __future__ import annotations

import re
from typing import Any

from local_telegram.errors import Json, bad_request
from local_telegram.model import BotIdentity, Person
from local_telegram.params import Params
from local_telegram.places import open_chat
from local_telegram.room import Room

_MENUS = ("commands", "default", "web_app")


async def get_me(room: Room, params: Params) -> Json:
    """Implements getMe: https://core.telegram.org/bots/api#getme"""
    abilities = {
        "can_join_groups": True,
        "can_read_all_group_messages": not room.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }
    return room.bot.as_user() | abilities


async def get_updates(room: Room, params: Params) -> list[Json]:
    """Implements getUpdates: https://core.telegram.org/bots/api#getupdates"""
    kinds = params.value("allowed_updates")
    if isinstance(kinds, list):
        room.updates.want([kind for kind in kinds if isinstance(kind, str)])
    limit = min(max(params.integer("limit", 100), 1), 100)
    wait = min(max(params.integer("timeout"), 0), 50)
    return await room.updates.get(params.integer("offset"), limit, wait)


async def delete_webhook(room: Room, params: Params) -> bool:
    """Implements deleteWebhook: https://core.telegram.org/bots/api#deletewebhook"""
    room.updates.hooked = False
    if params.flag("drop_pending_updates"):
        room.updates.drop()
    return True


async def get_webhook_info(room: Room, params: Params) -> Json:
    """Implements getWebhookInfo: https://core.telegram.org/bots/api#getwebhookinfo"""
    return {"url": "", "has_custom_certificate": False, "pending_update_count": room.updates.pending}


async def get_chat(room: Room, params: Params) -> Json:
    """Implements getChat: https://core.telegram.org/bots/api#getchat"""
    chat = open_chat(room, params)
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"),
        False,
    )
    body = chat.home.as_chat() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
    if chat.group:
        body |= {"permissions": chat.group.permissions()}
    pinned = chat.get(chat.pinned[-1]) if chat.pinned else None
    return body | {"pinned_message": room.as_json(pinned)} if pinned else body


async def get_chat_member(room: Room, params: Params) -> Json:
    """Implements getChatMember: https://core.telegram.org/bots/api#getchatmember"""
    chat = open_chat(room, params)
    wanted = params.integer("user_id")
    user: BotIdentity | Person | None = room.bot if wanted == room.bot.user_id else room.person(wanted)
    if chat.group:
        if user is None:
            raise bad_request("PARTICIPANT_ID_INVALID")
        return chat.group.member(user, present=user is room.bot or chat.includes(wanted))
    if user is None or not (user is room.bot or chat.includes(wanted)):
        raise bad_request("member not found")
    return {"status": "member", "user": user.as_user()}


async def get_chat_administrators(room: Room, params: Params) -> list[Json]:
    """Implements getChatAdministrators: https://core.telegram.org/bots/api#getchatadministrators; other bots there are none."""
    group = open_chat(room, params).group
    if group is None:
        raise bad_request("there are no administrators in the private chat")
    users: tuple[BotIdentity | Person, ...] = (*room.people, room.bot)
    return [group.member(user, present=True) for user in users if group.is_administrator(user.user_id)]


async def get_chat_member_count(room: Room, params: Params) -> int:
    """Implements getChatMemberCount: https://core.telegram.org/bots/api#getchatmembercount"""
    group = open_chat(room, params).group
    return len(group.members) + 1 if group else 2


async def leave_chat(room: Room, params: Params) -> bool:
    """Implements leaveChat: https://core.telegram.org/bots/api#leavechat"""
    chat = open_chat(room, params)
    if chat.group is None:
        raise bad_request("chat member status can't be changed in private chats")
    room.remove_bot(chat.chat_id, chat.group.creator)
    return True


async def get_file(room: Room, params: Params) -> Json:
    """Implements getFile: https://core.telegram.org/bots/api#getfile"""
    stored = room.file(params.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > 20 * 1024 * 1024:
        raise bad_request("file is too big")
    return stored.as_file()


async def set_my_commands(room: Room, params: Params) -> bool:
    """Implements setMyCommands: https://core.telegram.org/bots/api#setmycommands"""
    commands = params.records("commands")
    room.profile.set_commands(commands, *_scope(room, params))
    return _shown(room)


async def get_my_commands(room: Room, params: Params) -> list[Json]:
    """Implements getMyCommands: https://core.telegram.org/bots/api#getmycommands"""
    return room.profile.get_commands(*_scope(room, params))


async def delete_my_commands(room: Room, params: Params) -> bool:
    """Implements deleteMyCommands: https://core.telegram.org/bots/api#deletemycommands"""
    room.profile.delete_commands(*_scope(room, params))
    return _shown(room)


async def set_my_description(room: Room, params: Params) -> bool:
    """Implements setMyDescription: https://core.telegram.org/bots/api#setmydescription"""
    return _set_text(room, params, room.profile.description, "description", 512)


async def get_my_description(room: Room, params: Params) -> Json:
    """Implements getMyDescription: https://core.telegram.org/bots/api#getmydescription"""
    return {"description": room.profile.description_for(params.text("language_code"))}


async def set_my_short_description(room: Room, params: Params) -> bool:
    """Implements setMyShortDescription: https://core.telegram.org/bots/api#setmyshortdescription"""
    return _set_text(room, params, room.profile.short_description, "short_description", 120)


async def get_my_short_description(room: Room, params: Params) -> Json:
    """Implements getMyShortDescription: https://core.telegram.org/bots/api#getmyshortdescription"""
    texts = room.profile.short_description
    return {"short_description": texts.get(params.text("language_code")) or texts.get("", "")}


async def set_chat_menu_button(room: Room, params: Params) -> bool:
    """Implements setChatMenuButton: https://core.telegram.org/bots/api#setchatmenubutton, for every chat alike."""
    button = params.record("menu_button") or {"type": "default"}
    if button.get("type") not in _MENUS:
        raise bad_request("can't parse MenuButton: unsupported type specified")
    room.profile.menu_button = button
    return _shown(room)


async def get_chat_menu_button(room: Room, params: Params) -> Json:
    """Implements getChatMenuButton: https://core.telegram.org/bots/api#getchatmenubutton"""
    return room.profile.menu_button


def _scope(room: Room, params: Params) -> tuple[Json | None, str]:
    """Reads scope and language_code; a scope of a chat must name one that the bot is in."""
    scope, language = params.record("scope"), _language(params)
    if scope and "chat_id" in scope:
        chat = open_chat(room, Params({"chat_id": scope["chat_id"]}))
        if chat.group is None and scope.get("type") != "chat":
            raise bad_request("can't use specified scope in private chats")
    return scope, language


def _language(params: Params) -> str:
    code = params.text("language_code")
    if not re.fullmatch(r"([a-z]{2})?", code):
        raise bad_request("invalid language code specified")
    return code


def _set_text(room: Room, params: Params, texts: dict[str, Any], name: str, longest: int) -> bool:
    text = params.text(name)
    if len(text) > longest:
        raise bad_request(f"{name} is too long")
    texts[_language(params)] = text
    return _shown(room)


def _shown(room: Room) -> bool:
    """Shows the change on every open page."""
    room.touch()
    return True
