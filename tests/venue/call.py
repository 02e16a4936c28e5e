"""One request at its endpoint, and an endpoint's entry in the table of routes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.venue.errors import VenueError
from tests.venue.filters import SymbolRules
from tests.venue.model import Account, ApiKey
from tests.venue.params import Params
from tests.venue.venue import Venue

Security = Literal["NONE", "USER_DATA", "TRADE"]
Weight = int | Callable[[Mapping[str, str]], int]
DAY_MS = 86_400_000


@dataclass(slots=True)
class Call:
    """One request at its endpoint. `key` is set on signed endpoints; `headers` are sent with the answer."""

    venue: Venue
    params: Params
    key: ApiKey | None
    headers: dict[str, str] = field(default_factory=dict)
    stops_half_way: bool = False
    """A fault: of two steps only the first is done."""

    @property
    def account(self) -> Account:
        return self.owner.account

    @property
    def owner(self) -> ApiKey:
        if self.key is None:
            raise VenueError(-2015)
        return self.key

    def symbol(self) -> SymbolRules:
        return self.venue.exchange.rules(self.params.symbol())

    def times(self) -> tuple[int | None, int | None]:
        """Reads startTime and endTime, which may be a day apart."""
        start, end = self.params.integer("startTime"), self.params.integer("endTime")
        if start is not None and end is not None and end - start > DAY_MS:
            raise VenueError(-1127)
        return start, end


@dataclass(frozen=True, slots=True)
class Route:
    answer: Callable[[Call], object]
    security: Security = "NONE"
    weight: Weight = 1
    free: bool = False
    """Endpoints that weigh nothing on success: changelog of 2026-03-27."""
