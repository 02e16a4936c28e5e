"""The bot's profile: commands, descriptions, the menu button."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from local_telegram.errors import Json, bad_request
from local_telegram.group import Group

_DEFAULT = {"type": "default"}
_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


@dataclass
class Profile:
    """The profile set by the bot and shown by the page. Texts are kept by language code, "" being every language."""

    description: dict[str, str] = field(default_factory=dict)
    short_description: dict[str, str] = field(default_factory=dict)
    menu_button: Json = field(default_factory=lambda: {"type": "commands"})
    _commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)

    def set_commands(self, commands: list[Json], scope: Json | None, language: str) -> None:
        """Replaces the commands of one scope and language. Raises ApiError 400."""
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        self._commands[_scope_key(scope), language] = [_checked(command) for command in commands]

    def get_commands(self, scope: Json | None, language: str) -> list[Json]:
        """Returns the commands of exactly this scope and language."""
        return self._commands.get((_scope_key(scope), language), [])

    def delete_commands(self, scope: Json | None, language: str) -> None:
        """Forgets the commands of this scope and language; the wider scope shows through again."""
        self._commands.pop((_scope_key(scope), language), None)

    def commands_for(self, person_id: int, language: str, group: Group | None = None) -> list[Json]:
        """Returns this person's menu: the narrowest scope first, their language before every language.

        The order is Telegram's: https://core.telegram.org/bots/api#determining-list-of-commands
        """
        for scope in _scopes_in(group, person_id) if group else _scopes_of(person_id):
            for code in (language, ""):
                found = self._commands.get((_scope_key(scope), code))
                if found is not None:
                    return found
        return []

    def description_for(self, language: str) -> str:
        """Returns the text of an empty chat."""
        return self.description.get(language) or self.description.get("", "")


def _scopes_of(person_id: int) -> tuple[Json, ...]:
    return {"type": "chat", "chat_id": person_id}, {"type": "all_private_chats"}, _DEFAULT


def _scopes_in(group: Group, person_id: int) -> tuple[Json, ...]:
    chat, leads = {"chat_id": group.chat_id}, group.is_administrator(person_id)
    scopes = (
        ({"type": "chat_member", "user_id": person_id} | chat, True),
        ({"type": "chat_administrators"} | chat, leads),
        ({"type": "chat"} | chat, True),
        ({"type": "all_chat_administrators"}, leads),
        ({"type": "all_group_chats"}, True),
        (_DEFAULT, True),
    )
    return tuple(scope for scope, counts in scopes if counts)


def _scope_key(scope: Json | None) -> str:
    scope = scope or _DEFAULT
    kind = scope.get("type")
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    ids = {name: str(scope.get(name)) for name in _SCOPES[kind]}
    return json.dumps({"type": kind} | ids, sort_keys=True)


def _checked(command: Json) -> Json:
    """Checks the rules of https://core.telegram.org/bots/api#botcommand; drops a leading slash, as Telegram does."""
    name, description = command.get("command"), command.get("description")
    if not isinstance(name, str) or not isinstance(description, str):
        raise bad_request("can't parse BotCommand: fields must be of type String")
    name = name.removeprefix("/")
    if not re.fullmatch(r"[a-z0-9_]{1,32}", name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(description.strip()) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description.strip()}
