"""Checks who opened the Mini App: data that Telegram signs with the bot's token and hands to the page. Pure.

https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import parse_qsl

MAX_AGE = timedelta(hours=1)
"""The time for which data are taken, counted from when the app was opened."""
_AHEAD = timedelta(minutes=1)  # Telegram's clock and ours
_MOST_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class WebAppUser:
    """The person for whom Telegram has signed."""

    user_id: int
    name: str


class LoginRefusal(Enum):
    """Reasons why nobody is logged in."""

    FORGED = "the data are not signed with this bot's token"
    OLD = "the app was opened too long ago: close it and open it again"


def read_login(init_data: str, bot_token: str, now: datetime) -> WebAppUser | LoginRefusal:
    """Returns the person that `init_data` name, or why they are not believed."""
    if len(init_data) > _MOST_CHARACTERS:
        return LoginRefusal.FORGED
    pairs = parse_qsl(init_data, keep_blank_values=True)
    fields = dict(pairs)
    if len(fields) != len(pairs) or not _is_signed(fields, bot_token):
        return LoginRefusal.FORGED
    try:
        since, said = int(fields["auth_date"]), json.loads(fields["user"])
        user_id, first, last = int(said["id"]), str(said["first_name"]), str(said.get("last_name") or "")
    except (KeyError, TypeError, ValueError):
        return LoginRefusal.FORGED
    age = now.timestamp() - since
    if not -_AHEAD.total_seconds() <= age <= MAX_AGE.total_seconds():
        return LoginRefusal.OLD
    return WebAppUser(user_id, f"{first} {last}".strip())


def _is_signed(fields: dict[str, str], bot_token: str) -> bool:
    """Tells whether `hash` is that of all other fields, by the key that only Telegram and the bot can derive."""
    chain = "\n".join(f"{name}={value}" for name, value in sorted(fields.items()) if name != "hash")
    key = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    right = hmac.new(key, chain.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), fields.get("hash", "").encode("utf-8", "replace"))
