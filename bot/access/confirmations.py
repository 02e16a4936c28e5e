"""Confirmations: an act that costs money needs a second tap by the same person, in the same chat, once, within a minute. Kept
in memory: a restart forgets open questions, and the person repeats the command."""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from bot.texts import Texts
from bot.views.chat_message import Button, ChatMessage, Keyboard
from core.domain.access import Role
from core.ports.clock import Clock

SECONDS = 60.0
_MOST = 200  # open questions; the oldest is dropped first
_DATA = re.compile(r"(ok|no):([A-Za-z0-9_-]{16,32})")

Act = Callable[[str], Awaitable[str]]
"""Does the act under the identity given, and returns a line on the outcome."""

Page = Callable[[], ChatMessage]
"""Returns the message, as it is now, that a question stood in the place of."""


class Risk(Enum):
    """The effect of an act on risk. An act that raises risk or grants a right needs a one-time code where codes are on; one
    that lowers risk never does."""

    RAISES = "raises"
    LOWERS = "lowers"


@dataclass(frozen=True, slots=True)
class Pending:
    """An act that waits for its second tap. `text` is what was shown; below the outcome comes `page`, if there is one, in its
    place. The earlier of two ends counts: `until` is in monotonic
    seconds, which stop while the machine sleeps; `end` is wall-clock time, which somebody may change."""

    token: str
    user_id: int
    who: str
    chat_id: int
    role: Role
    text: str
    act: Act
    risk: Risk
    until: float
    end: datetime
    page: Page | None = None

    @property
    def source_id(self) -> str:
        """Returns its identity in the inbox: however often it arrives, it is done once."""
        return f"confirm:{self.token}"


class Refusal(Enum):
    """Reasons why a tap does nothing."""

    GONE = "confirm.gone"
    NOT_YOURS = "confirm.not_yours"


def new_token() -> str:
    """Returns 22 unguessable characters that fit in a button's data."""
    return secrets.token_urlsafe(16)


class Confirmations:
    """The open questions."""

    def __init__(self, clock: Clock, token: Callable[[], str] = new_token) -> None:
        """Takes `token`, which names each new question."""
        self._clock = clock
        self._token = token
        self._pending: dict[str, Pending] = {}
        self._coded: dict[tuple[int, int], tuple[Pending, int | None]] = {}

    def add(
        self,
        *,
        user_id: int,
        who: str,
        chat_id: int,
        role: Role,
        text: str,
        act: Act,
        risk: Risk,
        page: Page | None = None,
    ) -> str:
        """Opens a question and returns its token."""
        self._pending = {token: one for token, one in self._pending.items() if self._is_young(one)}
        while len(self._pending) >= _MOST:
            self._pending.pop(next(iter(self._pending)))
        token = self._token()
        self._pending[token] = Pending(token, user_id, who, chat_id, role, text, act, risk, *self._ends(), page)
        return token

    def take(self, token: str, user_id: int, chat_id: int) -> Pending | Refusal:
        """Closes the question and returns it, or says why not. Contains no await: two simultaneous taps cannot both get it."""
        pending = self._pending.get(token)
        if pending is None or not self._is_young(pending):
            self._pending.pop(token, None)
            return Refusal.GONE
        if pending.user_id != user_id or pending.chat_id != chat_id:
            return Refusal.NOT_YOURS
        return self._pending.pop(token)

    def ask_anew(self, pending: Pending) -> str:
        """Reopens a question that was closed by a tap that came too late to be certain; returns its new token."""
        return self.add(
            user_id=pending.user_id,
            who=pending.who,
            chat_id=pending.chat_id,
            role=pending.role,
            text=pending.text,
            act=pending.act,
            risk=pending.risk,
            page=pending.page,
        )

    def await_code(self, pending: Pending, message_id: int | None) -> None:
        """Keeps a confirmed question until its code comes; `message_id` is the message that asks for it, None to leave that
        message unchanged."""
        until, end = self._ends()
        self._coded[pending.user_id, pending.chat_id] = replace(pending, until=until, end=end), message_id

    def await_code_of(self, *, user_id: int, who: str, chat_id: int, role: Role, text: str, act: Act, risk: Risk) -> None:
        """Waits for a code in the same way for an act that needs no second tap."""
        self.await_code(Pending(self._token(), user_id, who, chat_id, role, text, act, risk, *self._ends()), None)

    def awaiting_code(self, user_id: int, chat_id: int) -> bool:
        """Tells whether this person's next six digits are a code."""
        found = self._coded.get((user_id, chat_id))
        return found is not None and self._is_young(found[0])

    def take_coded(self, user_id: int, chat_id: int) -> tuple[Pending, int | None] | None:
        """Closes the question that waits for a code; returns it and its message."""
        if not self.awaiting_code(user_id, chat_id):
            return None
        return self._coded.pop((user_id, chat_id))

    def await_again(self, pending: Pending, message_id: int | None) -> bool:
        """Waits on for the code of a question, until its time is up. False if it is, or if another one waits by now."""
        key = pending.user_id, pending.chat_id
        if not self._is_young(pending) or self.awaiting_code(*key):
            return False
        self._coded[key] = pending, message_id
        return True

    def seconds_for_code(self, user_id: int, chat_id: int) -> int:
        """Returns how long the question still waits for a code; 0 if none does."""
        found = self._coded.get((user_id, chat_id))
        return max(int(found[0].until - self._clock.monotonic()), 0) if found is not None else 0

    def _ends(self) -> tuple[float, datetime]:
        return self._clock.monotonic() + SECONDS, self._clock.now() + timedelta(seconds=SECONDS)

    def _is_young(self, pending: Pending) -> bool:
        return self._clock.monotonic() < pending.until and self._clock.now() < pending.end

    def who_asked(self, token: str) -> str:
        """Returns the name of the person who may answer."""
        pending = self._pending.get(token)
        return pending.who if pending is not None else ""


def read_confirmation(data: str) -> tuple[str, bool] | None:
    """Returns the token and whether the answer was yes; None for data that our buttons do not send."""
    match = _DATA.fullmatch(data)
    return (match[2], match[1] == "ok") if match else None


def confirm_keyboard(token: str, texts: Texts) -> Keyboard:
    """Returns the Yes and No buttons."""
    return ((Button(texts("confirm.yes"), f"ok:{token}"), Button(texts("confirm.no"), f"no:{token}")),)
