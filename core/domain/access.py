"""Roles, invites, one-time codes, and each reader's notification settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """A viewer may ask, a trader may also decide and trade, an owner may do everything. Anybody without a role gets no answer."""

    VIEWER = 1
    TRADER = 2
    OWNER = 3


MAY_INVITE = Role.OWNER
"""The lowest role that may invite others."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person who was let in through the chat. `user_id` is Telegram's; `revoked_at` is when access was revoked; `inviter` is
    the id of the person who made the link, 0 if it was not kept."""

    user_id: int
    name: str
    role: Role
    invited_by: str
    since: datetime
    revoked_at: datetime | None = None
    inviter: int = 0


@dataclass(frozen=True, slots=True)
class Invite:
    """A link that lets one person in, once, before `expires_at`, and only as long as its maker, the person with the id `inviter`,
    may still invite. Only the SHA-256 of its secret is kept, as `digest` (hex): a reader of the ledger cannot use it. `used_by`
    is 0 if it was withdrawn."""

    digest: str
    role: Role
    invited_by: str
    made_at: datetime
    expires_at: datetime
    used_by: int | None = None
    inviter: int = 0


@dataclass(frozen=True, slots=True)
class Authenticator:
    """The source of a person's one-time codes, besides the key of TG_TOTP_SECRET: `salt`, which is no secret by itself. `key`
    names that key: another one produces other codes. `step` is the RFC 6238 step of the last code that was used, so that each is
    valid once. `wrong` counts the wrong codes in a row; after too many, codes are ignored until `locked_until`. `ended_at` is
    when it stopped being valid."""

    user_id: int
    salt: str
    key: str
    since: datetime
    step: int
    ended_at: datetime | None = None
    wrong: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Tells whether its codes are ignored."""
        return self.locked_until is not None and now < self.locked_until


class Topic(StrEnum):
    """The subjects of notifications."""

    APPROVALS = "approvals"
    TRADES = "trades"
    REFUSALS = "refusals"
    PROBLEMS = "problems"
    SYSTEM = "system"
    DIGESTS = "digests"


class Level(StrEnum):
    """The way a notification arrives: with a sound, without one, or not at all."""

    LOUD = "loud"
    SILENT = "silent"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The time from `start` to `end` by the reader's own clock; past midnight if `end` is the earlier one."""

    start: time
    end: time

    def include(self, local: time) -> bool:
        """Tells whether `local`, a time of day, falls into the quiet hours."""
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True)
class Reader:
    """A chat that receives notifications, and its settings: a person's private chat (`chat_id` is the person's id) or a group.

    `language`, `zone` (IANA's name) and `theme` (of charts) are empty if none was chosen; `levels` holds the topics that were
    set, the rest follow the role. During quiet hours and while muted, non-urgent notifications wait. `active` is False once the
    person has blocked the bot. `heartbeat_hours` is the interval of the message that all is well; 0 is never.
    """

    chat_id: int
    language: str = ""
    zone: str = ""
    levels: Mapping[Topic, Level] = field(default_factory=dict)
    quiet: QuietHours | None = None
    muted_until: datetime | None = None
    active: bool = True
    heartbeat_hours: int = 0
    theme: str = ""
