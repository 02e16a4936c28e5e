"""Binance's refusals, and what they mean for an order. Pure; it never reports a definite no where a yes is possible."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.adapters.binance.error_codes import TOO_MUCH, Outcome, broken_filter, meaning_of, says_too_much
from core.adapters.binance.rate_limit_budget import NO_COUNTS, Counts, counts_of
from core.domain.order import EntryList, ListRequest, NotTaken, OrderRequest, Rejected, Unanswered
from core.domain.reasons import Reason, reason

NO_SUCH_ORDER = -2013
NOTHING_TO_CANCEL = -2011
NO_SUCH_SYMBOL = -1121
CLOCK_OFF = -1021
# Codes that answer a question about a symbol that does not exist: errors.md, BAD_SYMBOL and ILLEGAL_CHARS.
UNKNOWN_SYMBOL = frozenset({NO_SUCH_SYMBOL, -1100})

_TOO_MANY_ORDERS = -1015
_LONGEST_MESSAGE = 200
_LONGEST_WINDOW = 300.0  # exchangeInfo.rateLimits: the window of raw requests
_SHORTEST_BAN = 120.0
_LONGEST_BAN = 3 * 86_400.0  # rest-api.md, "IP Limits": bans "scale in duration from 2 minutes to 3 days"

_TO_CHECK: Mapping[int, str] = {
    **dict.fromkeys((-1002, -2014, -2015), "BINANCE_API_KEY, the key's list of addresses and its Spot trading permission"),
    -1022: "BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_PATH, and whether it belongs to BINANCE_API_KEY",
}


# A proxy or firewall between us and the exchange shows by the status alone: its page is not the exchange's, and is not quoted.
_EXPLAINED: Mapping[int, str] = {
    451: "The exchange serves nobody from where this machine is (restricted location). Run it elsewhere, or set"
    " BINANCE_API_URL to an exchange that does.",
    403: "A firewall before the exchange turned the request away (rest-api.md, WAF limit): look at a proxy, or ask less.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx with JSON in it, not yet parsed; `counts` is the usage that its headers report."""

    body: object
    counts: Counts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer, or none that is JSON. `sent` False: the connection was never made, so the request cannot have arrived."""

    what: str
    sent: bool = True


MAY_NOT_SEND = Silence("the right to trade is in doubt: the ledger cannot be reached", sent=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer whose HTTP status is not 2xx. `code` and `message` are the exchange's own, 0 and empty where the body held
    none; `wait` is for how many seconds nothing more may be sent, 0 unless it asks for that; `counts` as in Answer."""

    status: int
    code: int = 0
    message: str = ""
    wait: float = 0.0
    counts: Counts = field(default_factory=dict)

    @property
    def definite(self) -> bool:
        """Tells whether the exchange itself turned the request down: a 4xx with one of its codes."""
        return 400 <= self.status < 500 and self.code != 0

    @property
    def of_orders_only(self) -> bool:
        """Tells whether the limit concerns orders only: questions may still be sent."""
        return self.code == _TOO_MANY_ORDERS

    @property
    def banned(self) -> bool:
        return self.status == 418

    def __str__(self) -> str:
        said = f", code {self.code}: {self.message}" if self.code else ""
        if not self.code and self.status in _EXPLAINED:
            return f"HTTP {self.status}: {_EXPLAINED[self.status]}"
        advice = f" Check {_TO_CHECK[self.code]}." if self.code in _TO_CHECK else ""
        return f"HTTP {self.status}{said}{advice}"


AnyRequest = OrderRequest | ListRequest | EntryList
"""A request that may become orders."""

Said = Answer | Refusal | Silence
"""The response of the exchange: exactly one of these."""


def refusal(status: int, code: object, message: object, headers: Mapping[str, str], counts: Counts = NO_COUNTS) -> Refusal:
    """Makes a Refusal from the content of an answer; `headers` are that answer's. `counts` are what it says besides them.

    A message without a code is not the exchange's: if the body was no JSON it is python-binance's, and holds the URL.
    """
    known = code if isinstance(code, int) and -100_000 < code < 0 else 0  # errors.md: all codes are negative
    said = message[:_LONGEST_MESSAGE] if known and isinstance(message, str) else ""
    text = "".join(c if c.isprintable() else " " for c in said)
    wait = _wait(status, known, text, headers.get("Retry-After"))
    return Refusal(status, known, text, wait, {**counts_of(headers), **counts})


def _wait(status: int, code: int, text: str, retry_after: str | None) -> float:
    """Returns how many seconds nothing more may be sent. A wait that the exchange did not ask for itself is respected only
    briefly: a proxy's header of a year would mean a year without exits."""
    if status not in TOO_MUCH and meaning_of(status, code, text).outcome is not Outcome.STOP_ALL:
        return 0.0
    # Defaults if no header is readable: the window of the order limit, the shortest ban, the window of the request weight.
    usual = 10.0 if code == _TOO_MANY_ORDERS else _SHORTEST_BAN if status == 418 else 60.0
    if retry_after is None or not re.fullmatch(r"\d{1,9}", retry_after, re.ASCII):
        return usual
    longest = usual if not says_too_much(code) else _LONGEST_BAN if status == 418 or code == _TOO_MANY_ORDERS else _LONGEST_WINDOW
    return min(max(float(retry_after), 1.0), longest)


def wait_reason(seconds: float, *, banned: bool) -> Reason:
    """Returns the reason why nothing is sent for that long."""
    return reason("banned" if banned else "rate_limited", seconds=math.ceil(seconds))


def order_refused(said: Refusal, request: AnyRequest, *, asset: str, clock_offset: float) -> Rejected | NotTaken | Unanswered:
    """Maps a refusal of `POST order` or `POST orderList/…` to its meaning for the order or the whole list, by the table of
    `error_codes`. `asset` is the asset that it would have spent; `clock_offset` in seconds.

    A firewall's 403 page, or any other answer without a code, comes from something between us and the exchange. There is almost
    never an order then, but checking costs one question, and being wrong a second order. While a firewall blocks us no order
    could be placed anyway, so checking loses nothing.
    """
    meaning = meaning_of(said.status, said.code, said.message)
    if meaning.outcome is Outcome.UNKNOWN:
        return Unanswered(str(said))
    if meaning.outcome is Outcome.STOP_ALL:
        return NotTaken(wait_reason(said.wait, banned=said.banned), said.wait)
    why = reason(
        meaning.reason,
        code=said.code,
        message=said.message.rstrip("."),
        symbol=request.symbol,
        asset=asset,
        offset=f"{clock_offset:.3f}",
        filter=broken_filter(said.message),
    )
    return NotTaken(why) if meaning.outcome is Outcome.NOT_PLACED else Rejected(why)
