"""Telegram's HTML parse mode: markup in, plain text and entities out, refusing all that the real one refuses.

Produces no HTML: the page builds it from the entities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from local_telegram.entities import Entity, checked_link, settle, strip, tidy, units
from local_telegram.errors import ApiError, bad_request

_SPACE = " \t\r\n\0\v"
_STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "pre": "pre",
    "code": "code",
    "blockquote": "blockquote",
}
_REFERENCE = re.compile(r"&(?:#x0*([0-9a-fA-F]{1,6})|#0*([0-9]{1,7})|(lt|gt|amp|quot)(?![a-zA-Z]));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_NAME_TOKEN = re.compile(r"[0-9A-Za-z.\-]*")


def parse_html(source: str) -> tuple[str, tuple[Entity, ...]]:
    """Returns the text without its markup, and its entities (offsets in UTF-16 units, sorted, well nested).

    Raises ApiError 400 "can't parse entities: ..." with the byte offset of the error, like the real one.
    """
    return _Parser(source).parse()


def _refused(reason: str) -> ApiError:
    return bad_request(f"can't parse entities: {reason}")


@dataclass(frozen=True)
class _Tag:
    """A tag that was opened and not yet closed."""

    name: str
    begin: int
    offset: int
    piece: int
    attributes: dict[str, str | None]


@dataclass
class _Parser:
    source: str
    at: int = 0
    offset: int = 0
    pieces: list[str] = field(default_factory=list)
    open_tags: list[_Tag] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)

    def parse(self) -> tuple[str, tuple[Entity, ...]]:
        while self.at < len(self.source):
            if self.source.startswith("</", self.at):
                self._close()
            elif self.source[self.at] == "<":
                self._open()
            else:
                self._emit(self._character())
        if self.open_tags:
            raise _refused(f'Can\'t find end tag corresponding to start tag "{self.open_tags[-1].name}"')
        return strip("".join(self.pieces), settle(self.entities))

    def _emit(self, character: str) -> None:
        kept = tidy(character)
        self.pieces.append(kept)
        self.offset += units(kept)

    def _character(self) -> str:
        """Returns the next character of text or attribute, a character reference decoded."""
        reference = _REFERENCE.match(self.source, self.at)
        character = _decoded(reference) if reference else None
        if reference is None or character is None:
            self.at += 1
            return self.source[self.at - 1]
        self.at = reference.end()
        return character

    def _peek(self) -> str:
        return self.source[self.at] if self.at < len(self.source) else ""

    def _skip_spaces(self) -> None:
        while self._peek() and self._peek() in _SPACE:
            self.at += 1

    def _word(self, stops: str) -> str:
        begin = self.at
        while self._peek() and self._peek() not in stops:
            self.at += 1
        return self.source[begin : self.at]

    def _byte(self, index: int) -> int:
        return len(self.source[:index].encode())

    def _open(self) -> None:
        begin = self.at
        self.at += 1
        name = self._word(_SPACE + ">").lower()
        where = f"at byte offset {self._byte(begin)}"
        if not self._peek():
            raise _refused(f"Unclosed start tag {where}")
        if name not in _STYLES:
            raise _refused(f'Unsupported start tag "{name}" {where}')
        attributes: dict[str, str | None] = {}
        while True:
            self._skip_spaces()
            if self._peek() == ">":
                break
            key, value = self._attribute(name, where)
            attributes[key] = value
        self.at += 1
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise _refused(f'Tag "span" must have class "tg-spoiler" {where}')
        self.open_tags.append(_Tag(name, begin, self.offset, len(self.pieces), attributes))

    def _attribute(self, tag: str, where: str) -> tuple[str, str | None]:
        key = self._word(_SPACE + "=>").lower()
        if not self._peek():
            raise _refused(f"Unclosed start tag {where}")
        if not key:
            raise _refused(f'Empty attribute name in the tag "{tag}" {where}')
        self._skip_spaces()
        if self._peek() != "=":
            if tag == "blockquote" and key == "expandable" and self._peek():
                return key, None
            raise _refused(f'Expected equal sign in declaration of an attribute of the tag "{tag}" {where}')
        self.at += 1
        self._skip_spaces()
        value = self._quoted() if self._peek() in ("'", '"') else self._name_token()
        if not self._peek():
            raise _refused(f"Unclosed start tag {where}")
        return key, value

    def _quoted(self) -> str:
        quote = self._peek()
        self.at += 1
        value: list[str] = []
        while self._peek() and self._peek() != quote:
            value.append(self._character())
        self.at += 1
        return "".join(value)

    def _name_token(self) -> str:
        begin = self.at
        token = _NAME_TOKEN.match(self.source, begin)
        self.at = token.end() if token else begin
        if self._peek() and self._peek() not in _SPACE + ">":
            raise _refused(f"Unexpected end of name token at byte offset {self._byte(begin)}")
        return self.source[begin : self.at].lower()

    def _close(self) -> None:
        begin = self.at
        where = f"at byte offset {self._byte(begin)}"
        if not self.open_tags:
            raise _refused(f"Unexpected end tag {where}")
        self.at += 2
        name = self._word(_SPACE + ">").lower()
        self._skip_spaces()
        if self._peek() != ">":
            raise _refused(f"Unclosed end tag {where}")
        self.at += 1
        tag = self.open_tags[-1]
        if name and name != tag.name:
            raise _refused(f'Unmatched end tag {where}, expected "</{tag.name}>", found "</{name}>"')
        self.open_tags.pop()
        if self.offset > tag.offset:
            self._record(tag)

    def _record(self, tag: _Tag) -> None:
        """Adds the entity of a tag that just closed; an invalid link leaves only its text."""
        kind, length = _STYLES[tag.name], self.offset - tag.offset
        entity = Entity(kind, tag.offset, length)
        inside = self.entities[-1] if self.entities else None
        language = _language(tag.attributes.get("class"))
        if kind == "text_link":
            url = checked_link(tag.attributes.get("href") or "".join(self.pieces[tag.piece :]))
            entity = Entity(kind, tag.offset, length, url=url)
        elif kind == "custom_emoji":
            if not re.fullmatch(r"[1-9][0-9]{0,18}", tag.attributes.get("emoji-id") or ""):
                raise _refused("Invalid custom emoji identifier specified")
            return
        elif kind == "code":
            entity = Entity(kind, tag.offset, length, language=language)
        elif kind == "pre" and inside and (inside.type, inside.span) == ("code", entity.span):
            entity = Entity(kind, tag.offset, length, language=inside.language)
        elif kind == "blockquote" and "expandable" in tag.attributes:
            entity = Entity("expandable_blockquote", tag.offset, length)
        if kind != "text_link" or entity.url:
            self.entities.append(entity)


def _language(name: str | None) -> str:
    return name.removeprefix("language-") if name and name.startswith("language-") else ""


def _decoded(reference: re.Match[str]) -> str | None:
    """Returns the character of a reference; None when there is none and it is plain text."""
    hexadecimal, decimal, name = reference.groups()
    if name:
        return _NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    if 0xD800 <= code <= 0xDFFF:
        raise _refused(
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"
        )
    return chr(code) if 0 < code < 0x10FFFF else None
