"""One-time codes (RFC 6238), where TG_TOTP_SECRET turns them on: each person has their own secret, and each code is valid
once."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import pyotp

from core.domain.access import Authenticator
from core.ports.clock import Clock

ENROL_SECONDS = 600.0
CODE_DIGITS = 6
_DIGITS = re.compile(r"\d[\d -]{0,30}", re.ASCII)
_STEP = timedelta(seconds=30)
_SECRET_BYTES = 20  # 160 bits, as RFC 4226 recommends; 32 letters without padding


class CodeCheck(Enum):
    """Reasons why a code is invalid."""

    WRONG = "code.wrong"
    LOCKED = "code.locked"
    NONE = "code.enrol_first"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A new authenticator that has not yet shown a code. `secret` is its base32 secret; `replaces` is the salt of the
    authenticator before it, empty where there is none; `until` is in monotonic seconds."""

    salt: str
    secret: str
    replaces: str
    until: float


class OneTimeCodes:
    """Checks codes, person by person. A person's secret is derived from the key of TG_TOTP_SECRET and a salt in the ledger, so
    that neither alone reveals it; changing the key invalidates everybody's codes. Wrong codes lock only the person who gave
    them, and only where a code is asked for; the ledger counts them, and this class changes nothing."""

    def __init__(self, key: str, known: Mapping[int, Authenticator], clock: Clock) -> None:
        """Takes `known`, the current authenticators by person, read on each call."""
        self._key = base64.b32decode(key + "=" * (-len(key) % 8))
        self._known = known
        self._clock = clock
        self.key = self._mac(b"name")[:8].hex()
        """The name of the key, which reveals nothing about it."""
        self._enrolling: dict[int, Enrolment] = {}

    def authenticator(self, user_id: int) -> Authenticator | None:
        """Returns the person's authenticator; None where none was set up with the current key."""
        found = self._known.get(user_id)
        return found if found is not None and found.key == self.key else None

    def judge(self, code: str, user_id: int) -> int | CodeCheck:
        """Returns the step of a code if it is of the current step, the one before or the one after, and later than the last
        one used; otherwise why it is invalid. The code is used, or counted as wrong, once the ledger records it."""
        one = self.authenticator(user_id)
        if one is None:
            return CodeCheck.NONE
        if one.is_locked(self._clock.now()):
            return CodeCheck.LOCKED
        step = self._step_of(code, self._secret(user_id, one.salt), one.step)
        return step if step is not None else CodeCheck.WRONG

    def enrol(self, user_id: int) -> Enrolment:
        """Begins a new authenticator in place of one begun before; a restart forgets it."""
        salt, before = secrets.token_hex(16), self._known.get(user_id)
        replaces = before.salt if before is not None else ""
        begun = Enrolment(salt, self._secret(user_id, salt), replaces, self._clock.monotonic() + ENROL_SECONDS)
        self._enrolling[user_id] = begun
        return begun

    def enrolling(self, user_id: int) -> Enrolment | None:
        """Returns the new authenticator whose first code is awaited."""
        begun = self._enrolling.get(user_id)
        return begun if begun is not None and self._clock.monotonic() < begun.until else None

    def first_step(self, code: str, begun: Enrolment) -> int | None:
        """Returns the step of a code that the new authenticator shows; None for any other code."""
        return self._step_of(code, begun.secret, -1)

    def enrolled(self, user_id: int) -> None:
        """Forgets the enrolment that was begun."""
        self._enrolling.pop(user_id, None)

    def _step_of(self, code: str, secret: str, used: int) -> int | None:
        totp, now = pyotp.TOTP(secret), self._clock.now()
        steps = [totp.timecode(now + turn * _STEP) for turn in (-1, 0, 1)]
        return next((step for step in steps if step > used and hmac.compare_digest(totp.generate_otp(step), code)), None)

    def _secret(self, user_id: int, salt: str) -> str:
        return base64.b32encode(self._mac(f"{user_id} {salt}".encode())[:_SECRET_BYTES]).decode()

    def _mac(self, what: bytes) -> bytes:
        return hmac.new(self._key, b"marketflow one-time codes " + what, hashlib.sha256).digest()


def digits_of(text: str) -> str:
    """Returns the digits of a message that is nothing but digits, also in groups as some authenticators show them; else empty."""
    return re.sub(r"\D", "", text) if _DIGITS.fullmatch(text.strip()) else ""


def is_code(text: str) -> bool:
    """Tells whether a message is six digits and nothing else."""
    return len(digits_of(text)) == CODE_DIGITS
