"""Message entities: those that Telegram detects in a text itself, and the rules of nesting.

Offsets and lengths are in UTF-16 units, as everywhere in the Bot API. Pure functions on strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from local_telegram.errors import Json, bad_request

MAX_ENTITIES = 100  # Telegram silently drops further ones (https://core.telegram.org/bots/api#formatting-options)
_VERBATIM = ("code", "pre")
_LINKS = ("text_link", "url", "mention", "hashtag", "cashtag", "email", "bot_command")
_OUTERMOST_FIRST = ("blockquote", "expandable_blockquote", "pre", "code", "text_link")
_FOUND = (
    ("url", re.compile(r"(?<![\w@.])(?:(?:https?|tg|ton)://|t\.me/)[^\s<>\"'`]*[^\s<>\"'`.,:;!?()\[\]{}]")),
    ("email", re.compile(r"(?<![\w.@])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[a-zA-Z]{2,}(?!\w)")),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")),
    ("mention", re.compile(r"(?<![\w@.])@[A-Za-z][A-Za-z0-9_]{3,31}(?!\w)")),
    ("hashtag", re.compile(r"(?<![\w#])#(?=\w*[^\W\d])\w{1,256}(?![\w#])")),
    ("cashtag", re.compile(r"(?<![\w$])\$[A-Z]{3,8}(?![\w$])")),
)
_GIVEN = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler", *_OUTERMOST_FIRST})
_CONTROL = {code: " " for code in range(32) if code != 10} | {13: ""} | dict.fromkeys(range(0x2028, 0x202F), "")


@dataclass(frozen=True)
class Entity:
    """One run of a message's text; `url` only for text_link, `language` only for pre."""

    type: str
    offset: int
    length: int
    url: str = ""
    language: str = ""

    @property
    def end(self) -> int:
        return self.offset + self.length

    @property
    def span(self) -> tuple[int, int]:
        return self.offset, self.end

    def as_json(self) -> Json:
        """Returns the Bot API's MessageEntity."""
        named = {"type": self.type, "offset": self.offset, "length": self.length}
        extra = {"url": self.url, "language": self.language}
        return named | {key: value for key, value in extra.items() if value}


def units(text: str) -> int:
    """Returns the length of `text` in UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def tidy(text: str) -> str:
    """Returns `text` as Telegram stores it: control characters become spaces, carriage returns go."""
    return text.translate(_CONTROL)


def plain(text: str) -> tuple[str, tuple[Entity, ...]]:
    """Returns a text sent without a parse mode, with its entities."""
    return strip(tidy(text), ())


def strip(text: str, entities: Iterable[Entity]) -> tuple[str, tuple[Entity, ...]]:
    """Removes the spaces around `text`, and moves and cuts the entities accordingly."""
    kept = text.strip(" \n")
    first = units(text[: len(text) - len(text.lstrip(" \n"))]) if kept else 0
    last = first + units(kept)
    clipped = ((max(e.offset, first), min(e.end, last), e) for e in entities)
    moved = (replace(e, offset=begin - first, length=end - begin) for begin, end, e in clipped if end > begin)
    return kept, tuple(moved)


def checked_link(url: str) -> str:
    """Returns `url` with a scheme that a message may link to; empty when it is no such link and stays plain text."""
    url = url.strip()
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?![0-9])", url):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    known = parts.scheme in ("http", "https", "tg", "ton")
    if not known or not host or re.search(r"[\s<>\"'\\]", url) or (parts.scheme[0] == "h" and "." not in host):
        return ""
    return parts._replace(path=parts.path or "/").geturl()


def settle(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Returns sorted and legal entities: nothing inside code, no link in a link, nothing twice in itself, not too many."""
    verbatim: list[Entity] = []
    for entity in sorted(entities, key=_order):
        if entity.type in _VERBATIM and not any(_meet(entity, other) for other in verbatim):
            verbatim.append(entity if entity.type == "pre" else replace(entity, language=""))
    pieces = [piece for entity in entities if entity.type not in _VERBATIM for piece in _around(entity, verbatim)]
    kept: list[Entity] = []
    for entity in sorted([*pieces, *verbatim], key=_order):
        if not any(_meet(entity, other) and _rank(entity) == _rank(other) for other in kept):
            kept.append(entity)
    return tuple(kept[:MAX_ENTITIES])


def with_found(text: str, entities: tuple[Entity, ...]) -> tuple[Entity, ...]:
    """Returns `entities` and those that Telegram detects in the text itself: commands, addresses, tags."""
    found: list[Entity] = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            new = Entity(kind, units(text[: match.start()]), units(match.group()))
            if not any(_meet(new, other) for other in found) and all(_fits(new, other) for other in entities):
                found.append(new)
    return tuple(sorted([*entities, *found], key=_order)[:MAX_ENTITIES])


def with_given(text: str, given: Sequence[Json]) -> tuple[str, tuple[Entity, ...]]:
    """Returns a text and its entities as a bot lists them; those that Telegram detects itself need not be listed, and are
    ignored."""
    kinds = {kind for kind, _ in _FOUND}
    taken = tuple(_checked(one) for one in given if one.get("type") not in kinds)
    return strip(tidy(text), settle(taken))


def _checked(raw: Json) -> Entity:
    kind, offset, length = raw.get("type"), raw.get("offset"), raw.get("length")
    if kind not in _GIVEN:
        raise bad_request("can't parse MessageEntity: Unsupported type specified")
    if not isinstance(offset, int) or not isinstance(length, int):
        raise bad_request('can\'t parse MessageEntity: Field "offset" must be of type Number')
    if offset < 0 or length <= 0:
        raise bad_request(f"entity beginning at UTF-16 offset {offset} has wrong length")
    url = checked_link(str(raw.get("url", ""))) if kind == "text_link" else ""
    return Entity(str(kind), offset, length, url, str(raw.get("language", "")) if kind == "pre" else "")


def _order(entity: Entity) -> tuple[int, int, int, str]:
    kinds = _OUTERMOST_FIRST
    depth = kinds.index(entity.type) if entity.type in kinds else len(kinds)
    return entity.offset, -entity.length, depth, entity.type


def _rank(entity: Entity) -> str:
    """Returns an entity's rank; entities of one rank must not overlap."""
    if entity.type in _LINKS:
        return "link"
    return "quote" if entity.type.endswith("blockquote") else entity.type


def _meet(one: Entity, other: Entity) -> bool:
    return one.offset < other.end and other.offset < one.end


def _fits(new: Entity, other: Entity) -> bool:
    """Tells whether a detected entity may stay: it yields to code and links, and must lie wholly inside or around all others."""
    if not _meet(new, other):
        return True
    if other.type in (*_VERBATIM, *_LINKS):
        return False
    inside = other.offset <= new.offset and new.end <= other.end
    return inside or (new.offset <= other.offset and other.end <= new.end)


def _around(entity: Entity, verbatim: Sequence[Entity]) -> list[Entity]:
    """Returns the parts of an entity beside code; a quotation may contain code and stays whole."""
    if entity.type.endswith("blockquote"):
        return [] if any(v.offset < entity.offset or entity.end < v.end for v in verbatim if _meet(entity, v)) else [entity]
    left, begin = [], entity.offset
    for hole in (v for v in verbatim if _meet(entity, v)):
        left.append(replace(entity, offset=begin, length=hole.offset - begin))
        begin = hole.end
    left.append(replace(entity, offset=begin, length=entity.end - begin))
    return [piece for piece in left if piece.length > 0]
