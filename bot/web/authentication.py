"""Authenticates requests by the secret. Until then, a request is a stranger's."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

WRONG_SECRET, NO_SECRET, UNREADABLE = "wrong_secret", "no_secret", "unreadable"
"""The reasons why a body is not authenticated. The last one: it is not a JSON object, and contains no valid token."""

_MOST_TOKENS = 10  # checked in one text
# As JSON, and as hand-written broken JSON: 'token': 'x', token=x.
_WRITTEN = re.compile(r'"token"\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)
_SCRIBBLED = re.compile(r"""\btoken["']?\s{0,8}[:=]\s{0,8}["']?([^"'\s,;&}\]]{1,512})""")


def why_unproved(body: bytes, signature: str | None, secret: str) -> str:
    """Returns an empty string where `body` is signed with `secret` or contains it as its token; otherwise why it is not
    authenticated.

    A body that is not a JSON object has no fields, yet its sender may know the secret: an alert whose placeholder was not filled
    in is broken JSON with a valid token in it. A sender who can write the token knows it, so the text is searched for it.
    """
    key = secret.encode()
    if signature is not None:
        right = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(right.encode(), signature.strip().lower().encode()) else WRONG_SECRET
    said = _parsed(body)
    if isinstance(said, dict):
        if "token" not in said:
            return NO_SECRET
        return "" if _same(key, said["token"]) else WRONG_SECRET
    return "" if any(_same(key, token) for token in _tokens(body)) else UNREADABLE


def _same(key: bytes, token: Any) -> bool:
    return isinstance(token, str) and hmac.compare_digest(key, token.encode("utf-8", "replace"))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _tokens(body: bytes) -> Iterator[str]:
    text = body.decode("utf-8", "replace")
    for number, found in enumerate(_WRITTEN.finditer(text)):
        if number == _MOST_TOKENS:
            break
        if isinstance(token := _parsed(found[1].encode("utf-8", "replace")), str):
            yield token
    for number, found in enumerate(_SCRIBBLED.finditer(text)):
        if number == _MOST_TOKENS:
            break
        yield found[1]
