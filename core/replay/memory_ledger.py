"""The ledger of a replay: in memory, never full, and gone with it."""

from collections.abc import Mapping, Sequence

from core.domain.arrival import Arrival
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition, StoredMessage
from core.domain.order import Fill, Order
from core.domain.position import Execution, Trade
from core.ports.ledger import Taken, ignored
from core.records.commit_batch import CommitBatch
from core.records.ledger_state import LedgerState
from core.records.message_outcome import MessageOutcome


class MemoryLedger:
    """See `core.ports.ledger.Ledger`. Keeps what a replay is judged by."""

    def __init__(self) -> None:
        self.messages: dict[tuple[str, str], StoredMessage] = {}
        self.outcomes: dict[int, MessageOutcome] = {}
        self.orders: dict[str, Order] = {}
        self.executions: dict[str, Execution] = {}
        self.trades: dict[str, Trade] = {}
        self.commits = 0
        self._fills: dict[str, dict[str, Fill]] = {}
        self._seq = 0

    async def load(self, today: str) -> LedgerState:
        """Returns nothing: what was open before is handed to the portfolio."""
        return LedgerState()

    def next_seq(self) -> int:
        """See Ledger."""
        self._seq += 1
        return self._seq

    async def store(
        self,
        messages: Sequence[Message],
        *,
        dead: Sequence[DeadLetter] = (),
        position: SourcePosition | None = None,
        events: Sequence[Event] = (),
        taken: Taken = ignored,
    ) -> Sequence[Arrival]:
        """See Ledger."""
        found = [self._keep(message) for message in messages]
        taken(found)
        return found

    def _keep(self, message: Message) -> StoredMessage | None:
        key = message.source, message.source_id
        if key in self.messages:
            return None
        self.messages[key] = stored = StoredMessage(self.next_seq(), message)
        return stored

    async def find_orders(self, client_order_ids: Sequence[str]) -> Mapping[str, Order]:
        """See Ledger."""
        return {name: self.orders[name] for name in client_order_ids if name in self.orders}

    async def fills_of(self, client_order_id: str) -> Sequence[Fill]:
        """See Ledger."""
        return list(self._fills.get(client_order_id, {}).values())

    async def commit(self, batch: CommitBatch, *, taken: Taken = ignored) -> None:
        """See Ledger."""
        self.commits += 1
        self.outcomes.update((outcome.seq, outcome) for outcome in batch.outcomes)
        self.orders.update((order.client_order_id, order) for order in batch.orders)
        for name, fill in batch.fills:
            self._fills.setdefault(name, {})[fill.trade_id] = fill
        self.executions.update((one.execution_id, one) for one in batch.executions)
        self.trades.update((one.trade_id, one) for one in batch.trades)
        taken([self._keep(message) for message in batch.messages])

    def book(self, order: Order, fills: Sequence[Fill]) -> None:
        """Keeps an order of before the replay, with its fills."""
        self.orders[order.client_order_id] = order
        self._fills[order.client_order_id] = {fill.trade_id: fill for fill in fills}

    def outcome_of(self, source: str, source_id: str) -> MessageOutcome | None:
        """Returns the outcome of a message by its identity; None if it never came, or has none."""
        stored = self.messages.get((source, source_id))
        return self.outcomes.get(stored.seq) if stored is not None else None
