"""Finds out whether another program polls Telegram with this bot's token, and blocks entries where it would trade twice.

Telegram lets one program wait for updates. When a second one starts waiting, the older gets 409 Conflict; it asks again, and so
both get it in turn. Telegram delays some conflicts by 3 s (`fail_query_conflict` of telegram-bot-api), and neither this program
nor one on python-telegram-bot rests for more than 30 s before it polls again, whatever went wrong. So within 33 s and the time
that requests take, a program disturbed by a poll of ours disturbs it in turn: one poll that lasts longer undisturbed proves that
there is no other. Two that last half as long do not: the other may come between them and be disturbed itself.

In a busy chat no poll lasts that long, as each update ends it. There many polls prove it together, each begun at once after the
answer to the one before: the other program, which polls every 33 s at least, would have to hit a gap between two of them each
time. The time counted is what they surely waited at Telegram, without the time on the way. After 180 s of it five or six polls of
the other would have hit gaps alone: less than one chance in 200 even where the gaps are as long as the polls, and one in ten
thousand where they are a fifth of the time.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.telegram.client import POLL_SECONDS
from bot.views.other_instance import QUIET_SECONDS, STAYS_SECONDS
from core.domain.events.process import AnotherProgram
from core.domain.events.table import Event
from core.domain.reasons import Reason, reason
from core.ports.clock import Clock

log = structlog.get_logger(__name__)

LATELY = timedelta(hours=1)
"""A ledger that traded within this time, and that a program held a moment ago, belongs to the program that trades this
account."""
MOMENT = timedelta(seconds=QUIET_SECONDS)
"""Within this time no other program can have proved that it is alone."""
CLOCK_TOLERANCE = timedelta(seconds=1)
"""The most that the clock of the process before may be ahead of this one's."""
WAITED_SECONDS = 180.0
"""A program that waited so long at Telegram, in polls that followed each other at once, is alone."""
AT_ONCE_SECONDS = 1.0
"""The longest time from an answer to the next poll for the two to count together."""
ON_THE_WAY_SECONDS = 2.0
"""Seconds of each poll on the way, there and back, at most: not counted."""
CONFLICT_PAUSE_SECONDS = 2.0
LONG_UNHEARD_SECONDS = 2.0 * QUIET_SECONDS  # the longest poll is answered in half of it
"""Pause after a conflict: soon enough for the other one to notice, not so soon that Telegram is flooded."""


def _is_within(span: timedelta, then: datetime | None, now: datetime) -> bool:
    """Tells whether `then` is at most `span` ago. Where it is in the future a clock was wrong, and nobody knows how long ago it
    was."""
    return then is not None and -CLOCK_TOLERANCE <= now - then < span


class SingleInstance:
    """Infers other programs from polling. `closed` is the core's entry gate; nothing is stored: each start checks anew."""

    def __init__(
        self,
        clock: Clock,
        emit: Callable[[Event], None],
        *,
        who: str,
        has_account: bool,
        traded_at: datetime | None,
        seen_at: datetime | None,
        may_poll: Callable[[], bool] = lambda: True,
    ) -> None:
        """Takes `who`, which names this program to people. Without a real account (paper) it blocks nothing and only reports.
        `traded_at` is when the ledger last had an order on the exchange, `seen_at` when a program before this one last held
        it. `may_poll` tells whether this program is to poll Telegram: not while its standby may have taken over, which it would
        disturb."""
        self.who = who
        self.may_poll = may_poll
        self._clock = clock
        self._emit = emit
        self._has_account = has_account
        self._proved = not has_account
        self._lately = _is_within(LATELY, traded_at, clock.now())
        self._was_alone = self._proved or (self._lately and _is_within(MOMENT, seen_at, clock.now()))
        self._disturbed_since: float | None = None
        self._stays = False
        self._waited, self._heard_at = 0.0, -math.inf
        if not self._was_alone:
            log.warning("entries wait until it is certain that no other program polls Telegram", seconds=QUIET_SECONDS)

    @property
    def is_newcomer(self) -> bool:
        """Tells whether it is still unknown that this program is the only one."""
        return not self._was_alone

    @property
    def note(self) -> str | None:
        """Names why entries wait, for the message of a start: `note.*` of the texts; None while they do not."""
        if not self.is_newcomer:
            return None
        if self.disturbed:
            return "newcomer_disturbed"
        return "newcomer_away" if self._lately else "newcomer_untraded"

    @property
    def disturbed(self) -> bool:
        """Tells whether another program polls, as far as is known."""
        return self._disturbed_since is not None

    def closed(self) -> Reason | None:
        """Returns why entries are blocked now; None while they are allowed."""
        if not self._has_account:
            return None
        if self.disturbed and (self._stays or self.is_newcomer):
            return reason("another_program")
        return reason("not_alone_yet", seconds=f"{QUIET_SECONDS}") if self.is_newcomer else None

    @property
    def ready(self) -> tuple[bool, str]:
        """Tells whether no other program polls, and what is wrong if one does."""
        if self.disturbed:
            return False, f"another program uses this bot's token; {'no entries' if self.closed() else 'entries go on'}"
        if self.is_newcomer:
            return (
                False,
                f"no entries before Telegram was polled undisturbed for {QUIET_SECONDS} s on end, or some minutes in a busy chat",
            )
        if self._clock.monotonic() - self._heard_at > LONG_UNHEARD_SECONDS:
            return True, "not known while Telegram does not answer"
        return True, "nobody else polls Telegram"

    @property
    def poll_seconds(self) -> int:
        """Returns how long the next poll lasts: long enough to prove something where that is needed."""
        return POLL_SECONDS if self._proved and not self.disturbed else QUIET_SECONDS + 1

    def heard(self, began: float) -> None:
        """Notes that a poll that `began` then (monotonic seconds) was answered: no other program polled during it."""
        now = self._clock.monotonic()
        before = self._waited if began - self._heard_at <= AT_ONCE_SECONDS else 0.0
        self._waited, self._heard_at = before + max(0.0, now - began - ON_THE_WAY_SECONDS), now
        if now - began < QUIET_SECONDS and self._waited < WAITED_SECONDS:
            return
        if self.is_newcomer:
            log.info("no other program polls Telegram; entries are allowed")
        self._was_alone = self._proved = True
        if self.disturbed:
            self._disturbed_since, self._stays = None, False
            self._say("gone")

    def conflict(self) -> None:
        """Notes that Telegram ended a poll because of another one."""
        now = self._clock.monotonic()
        self._waited, self._heard_at = 0.0, -math.inf
        self._was_alone = self._was_alone and self._proved  # the ledger alone is no proof any more
        if self._disturbed_since is None:
            self._disturbed_since = now
            self._say("came")
        elif self._has_account and self._was_alone and not self._stays and now - self._disturbed_since >= STAYS_SECONDS:
            self._stays = True
            self._say("stays")

    def _say(self, what: Literal["came", "stays", "gone"]) -> None:
        effect: Literal["entries", "no_entries", "paper"] = "entries" if self.closed() is None else "no_entries"
        self._emit(AnotherProgram(what, self.who, effect if self._has_account else "paper"))
