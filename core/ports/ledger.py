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
    """The one place of truth. Every method raises LedgerUnavailable when nothing was written or read."""

    async def load(self, today: str) -> LedgerState:
        """The state to start from; `today` is the UTC day, `YYYY-MM-DD`."""
        ...

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
    ) -> Sequence[Arrival]:
        """Stores what came in and how far its source was read, in one commit. The answer stands in the order of `messages`:
        None for one whose (source, source_id) is known already. A signal that says something else than the one that is known is a
        Conflict, which is kept among the dead letters and told, in the same commit."""
        ...

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        """Those of these orders that the ledger knows, by client order id."""
        ...

    async def commit(self, changes: CommitBatch) -> None:
        """Writes all of `changes` or nothing. Commits that are ready together share one transaction."""
        ...
