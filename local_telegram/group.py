"""A supergroup: its members and their rights, and which messages a bot in privacy mode receives."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_telegram.errors import Json
from local_telegram.model import BotIdentity, Message, Person

GENERAL = 1  # message_thread_id of a forum's first topic, which no message carries
TOPIC_COLORS = (0x6FB9F0, 0xFFD67E, 0xCB86DB, 0x8EEE98, 0xFF93B2, 0xFB6F5F)  # the colours that the Bot API names
_OWN_RIGHTS = ("can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics")
_RIGHTS = (
    *("can_be_edited", "can_manage_chat", "can_delete_messages", "can_manage_video_chats", "can_restrict_members"),
    *("can_promote_members", "can_post_stories", "can_edit_stories", "can_delete_stories"),
    *_OWN_RIGHTS,
)
_MAY_SEND = (
    *("can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos"),
    *("can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages", "can_add_web_page_previews"),
)


@dataclass(frozen=True)
class Group:
    """A supergroup, a forum where it has `topics`. Members and administrators are user ids, the bot's among the administrators
    where it is one; the first member created the group."""

    chat_id: int
    title: str
    members: tuple[int, ...]
    topics: tuple[str, ...] = ()
    administrators: frozenset[int] = frozenset()

    @property
    def is_forum(self) -> bool:
        """Tells whether it has topics."""
        return bool(self.topics)

    @property
    def creator(self) -> int:
        """Returns its creator."""
        return self.members[0]

    def is_administrator(self, user_id: int) -> bool:
        """Tells whether a user is an administrator; the creator is one."""
        return user_id == self.creator or user_id in self.administrators

    def as_chat(self) -> Json:
        """Returns the Bot API's Chat."""
        body = {"id": self.chat_id, "type": "supergroup", "title": self.title}
        return body | ({"is_forum": True} if self.is_forum else {})

    def permissions(self) -> Json:
        """Returns the Bot API's ChatPermissions: the rights of every member."""
        return dict.fromkeys((*_MAY_SEND, "can_invite_users"), True) | dict.fromkeys(
            ("can_change_info", "can_pin_messages", "can_manage_topics"), False
        )

    def member(self, user: Person | BotIdentity, *, present: bool) -> Json:
        """Returns the Bot API's ChatMember of somebody, member or not."""
        body = {"user": user.as_user()}
        if not present:
            return body | {"status": "left"}
        if user.user_id == self.creator:
            return body | {"status": "creator", "is_anonymous": False}
        if user.user_id in self.administrators:
            return body | {"status": "administrator", "is_anonymous": False} | dict.fromkeys(_RIGHTS, True)
        return body | {"status": "member"}


def bot_sees(message: Message, group: Group, bot: BotIdentity, replied: Message | None, *, privacy: bool) -> bool:
    """Tells whether the bot receives a person's message: https://core.telegram.org/bots/features#privacy-mode

    In privacy mode only commands that are not another bot's, messages that mention the bot, and answers to its own; an
    administrator receives everything.
    """
    if not privacy or bot.user_id in group.administrators or message.service:
        return True
    if replied is not None and replied.from_bot:
        return True
    name = rf"@{re.escape(bot.username)}(?!\w)"
    return bool(re.search(rf"^/\w{{1,64}}({name})?(?![\w@/])|(?<!\w){name}", message.text, re.IGNORECASE))
