"""Commands about people: invites, revocations, authenticators, notification settings. Decides; commits nothing."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from core.domain.access import Authenticator, Invite, Person
from core.domain.events.access import AuthenticatorChanged, PersonJoined, PersonRevoked
from core.domain.messages import (
    AboutPeople,
    AuthenticatorEnded,
    AuthenticatorRequested,
    CodeRefused,
    CodeUsed,
    InviteRequested,
    InvitesWithdrawn,
    InviteUsed,
    ReaderRequested,
    RevokeRequested,
)
from core.domain.reasons import Reason, reason
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

INVITE_LIFETIME = timedelta(hours=24)
MOST_INVITES = 20
MOST_WRONG = 5
"""Wrong one-time codes in a row before a lock."""
LOCKED = timedelta(minutes=10)
WITHDRAWN = 0


class AccessCommands:
    """Turns an access command into a commit, based on the current portfolio."""

    def __init__(self, portfolio: Portfolio, clock: Clock) -> None:
        self._portfolio = portfolio
        self._clock = clock

    def changes_of(self, wish: AboutPeople) -> CommitBatch | Reason:  # noqa: PLR0911 - flat: a line for each wish
        """Returns what to commit, or why nothing changes."""
        match wish:
            case InviteRequested():
                return self._invite(wish)
            case InviteUsed():
                return self._join(wish)
            case InvitesWithdrawn():
                return CommitBatch(invites=self._withdrawn(self._portfolio.invites.values()))
            case RevokeRequested():
                return self._revoke(wish)
            case AuthenticatorRequested():
                return self._authenticator(wish)
            case CodeUsed():
                return self._code(wish)
            case CodeRefused():
                return self._wrong_code(wish)
            case AuthenticatorEnded():
                return self._ended(wish)
            case ReaderRequested():
                return self._told_otherwise(wish)

    def _invite(self, wish: InviteRequested) -> CommitBatch | Reason:
        now, portfolio = self._clock.now(), self._portfolio
        invite = Invite(wish.digest, wish.role, wish.who, now, now + INVITE_LIFETIME, inviter=wish.user_id)
        if portfolio.granted(invite, now) is None:
            return reason("no_right")
        good = [one for one in portfolio.invites.values() if portfolio.granted(one, now) is not None]
        if len(good) >= MOST_INVITES:
            return reason("too_many_invites", count=len(good))
        # Expired links are removed when new ones are made.
        old = [replace(one, used_by=WITHDRAWN) for one in portfolio.invites.values() if portfolio.granted(one, now) is None]
        return CommitBatch(invites=[*old, invite])

    def _join(self, wish: InviteUsed) -> CommitBatch | Reason:
        invite, now = self._portfolio.invites.get(wish.digest), self._clock.now()
        role = self._portfolio.granted(invite, now) if invite is not None else None
        if invite is None or role is None:
            return reason("invite_gone")
        person = Person(wish.user_id, wish.who, role, invite.invited_by, now, inviter=invite.inviter)
        return CommitBatch(people=[person], invites=[replace(invite, used_by=wish.user_id)], events=[PersonJoined(person)])

    def _revoke(self, wish: RevokeRequested) -> CommitBatch | Reason:
        person = self._portfolio.people.get(wish.person)
        if person is None:
            return reason("not_a_person", person=wish.person)
        gone = replace(person, revoked_at=self._clock.now())
        # A link that one has made and kept would be a way back in.
        invites = self._withdrawn(one for one in self._portfolio.invites.values() if one.inviter == wish.person)
        codes = self._without_codes(wish.person)
        return CommitBatch(people=[gone], invites=invites, authenticators=codes, events=[PersonRevoked(gone, wish.who)])

    def _authenticator(self, wish: AuthenticatorRequested) -> CommitBatch | Reason:
        """Replaces the authenticator only if it is still the one known when the new one was shown: of two at a time the first
        wins."""
        present = self._portfolio.authenticators.get(wish.user_id)
        if (present.salt if present is not None else "") != wish.replaces:
            return reason("authenticator_changed")
        new = Authenticator(wish.user_id, wish.salt, wish.key, self._clock.now(), wish.step)
        return CommitBatch(authenticators=[new], events=[AuthenticatorChanged(wish.user_id, wish.who)])

    def _code(self, wish: CodeUsed) -> CommitBatch | Reason:
        present = self._portfolio.authenticators.get(wish.user_id)
        if present is None or present.salt != wish.salt or wish.step <= present.step:
            return reason("code_used")
        if present.is_locked(self._clock.now()):
            return reason("codes_locked")
        return CommitBatch(authenticators=[replace(present, step=wish.step, wrong=0, locked_until=None)])

    def _wrong_code(self, wish: CodeRefused) -> CommitBatch | Reason:
        """Counts a wrong code; too many in a row lock for a while, however many were given at the same moment."""
        present, now = self._portfolio.authenticators.get(wish.user_id), self._clock.now()
        if present is None or present.salt != wish.salt:
            return reason("authenticator_changed")
        if present.is_locked(now):
            return reason("codes_locked")
        if present.wrong + 1 < MOST_WRONG:
            return CommitBatch(authenticators=[replace(present, wrong=present.wrong + 1)])
        return CommitBatch(authenticators=[replace(present, wrong=0, locked_until=now + LOCKED)])

    def _ended(self, wish: AuthenticatorEnded) -> CommitBatch | Reason:
        ended = self._without_codes(wish.person)
        if not ended:
            return reason("no_authenticator", person=wish.person)
        return CommitBatch(authenticators=ended, events=[AuthenticatorChanged(wish.person, wish.who, ended=True)])

    def _without_codes(self, person: int) -> list[Authenticator]:
        present = self._portfolio.authenticators.get(person)
        return [replace(present, ended_at=self._clock.now())] if present is not None else []

    def _told_otherwise(self, wish: ReaderRequested) -> CommitBatch:
        """Applies the change on top of the current settings: two commands at the same time both take effect."""
        wanted, known = wish.reader, self._portfolio.readers.get(wish.reader.chat_id)
        if known is None or not wish.changed:
            return CommitBatch(readers=[wanted])
        fields = {name: getattr(wanted, name) for name in wish.changed}
        if "levels" in fields:
            fields["levels"] = {**known.levels, **wanted.levels}
        return CommitBatch(readers=[replace(known, **fields)])

    @staticmethod
    def _withdrawn(invites: Iterable[Invite]) -> list[Invite]:
        return [replace(invite, used_by=WITHDRAWN) for invite in invites]
