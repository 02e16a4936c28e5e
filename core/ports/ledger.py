"""The ledger as trading uses it: load once, then store and commit."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.domain.arrival import Arrival
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition
from core.domain.order import Order
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState


class Ledger(Protocol):
    """The single source of truth. Every method raises LedgerUnavailable if nothing was written or read."""

    async def load(self, today: str) -> LedgerState:
        """Returns the state to start from; `today` is the UTC day, `YYYY-MM-DD`."""
        ...

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
    ) -> Sequence[Arrival]:
        """Stores incoming messages and the position of their source, in one commit. The answer is in the order of `messages`:
        None for one whose (source, source_id) is known already. A signal that differs from the known one is a Conflict, which is
        stored among the dead letters and reported, in the same commit."""
        ...

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        """Returns those of these orders that the ledger knows, by client order id."""
        ...

    async def commit(self, changes: CommitBatch) -> None:
        """Writes all of `changes` or nothing. Commits that are ready together share one transaction."""
        ...
