"""The loopback exchange's keys, of both kinds, as the program holds them."""

import pytest

from core.adapters.binance.credentials import Credentials
from tests.venue import Venue
from tests.venue.venue import ED25519_KEY

both_kinds = pytest.mark.parametrize("credentials", ["hmac", "ed25519"], indirect=True)
"""Runs a test with each kind of key; others use HMAC."""


def credentials_of(venue: Venue, kind: str = "hmac") -> Credentials:
    """Returns a key of the main account that may do everything."""
    if kind == "ed25519":
        return Credentials(ED25519_KEY, private_key=venue.add_ed25519_key())
    return Credentials(venue.key, venue.secret)
