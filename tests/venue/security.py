"""Authenticates requests: key header, HMAC or Ed25519 over what was sent, recvWindow."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from cryptography.exceptions import InvalidSignature

from tests.venue.errors import VenueError, missing
from tests.venue.model import ApiKey
from tests.venue.params import INTEGER, WINDOW, Params

KEY_FORMAT = re.compile(r"[A-Za-z0-9]{64}")
_SIGNATURE = re.compile(r"(?:^|&)signature=([^&]*)$")
_MICROSECOND_DIGITS = 16  # a timestamp of that many digits is in microseconds


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The date of a request and the time for which it may be processed, in microseconds."""

    sent_us: int
    recv_window_us: int

    def check_arrival(self, now_us: int) -> None:
        """Checks rest-api.md: timestamp < serverTime + 1 second, and not older than recvWindow; else raises -1021."""
        if self.sent_us >= now_us + 1_000_000:
            raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        self.check_engine(now_us)

    def check_engine(self, now_us: int) -> None:
        """Checks again when the request is about to be forwarded to the matching engine."""
        if now_us - self.sent_us > self.recv_window_us:
            raise VenueError(-1021)


def read_window(params: Params) -> TimeWindow:
    text = params.required("timestamp", INTEGER)
    sent = int(text) if len(text) >= _MICROSECOND_DIGITS else int(text) * 1000
    window = params.text("recvWindow", WINDOW)
    length_us = 5_000_000 if window is None else round(float(window) * 1000)
    if length_us > 60_000_000:
        raise VenueError(-1131)
    return TimeWindow(sent, length_us)


def key_format(header: str | None) -> str:
    """Raises -2014 if the X-MBX-APIKEY header is missing or cannot be a key."""
    if header is None or not KEY_FORMAT.fullmatch(header):
        raise VenueError(-2014)
    return header


def authenticate(keys: Mapping[str, ApiKey], header: str, query: str, body: str, *, trade: bool) -> ApiKey:
    """Raises -2015 for a key that is unknown, from elsewhere or not allowed to do this; -1022 for a wrong signature.

    The signature covers query string and body exactly as sent, and is the last parameter of one of them.
    """
    in_query, in_body = _SIGNATURE.search(query), _SIGNATURE.search(body)
    found = in_body or in_query
    if found is None:
        if "signature=" in query or "signature=" in body:
            raise VenueError(-1022)
        raise missing("signature")
    key = keys.get(header)
    if key is None or not key.ip_allowed:
        raise VenueError(-2015)
    payload = query + body[: found.start()] if in_body else query[: found.start()] + body
    verify(key, payload, unquote_plus(found[1]))  # a + that is not encoded is a space
    if not (key.can_trade if trade else key.can_read):
        raise VenueError(-2015)
    return key


def verify(key: ApiKey, payload: str, signature: str) -> None:
    """Raises -1022 unless the signature is the key's: HMAC in hex of either case, or Ed25519 in base64."""
    if key.public_key is None:
        expected = hmac.digest(key.secret.encode(), payload.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, signature.lower().encode("ascii", "replace").decode()):
            raise VenueError(-1022)
        return
    try:
        key.public_key.verify(base64.b64decode(signature, validate=True), payload.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        raise VenueError(-1022) from None
