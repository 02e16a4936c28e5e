"""One-time codes (RFC 6238), where TG_TOTP_SECRET asks for them: each good once, a few wrong ones lock confirming for a while."""

import hmac
import re
from datetime import timedelta
from enum import Enum

import pyotp

from core.ports import Clock

_CODE = re.compile(r"\d{6}", re.ASCII)
_STEP = timedelta(seconds=30)
_WRONG = 5
_LOCKED_SECONDS = 600.0


class Judgement(Enum):
    """What a code was."""

    GOOD = ""
    WRONG = "code.wrong"
    LOCKED = "code.locked"


class OneTimeCodes:
    """Judges codes of one secret, for everybody who may confirm; one who is locked locks nobody else. What was used or wrong is
    kept in memory: a restart closes every question, so that an old code has nothing to open."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._totp = pyotp.TOTP(secret)
        self._clock = clock
        self._used = -1
        self._wrong: dict[int, int] = {}  # in a row, by person
        self._locked_until: dict[int, float] = {}

    def judge(self, code: str, user_id: int) -> Judgement:
        """Whether `code` is that of this moment, or of the step before or after it, and later than the last one used."""
        if self._clock.monotonic() < self._locked_until.get(user_id, 0.0):
            return Judgement.LOCKED
        now = self._clock.now()
        for step in (-1, 0, 1):
            at = now + step * _STEP
            counter = self._totp.timecode(at)
            if hmac.compare_digest(self._totp.generate_otp(counter), code) and counter > self._used:
                self._used = counter
                self._wrong.pop(user_id, None)
                return Judgement.GOOD
        self._wrong[user_id] = self._wrong.get(user_id, 0) + 1
        if self._wrong[user_id] >= _WRONG:
            del self._wrong[user_id]
            self._locked_until[user_id] = self._clock.monotonic() + _LOCKED_SECONDS
            return Judgement.LOCKED
        return Judgement.WRONG


def is_code(text: str) -> bool:
    """Whether somebody wrote six digits and nothing else."""
    return _CODE.fullmatch(text.strip()) is not None
