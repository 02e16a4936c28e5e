"""The requests that Binance accepts, and their cost."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.adapters.binance.errors import Said

FOR_PRICES = 0.9  # of the allowed weight, together with everything else; the rest is for orders and finding out about them
FOR_COMPARING = 0.6  # background work leaves room for prices, rules and balances too


class Wire(Protocol):
    """The way to the exchange: a method for each endpoint, parameters named as in rest-api.md. Raises nothing."""

    def now(self) -> float:
        """Returns the time by which requests are dated, before the offset; seconds since the epoch."""
        ...

    def date_by(self, offset: float) -> None:
        """Adds `offset` (seconds) to the date of every signed request from now on."""
        ...

    async def server_time(self) -> Said: ...
    async def exchange_info(self, symbols: Sequence[str] | None) -> Said: ...
    async def quotes(self, symbols: Sequence[str]) -> Said: ...
    async def account(self) -> Said: ...
    async def key_permissions(self) -> Said: ...
    async def open_orders(self) -> Said: ...
    async def order(self, parameters: Mapping[str, str]) -> Said: ...
    async def recent_orders(self, parameters: Mapping[str, str]) -> Said: ...
    async def trades(self, parameters: Mapping[str, str]) -> Said: ...
    async def place(self, parameters: Mapping[str, str]) -> Said: ...
    async def cancel(self, parameters: Mapping[str, str]) -> Said: ...
    async def close(self) -> None: ...


Call = Callable[[Wire], Awaitable[Said]]
ListCall = Callable[[Wire, Sequence[str]], Awaitable[Said]]


@dataclass(frozen=True, slots=True)
class Cost:
    """A question's request weight (rest-api.md, at its endpoint), and the part of the allowed weight up to which it may be sent.
    None: always, because an order's fate depends on it. A `patient` one waits until there is room; others get the wait back."""

    weight: int
    share: float | None = FOR_PRICES
    patient: bool = False


TIME = Cost(1, None)
ORDER = Cost(4, None)
CANCEL = Cost(1, None)
TRADES_OF_ORDER = Cost(5, None)
HISTORY = Cost(20, FOR_COMPARING, patient=True)  # of many pages, none should be read twice
OPEN_ORDERS = Cost(80, FOR_COMPARING)
RULES = Cost(20)
PRICES = Cost(4)
ACCOUNT = Cost(20)
RECENT_ORDERS = Cost(20)
KEY_RIGHTS = Cost(1)
