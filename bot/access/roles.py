"""Permissions: the people in TG_USERS, and those who joined by an invitation link. Everybody else is a stranger."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.access import Role
from core.state.portfolio import Portfolio

INVITE_PREFIX = "in_"
"""The prefix of an invitation's word in a link: https://core.telegram.org/bots/features#deep-linking, up to 64 of A-Z, a-z,
0-9, _ and -."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Roles by user id. `portfolio` stores them; `names` are the names that people with a right had when they last wrote to
    this process."""

    portfolio: Portfolio
    names: dict[int, str] = field(default_factory=dict)

    def role(self, user_id: int) -> Role | None:
        """Returns a person's role; None for a stranger."""
        return self.portfolio.role(user_id)

    @property
    def fixed(self) -> Mapping[int, Role]:
        """Returns the roles of TG_USERS, which the chat can neither add to nor revoke."""
        return self.portfolio.fixed

    def roles(self) -> Mapping[int, Role]:
        """Returns everybody's role by user id."""
        return {user_id: person.role for user_id, person in self.portfolio.people.items()} | dict(self.fixed)

    def lets_in(self, word: str, now: datetime) -> bool:
        """Tells whether a link's word belongs to an invitation that is still open."""
        invite = self.portfolio.invites.get(digest_of(word))
        return invite is not None and self.portfolio.granted(invite, now) is not None


def new_invite_token() -> str:
    """Returns an unguessable word for a link, without trailing characters that a chat takes for the end of a sentence."""
    return INVITE_PREFIX + secrets.token_hex(16)


def digest_of(word: str) -> str:
    """Returns the digest that is stored in its place."""
    return hashlib.sha256(word.encode()).hexdigest()


def invite_token_in(text: str) -> str | None:
    """Returns the invitation's word in a message that is `/start in_…` and nothing else."""
    words = text.split()
    return words[1] if len(words) == 2 and words[0] == "/start" and words[1].startswith(INVITE_PREFIX) else None
