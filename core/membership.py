"""Who is let in, who is shown out, and how each wants to be told: what a wish about people changes. Decides; commits nothing."""

from dataclasses import replace
from datetime import timedelta

from core.book import Book
from core.domain.events import PersonJoined, PersonRevoked
from core.domain.messages import InviteRequested, InvitesWithdrawn, InviteUsed, ReaderRequested, RevokeRequested
from core.domain.people import Invite, Person, Role
from core.domain.reasons import Reason, reason
from core.ports import Changes, Clock

INVITE_LIFETIME = timedelta(hours=24)
MOST_INVITES = 20
WITHDRAWN = 0

Wish = InviteRequested | InviteUsed | InvitesWithdrawn | RevokeRequested | ReaderRequested


class Membership:
    """What a wish comes to, by the present state of the book."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def changes_of(self, wish: Wish) -> Changes | Reason:
        """What is to be committed, or why nothing is."""
        match wish:
            case InviteRequested():
                return self._invite(wish)
            case InviteUsed():
                return self._join(wish)
            case InvitesWithdrawn():
                return Changes(invites=self._withdrawn())
            case RevokeRequested():
                return self._revoke(wish)
            case ReaderRequested():
                return self._told_otherwise(wish)

    def _invite(self, wish: InviteRequested) -> Changes | Reason:
        now = self._clock.now()
        good = [invite for invite in self._book.invites.values() if invite.is_good(now)]
        if len(good) >= MOST_INVITES:
            return reason("too_many_invites", count=len(good))
        # Links that nobody came by are tidied away as new ones are made.
        old = [replace(invite, used_by=WITHDRAWN) for invite in self._book.invites.values() if not invite.is_good(now)]
        return Changes(invites=[*old, Invite(wish.digest, wish.role, wish.who, now, now + INVITE_LIFETIME)])

    def _join(self, wish: InviteUsed) -> Changes | Reason:
        invite, now = self._book.invites.get(wish.digest), self._clock.now()
        if invite is None or not invite.is_good(now):
            return reason("invite_gone")
        person = Person(wish.user_id, wish.who, invite.role, invite.invited_by, now)
        return Changes(people=[person], invites=[replace(invite, used_by=wish.user_id)], events=[PersonJoined(person)])

    def _revoke(self, wish: RevokeRequested) -> Changes | Reason:
        person = self._book.people.get(wish.person)
        if person is None:
            return reason("not_a_person", person=wish.person)
        gone = replace(person, revoked_at=self._clock.now())
        # An owner makes links: one kept for oneself would be a way back in.
        invites = self._withdrawn() if person.role is Role.OWNER else []
        return Changes(people=[gone], invites=invites, events=[PersonRevoked(gone, wish.who)])

    def _told_otherwise(self, wish: ReaderRequested) -> Changes:
        """On top of what is set by now: two wishes at a time are both fulfilled."""
        wanted, known = wish.reader, self._book.readers.get(wish.reader.chat_id)
        if known is None or not wish.changed:
            return Changes(readers=[wanted])
        fields = {name: getattr(wanted, name) for name in wish.changed}
        if "levels" in fields:
            fields["levels"] = {**known.levels, **wanted.levels}
        return Changes(readers=[replace(known, **fields)])

    def _withdrawn(self) -> list[Invite]:
        return [replace(invite, used_by=WITHDRAWN) for invite in self._book.invites.values()]
