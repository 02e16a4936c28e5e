"""The ledger as trading uses it: load once, then store and commit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from core.domain.arrival import Arrival
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition
from core.domain.order import Fill, Order
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState

Taken = Callable[[Sequence[Arrival]], None]


def ignored(_: Sequence[Arrival]) -> None:
    """Does nothing with what was stored."""


class Ledger(Protocol):
    """The single source of truth. Every method raises LedgerUnavailable if nothing was written or read."""

    async def load(self, today: str) -> LedgerState:
        """Returns the state to start from; `today` is the UTC day, `YYYY-MM-DD`."""
        ...

    def next_seq(self) -> int:
        """Returns the number of a message that is to come into the ledger with its outcome; `store` and `commit` give the others
        theirs. Each number is higher than those before."""
        ...

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
        taken: Taken = ignored,
    ) -> Sequence[Arrival]:
        """Stores incoming messages and the position of their source, in one commit. The answer is in the order of `messages`:
        None for one whose (source, source_id) is known already. A signal that differs from the known one is a Conflict, which is
        stored among the dead letters and reported, in the same commit. `taken` is given the answer at the commit, in the order of
        commits, also if the caller has stopped waiting by then."""
        ...

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        """Returns those of these orders that the ledger knows, by client order id."""
        ...

    async def fills_of(self, client_order_id: str) -> Sequence[Fill]:
        """Returns the booked fills of an order, in any order."""
        ...

    async def commit(self, batch: CommitBatch, *, taken: Taken = ignored) -> None:
        """Writes all of `batch` or nothing. Commits that are ready together share one transaction. `taken` is given what became
        of its messages, as by `store`. A message that an outcome brings is stored with the position of its source, or nothing is:
        if its identity is known already MessageKnown is raised."""
        ...
