"""Whether a request comes from somebody who knows the secret. Everything before that is a stranger's."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

WRONG_SECRET, NO_SECRET, UNREADABLE = "wrong_secret", "no_secret", "unreadable"
"""Why a body proves nothing. The last one: it is no JSON object, and no right token stands anywhere in it."""

_MOST_TOKENS = 10  # that are looked at in a text
# As JSON writes it, and as people do whose JSON is broken: 'token': 'x', token=x.
_WRITTEN = re.compile(r'"token"\s*:\s*("(?:[^"\\]|\\.)*")', re.DOTALL)
_SCRIBBLED = re.compile(r"""\btoken["']?\s{0,8}[:=]\s{0,8}["']?([^"'\s,;&}\]]{1,512})""")


def why_unproved(body: bytes, signature: str | None, secret: str) -> str:
    """Empty where `body` is signed with `secret` or names it as its token; else why it proves nothing.

    A body that is no JSON object has no fields, and its sender may know the secret for all that: an alert whose placeholder was
    not filled in is broken JSON with a right token in it. Whoever can write the token knows it, so it is looked for in the text.
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
