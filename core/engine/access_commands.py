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

    def batch_of(self, command: AboutPeople) -> CommitBatch | Reason:  # noqa: PLR0911 - flat: a line for each wish
        """Returns what to commit, or why nothing changes."""
        match command:
            case InviteRequested():
                return self._invite(command)
            case InviteUsed():
                return self._join(command)
            case InvitesWithdrawn():
                return CommitBatch(invites=self._withdrawn(self._portfolio.invites.values()))
            case RevokeRequested():
                return self._revoke(command)
            case AuthenticatorRequested():
                return self._authenticator(command)
            case CodeUsed():
                return self._code(command)
            case CodeRefused():
                return self._wrong_code(command)
            case AuthenticatorEnded():
                return self._ended(command)
            case ReaderRequested():
                return self._notification_settings(command)

    def _invite(self, command: InviteRequested) -> CommitBatch | Reason:
        now, portfolio = self._clock.now(), self._portfolio
        invite = Invite(command.digest, command.role, command.who, now, now + INVITE_LIFETIME, inviter=command.user_id)
        if portfolio.granted(invite, now) is None:
            return reason("no_right")
        good = [one for one in portfolio.invites.values() if portfolio.granted(one, now) is not None]
        if len(good) >= MOST_INVITES:
            return reason("too_many_invites", count=len(good))
        # Expired links are removed when new ones are made.
        old = [replace(one, used_by=WITHDRAWN) for one in portfolio.invites.values() if portfolio.granted(one, now) is None]
        return CommitBatch(invites=[*old, invite])

    def _join(self, command: InviteUsed) -> CommitBatch | Reason:
        invite, now = self._portfolio.invites.get(command.digest), self._clock.now()
        role = self._portfolio.granted(invite, now) if invite is not None else None
        if invite is None or role is None:
            return reason("invite_gone")
        person = Person(command.user_id, command.who, role, invite.invited_by, now, inviter=invite.inviter)
        return CommitBatch(people=[person], invites=[replace(invite, used_by=command.user_id)], events=[PersonJoined(person)])

    def _revoke(self, command: RevokeRequested) -> CommitBatch | Reason:
        person = self._portfolio.people.get(command.person)
        if person is None:
            return reason("not_a_person", person=command.person)
        gone = replace(person, revoked_at=self._clock.now())
        # A link that one has made and kept would be a way back in.
        invites = self._withdrawn(one for one in self._portfolio.invites.values() if one.inviter == command.person)
        codes = self._without_codes(command.person)
        return CommitBatch(people=[gone], invites=invites, authenticators=codes, events=[PersonRevoked(gone, command.who)])

    def _authenticator(self, command: AuthenticatorRequested) -> CommitBatch | Reason:
        """Replaces the authenticator only if it is still the one known when the new one was shown: of two at a time the first
        wins."""
        present = self._portfolio.authenticators.get(command.user_id)
        if (present.salt if present is not None else "") != command.replaces:
            return reason("authenticator_changed")
        new = Authenticator(command.user_id, command.salt, command.key, self._clock.now(), command.step)
        return CommitBatch(authenticators=[new], events=[AuthenticatorChanged(command.user_id, command.who)])

    def _code(self, command: CodeUsed) -> CommitBatch | Reason:
        present = self._portfolio.authenticators.get(command.user_id)
        if present is None or present.salt != command.salt or command.step <= present.step:
            return reason("code_used")
        if present.is_locked(self._clock.now()):
            return reason("codes_locked")
        return CommitBatch(authenticators=[replace(present, step=command.step, wrong=0, locked_until=None)])

    def _wrong_code(self, command: CodeRefused) -> CommitBatch | Reason:
        """Counts a wrong code; too many in a row lock for a while, however many were given at the same moment."""
        present, now = self._portfolio.authenticators.get(command.user_id), self._clock.now()
        if present is None or present.salt != command.salt:
            return reason("authenticator_changed")
        if present.is_locked(now):
            return reason("codes_locked")
        if present.wrong + 1 < MOST_WRONG:
            return CommitBatch(authenticators=[replace(present, wrong=present.wrong + 1)])
        return CommitBatch(authenticators=[replace(present, wrong=0, locked_until=now + LOCKED)])

    def _ended(self, command: AuthenticatorEnded) -> CommitBatch | Reason:
        ended = self._without_codes(command.person)
        if not ended:
            return reason("no_authenticator", person=command.person)
        return CommitBatch(authenticators=ended, events=[AuthenticatorChanged(command.person, command.who, ended=True)])

    def _without_codes(self, person: int) -> list[Authenticator]:
        present = self._portfolio.authenticators.get(person)
        return [replace(present, ended_at=self._clock.now())] if present is not None else []

    def _notification_settings(self, command: ReaderRequested) -> CommitBatch:
        """Applies the change on top of the current settings: two commands at the same time both take effect."""
        wanted, known = command.reader, self._portfolio.readers.get(command.reader.chat_id)
        if known is None or not command.changed:
            return CommitBatch(readers=[wanted])
        fields = {name: getattr(wanted, name) for name in command.changed}
        if "levels" in fields:
            fields["levels"] = {**known.levels, **wanted.levels}
        return CommitBatch(readers=[replace(known, **fields)])

    @staticmethod
    def _withdrawn(invites: Iterable[Invite]) -> list[Invite]:
        return [replace(invite, used_by=WITHDRAWN) for invite in invites]
