"""Decides which notifications a reader receives and how loudly, by settings and role. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.reports.charts import THEMES
from bot.texts import Texts
from core.domain.access import Level, Reader, Role, Topic
from core.domain.events.access import AuthenticatorChanged, PersonJoined, PersonRevoked, StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.control import (
    ControlsChanged,
    LimitChanged,
    PanicOver,
    ProtectionReset,
    StrategyChanged,
    StrategyLimitsChanged,
)
from core.domain.events.orders import OrderExecuted
from core.domain.events.process import DigestMade
from core.domain.events.signals import SignalRefused
from core.domain.events.symbol_halts import SymbolHalted
from core.domain.events.table import Event, topic_of
from core.domain.outbox_item import OutboxItem

_OFF_FOR_ALL: Mapping[Topic, Level] = dict.fromkeys(Topic, Level.OFF)
DEFAULTS: Mapping[Role, Mapping[Topic, Level]] = {
    Role.OWNER: {
        **dict.fromkeys(Topic, Level.LOUD),
        Topic.REFUSALS: Level.SILENT,  # nothing was traded, and nobody has to act; those that do are problems
        Topic.DIGESTS: Level.SILENT,
    },
    Role.TRADER: {
        **dict.fromkeys(Topic, Level.LOUD),
        Topic.REFUSALS: Level.SILENT,
        Topic.SYSTEM: Level.OFF,
        Topic.DIGESTS: Level.SILENT,
    },
    Role.VIEWER: {**_OFF_FOR_ALL, Topic.TRADES: Level.SILENT, Topic.DIGESTS: Level.SILENT},
}
"""The levels of a role whose person has set nothing."""

_ANSWERED = ControlsChanged | LimitChanged | ProtectionReset | StrategyChanged | StrategyLimitsChanged
"""Changes by a person, whose own chat had its answer already."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A chat that receives notifications, in its current state. `key` names it in the ledger, `thread_id` is a group's topic,
    `reader` holds its settings; `bot_name` is for links to the bot; `since` is when a person was let in (again).
    `notified_elsewhere`: its people read everything in the owner's group, so that nothing is sent twice unasked."""

    key: str
    chat_id: int
    role: Role
    reader: Reader
    texts: Texts
    thread_id: int | None = None
    notified_elsewhere: bool = False
    bot_name: str = ""
    since: datetime | None = None

    @property
    def theme(self) -> str:
        """Returns the theme of this chat's charts."""
        return theme_of(self.reader)

    def level_of(self, topic: Topic) -> Level:
        """Returns the level that was set, otherwise the role's default."""
        default = Level.OFF if self.notified_elsewhere else DEFAULTS[self.role][topic]
        return self.reader.levels.get(topic, default)

    def level(self, event: Event) -> Level:
        """Returns how this reader is notified of `event`. Events about people go to owners only; a person who changed a
        setting already had the answer in this chat."""
        if isinstance(event, StrangerSeen | PersonJoined | PersonRevoked | AuthenticatorChanged) and self.role < Role.OWNER:
            return Level.OFF
        if isinstance(event, DigestMade) and event.digest.chat_id != self.chat_id:
            return Level.OFF
        if isinstance(event, _ANSWERED) and event.by == self.chat_id:
            return Level.OFF
        return self.level_of(topic_of(event))

    def is_notified(self, item: OutboxItem) -> bool:
        """Tells whether this reader is notified at all: never of anything from before they had the right."""
        return self.level(item.event) is not Level.OFF and (self.since is None or item.at >= self.since)

    def is_quiet(self, now: datetime) -> bool:
        """Tells whether non-urgent events wait: muted, or quiet hours by this reader's clock."""
        if self.reader.muted_until is not None and now < self.reader.muted_until:
            return True
        return self.reader.quiet is not None and self.reader.quiet.include(now.astimezone(self.texts.zone).time())


def theme_of(reader: Reader) -> str:
    """Returns the theme of a chat's charts; dark where none was chosen."""
    return reader.theme or THEMES[0]


def batchable(items: Sequence[OutboxItem]) -> list[OutboxItem]:
    """Returns the first of `items` that need no message of their own, up to one that does."""
    alike: list[OutboxItem] = []
    for item in items:
        own = isinstance(item.event, ApprovalRequested | ApprovalClosed | SymbolHalted | DigestMade | PanicOver)
        if own or (isinstance(item.event, ControlsChanged) and item.event.begins_panic):
            break
        alike.append(item)
    return alike


def role_to_tap(item: OutboxItem) -> Role:
    """Returns the least role that may use the buttons of an event."""
    match item.event:
        case SymbolHalted():
            return Role.OWNER
        case ApprovalRequested() | SignalRefused(lost_exit=True) | OrderExecuted():
            return Role.TRADER
        case _:
            return Role.VIEWER
