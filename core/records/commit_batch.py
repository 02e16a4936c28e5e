"""One commit's rows, as domain values."""

from dataclasses import dataclass, field

from core.domain.events.table import Event
from core.domain.messages import Message
from core.domain.order import Fill
from core.domain.position import Execution, Trade
from core.records.kept_rows import KeptRows
from core.records.message_outcome import MessageOutcome


@dataclass(slots=True, kw_only=True)
class CommitBatch(KeptRows):
    """Everything that one commit writes. Kept rows replace the row of the same key, the rest is appended; an execution, fill or
    trade that exists already is left alone. `messages` come in with it: each is stored once by its identity, and has its turn
    afterwards."""

    outcomes: list[MessageOutcome] = field(default_factory=list)
    fills: list[tuple[str, Fill]] = field(default_factory=list)  # (client_order_id, fill)
    trades: list[Trade] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
