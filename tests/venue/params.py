"""Reads the parameters of one request as Binance does: every one checked, counted, and none left unread."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from tests.venue.errors import TEXTS, VenueError, empty, illegal, missing

DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER = r"^[0-9]{1,20}$"
CLIENT_ORDER_ID = r"^[a-zA-Z0-9-_]{1,36}$"
SYMBOL = r"^[A-Z0-9-_.]{1,20}$"
WINDOW = r"^[0-9]{1,20}(\.[0-9]{1,3})?$"
_COMPILED = {text: re.compile(text) for text in (DECIMAL, INTEGER, CLIENT_ORDER_ID, SYMBOL, WINDOW)}


def pairs(raw: str) -> dict[str, str]:
    """Returns name -> value of a query string or form body; raises -1101 for a name sent twice."""
    found = parse_qsl(raw, keep_blank_values=True)
    result = dict(found)
    if len(result) != len(found):
        raise VenueError(-1101, "Duplicate values for a parameter detected.")
    return result


class Params:
    """The parameters of a request. `signed` decides which of two errors an unknown parameter gets."""

    def __init__(self, values: Mapping[str, str], *, signed: bool) -> None:
        self._values = values
        self._read: set[str] = set()
        self._signed = signed

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, legal: str | None = None) -> str | None:
        """Returns None if it was not sent; raises -1105 if it was sent empty; -1100 if it does not match `legal`."""
        self._read.add(name)
        value = self._values.get(name)
        if value is None:
            return None
        if not value:
            raise empty(name)
        if legal is not None and not _COMPILED[legal].fullmatch(value):
            raise illegal(name, legal)
        return value

    def required(self, name: str, legal: str | None = None) -> str:
        value = self.text(name, legal)
        if value is None:
            raise missing(name)
        return value

    def choice(self, name: str, legal: Collection[str], code: int) -> str | None:
        """Returns one of an enum's words, else raises VenueError `code`."""
        value = self.text(name)
        if value is not None and value not in legal:
            raise VenueError(code, TEXTS.get(code, f"Data sent for parameter '{name}' is not valid."))
        return value

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name, DECIMAL)
        return None if value is None else Decimal(value)

    def integer(self, name: str) -> int | None:
        value = self.text(name, INTEGER)
        return None if value is None else int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.choice(name, ("true", "false", "TRUE", "FALSE"), -1130)
        return default if value is None else value.lower() == "true"

    def limit(self, default: int, most: int) -> int:
        """Returns `limit`, at least 1; a larger value is cut to `most`."""
        value = self.integer("limit")
        if value == 0:
            raise VenueError(-1130, "Data sent for parameter 'limit' is not valid.")
        return default if value is None else min(value, most)

    def symbol(self) -> str:
        return self.required("symbol", SYMBOL)

    def finish(self) -> None:
        """Refuses any parameter that nobody read; call it after the last read."""
        unread = len(self._values.keys() - self._read)
        if not unread:
            return
        sent, read = len(self._values), len(self._values) - unread
        if self._signed:
            msg = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
            raise VenueError(-1104, msg)
        raise VenueError(-1101, f"Too many parameters; expected '{read}' and received '{sent}'.")
