"""What a history leaves behind for whoever judges it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Table

from core.adapters.ledger import tables
from core.adapters.ledger.codec import bodies
from core.adapters.ledger.rows import Row
from core.domain.messages import Body
from core.domain.signal import BY_HAND
from tests.simulation.polling import Polling
from tests.venue.model import Order
from tests.venue.venue import Venue


@dataclass(frozen=True, slots=True)
class Published:
    """A record as it was written to `place` (topic/partition/offset); `name` None: it has no id of its own."""

    place: str
    name: str | None
    readable: bool = True
    value: bytes = b""


@dataclass(slots=True)
class Hands:
    """What people did in the chat. `confirmed` are the commands that they meant, by the identity that each has in the inbox;
    `panics` those of the panics after which nobody said anything more, `panicked_in_calm` whether nothing went wrong any more by
    then. `afterwards` are the signals that came after the last start; `guests_word` is the identity of what Bob said after it."""

    confirmed: dict[str, str] = field(default_factory=dict)
    panics: list[str] = field(default_factory=list)
    panicked_in_calm: bool = False
    afterwards: list[str] = field(default_factory=list)
    guests_word: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What ledger, exchange and chat hold once all is settled. `rows` reads a table of the ledger, `told` is what the bot's
    messages in the chat say, by their ids, `published` everything that was written to the topic since the first start,
    `cut` the partitions (topic/partition/) whose end was lost, so that they were read again. `settings` are the limits where
    nobody set another. `accident` befell the whole history, `strange` are the exchange's orders of somebody else,
    `polling` is who polled Telegram when."""

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
    polling: Polling = field(default_factory=Polling)

    @property
    def orders(self) -> list[Order]:
        """The exchange's orders without those of somebody else."""
        return [order for order in self.venue.orders if order not in self.strange]

    def messages(self, kind: str) -> Iterator[tuple[Row, Body]]:
        """The messages of a kind in the inbox, and what they say."""
        return ((row, bodies.decode(row["body"])) for row in self.rows(tables.inbox) if row["kind"] == kind)


def is_signal(row: Row) -> bool:
    """Whether a row of the inbox is a signal or an order by hand."""
    return bool(row["kind"] == "signal")


def is_by_hand(row: Row) -> bool:
    """Whether a row of the inbox came from a person."""
    return bool(row["source"] == BY_HAND)
