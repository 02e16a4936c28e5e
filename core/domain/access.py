"""Who may do what, who was invited, and what each wants to be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import IntEnum, StrEnum


class Role(IntEnum):
    """A viewer asks, a trader also decides and trades, an owner may do everything. Whoever has none gets no answer."""

    VIEWER = 1
    TRADER = 2
    OWNER = 3


MAY_INVITE = Role.OWNER
"""The least role that lets somebody else in."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who was let in through the chat. `user_id` is Telegram's; `revoked_at` is when the right ended; `inviter` is the
    id of who made the link, 0 where it was not kept."""

    user_id: int
    name: str
    role: Role
    invited_by: str
    since: datetime
    revoked_at: datetime | None = None
    inviter: int = 0


@dataclass(frozen=True, slots=True)
class Invite:
    """A link that lets one person in, once, before `expires_at`, and only as long as `inviter`, the id of who made it, may still
    invite. Its word is kept as `digest` only (SHA-256, hex): who reads the ledger cannot use it. `used_by` is 0 where it was
    withdrawn."""

    digest: str
    role: Role
    invited_by: str
    made_at: datetime
    expires_at: datetime
    used_by: int | None = None
    inviter: int = 0


@dataclass(frozen=True, slots=True)
class Authenticator:
    """What makes somebody's one-time codes, besides the key of TG_TOTP_SECRET: `salt`, which is no secret by itself. `key` names
    that key: with another one the codes are others. `step` is the RFC 6238 step of the last code that was used, so that each is
    good once. `wrong` counts the wrong codes in a row, `locked_until` is when the next one is looked at again after too many.
    `ended_at` is when it ceased to count."""

    user_id: int
    salt: str
    key: str
    since: datetime
    step: int
    ended_at: datetime | None = None
    wrong: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Tells whether no code of it is looked at."""
        return self.locked_until is not None and now < self.locked_until


class Topic(StrEnum):
    """What one may be told of."""

    APPROVALS = "approvals"
    TRADES = "trades"
    REFUSALS = "refusals"
    PROBLEMS = "problems"
    SYSTEM = "system"
    DIGESTS = "digests"


class Level(StrEnum):
    """How one is told: with a sound, without one, or not at all."""

    LOUD = "loud"
    SILENT = "silent"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` by the reader's own clock; past midnight where `end` is the earlier one."""

    start: time
    end: time

    def include(self, local: time) -> bool:
        """Whether it is quiet at this time of day."""
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True)
class Reader:
    """A chat that is told what happens, and how: a person's private chat (`chat_id` is the person's id) or a group.

    `language` and `zone` (IANA's name) are empty where none was chosen; `levels` holds what was set, topic by topic, the rest
    goes by the role. While it is quiet or muted, what is not urgent waits. `active` is False once the person has blocked the bot.
    `heartbeat_hours` is how often one is told that all is well; 0 is never.
    """

    chat_id: int
    language: str = ""
    zone: str = ""
    levels: Mapping[Topic, Level] = field(default_factory=dict)
    quiet: QuietHours | None = None
    muted_until: datetime | None = None
    active: bool = True
    heartbeat_hours: int = 0
