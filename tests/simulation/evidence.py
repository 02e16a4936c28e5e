"""The remains of a history, for the judge."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Table

from core.adapters.ledger.codec import bodies
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import order_tables, signal_tables
from core.domain.messages import Body
from core.domain.signal import BY_HAND
from tests.simulation.polling import Polling
from tests.venue.model import Order
from tests.venue.venue import Venue


@dataclass(frozen=True, slots=True)
class Published:
    """A record as written to `place` (topic/partition/offset); `name` None: it has no id of its own."""

    place: str
    name: str | None
    readable: bool = True
    value: bytes = b""


@dataclass(slots=True)
class Hands:
    """The actions of people in the chat. `confirmed` are the commands that they meant, by the identity of each in the inbox;
    `panics` those of the panics after which nobody said anything more, `panicked_in_calm` whether nothing failed any more by
    then. `afterwards` are the signals that came after the last start; `guests_word` is the identity of what Bob said after it."""

    confirmed: dict[str, str] = field(default_factory=dict)
    panics: list[str] = field(default_factory=list)
    panicked_in_calm: bool = False
    afterwards: list[str] = field(default_factory=list)
    guests_word: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The content of ledger, exchange and chat once all is settled. `rows` reads a table of the ledger, `told` are the bot's
    messages in the chat, by their ids, `published` everything that was written to the topic since the first start, `cut` the
    partitions (topic/partition/) whose end was lost, so that they were read again. `settings` are the limits unless somebody set
    another. `accident` affected the whole history, `strange` are the exchange's orders of another trader, `lost_legs` the ids of
    plans' orders that others have ended, `polling` is who polled Telegram when, `paid` what was paid in since the start, by
    asset."""

    rows: Callable[[Table], Sequence[Row]]
    venue: Venue
    told: Mapping[int, str]
    published: Sequence[Published]
    cut: Collection[str]
    symbols: Sequence[str]
    start_balances: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    hands: Hands = field(default_factory=Hands)
    accident: str = ""
    strange: Sequence[Order] = ()
    lost_legs: Sequence[str] = ()
    polling: Polling = field(default_factory=Polling)
    paid: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def orders(self) -> list[Order]:
        """Returns the exchange's orders without those of another trader."""
        return [order for order in self.venue.orders if order not in self.strange]

    @property
    def signal_orders(self) -> list[Row]:
        """Returns the ledger's orders of signals: without those that a plan made."""
        return [row for row in self.rows(order_tables.orders) if row["leg"] is None]

    @property
    def legs(self) -> list[Row]:
        """Returns the ledger's orders of plans."""
        return [row for row in self.rows(order_tables.orders) if row["leg"] is not None]

    def messages(self, kind: str) -> Iterator[tuple[Row, Body]]:
        """Returns the messages of a kind in the inbox, and their content."""
        return ((row, bodies.decode(row["body"])) for row in self.rows(signal_tables.inbox) if row["kind"] == kind)


def is_signal(row: Row) -> bool:
    """Tells whether a row of the inbox is a signal or a manual order."""
    return bool(row["kind"] == "signal")


def is_by_hand(row: Row) -> bool:
    """Tells whether a row of the inbox came from a person."""
    return bool(row["source"] == BY_HAND)


def is_planned(row: Row) -> bool:
    """Tells whether a row of the inbox is the exit of a plan."""
    return bool(row["source"] == "protection")
