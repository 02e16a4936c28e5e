"""The arguments of one Bot API call, from a query string, a form, JSON or multipart; checked as they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from local_telegram.errors import Json, bad_request

MAX_BODY = 51 * 1024 * 1024  # a bot may send files of up to 50 MB
_LONGEST = 64 * 1024  # characters of one argument; no method takes nearly as much


@dataclass(frozen=True)
class Upload:
    """A file in a multipart request."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True)
class Params:
    """Arguments by name. Every reader raises ApiError 400 on a value of the wrong type."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Returns a string; empty when absent."""
        value = self.fields.get(name)
        if value is None:
            return ""
        text = value if isinstance(value, str) else json.dumps(value)
        if len(text) > _LONGEST:
            raise bad_request("message is too long" if name == "text" else f"{name} is too long")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise bad_request("strings must be encoded in UTF-8")
        return text

    def integer(self, name: str, default: int = 0) -> int:
        """Returns a whole number, also given as a string."""
        text = self.text(name).strip()
        digits = text.removeprefix("-")
        if not text:
            return default
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
            raise bad_request(f"invalid {name} specified")
        return int(text)

    def flag(self, name: str) -> bool:
        """Returns True for true, yes and 1, as the Bot API reads it."""
        return self.text(name).strip().lower() in ("true", "yes", "1", "t", "y")

    def value(self, name: str) -> Any:
        """Returns a JSON value, given as such or as a string; None when absent."""
        try:
            raw = self.fields.get(name)
            value = json.loads(self.text(name) or "null") if isinstance(raw, str) else raw
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise bad_request("strings must be encoded in UTF-8") from None
        except (ValueError, RecursionError):
            raise bad_request(f"can't parse {name} JSON object") from None
        return value

    def record(self, name: str) -> Json | None:
        """Returns a JSON object; None when absent."""
        value = self.value(name)
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"object expected as {name}")
        return value

    def records(self, name: str) -> list[Json]:
        """Returns a JSON list of objects; empty when absent."""
        value = self.value(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad_request(f"expected an Array of Object as {name}")
        return value


async def read_params(request: Request) -> Params:
    """Reads the arguments of a call; those in the body win over those in the query string."""
    fields: dict[str, Any] = dict(request.query_params)
    files: dict[str, Upload] = {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if int(request.headers.get("content-length", "0") or 0) > MAX_BODY:
        raise bad_request("file is too big")
    if kind == "application/json":
        fields |= _json_object(await request.body())
    elif kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_part_size=MAX_BODY) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    data = await value.read()
                    files[name] = Upload(value.filename or "file", value.content_type or "", data)
                else:
                    fields[name] = value
    return Params(fields, files)


def _json_object(body: bytes) -> Json:
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        raise bad_request("can't parse request JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("object expected as request")
    return value
