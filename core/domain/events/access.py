"""Events about people and their rights."""

from dataclasses import dataclass
from typing import Literal

from core.domain.access import Person
from core.domain.events.priority import Priority


@dataclass(frozen=True, slots=True)
class StrangerSeen:
    """A person who is not listed wrote to the bot or tapped a button. Reported once per person."""

    user_id: int
    name: str
    kind: Literal["stranger"] = "stranger"
    priority: Priority = Priority.CHATTY


@dataclass(frozen=True, slots=True)
class PersonJoined:
    """Somebody joined by a link."""

    person: Person
    kind: Literal["person_joined"] = "person_joined"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class PersonRevoked:
    """Somebody's access was revoked; `by` is the person who did it."""

    person: Person
    by: str
    kind: Literal["person_revoked"] = "person_revoked"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class AuthenticatorChanged:
    """The one-time codes of `person` come from another authenticator from now on, or from none if `ended`; `by` made the
    change."""

    person: int
    by: str
    ended: bool = False
    kind: Literal["authenticator_changed"] = "authenticator_changed"
    priority: Priority = Priority.NORMAL
