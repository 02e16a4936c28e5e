"""The rows that one or many works write, by table, ready for one transaction. Knows their merging, not the database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Table

from core.adapters.ledger.row import Row
from core.adapters.ledger.tables.notification_tables import outbox, outbox_row
from core.adapters.ledger.tables.people_tables import stranger_row
from core.adapters.ledger.tables.registry import TABLES
from core.adapters.ledger.tables.signal_tables import (
    dead_letter_row,
    dead_letters,
    decided_row,
    inbox,
    message_row,
    outcome_row,
    source_position_row,
    source_positions,
)
from core.domain.events.access import StrangerSeen
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition
from core.records.commit_batch import CommitBatch

NextSeq = Callable[[], int]
"""Returns the number of the next message."""

_OF_BATCH = [entry for entry in TABLES if entry.encode is not None and entry.batch]


@dataclass(slots=True)
class RowBatch:
    """Rows by table, in order; the registry says whether one replaces the row of its key. `outcomes` are updates of `inbox`,
    `decided` those of its rows that have to be new, `prune` the rows that the statement of each name deletes or empties."""

    rows: dict[Table, list[Row]] = field(default_factory=dict)
    outcomes: list[Row] = field(default_factory=list)
    decided: list[Row] = field(default_factory=list)
    strangers: dict[int, tuple[Row, Row]] = field(default_factory=dict)  # user id: (stranger, the outbox row if new)
    prune: dict[str, list[Row]] = field(default_factory=dict)


def merged(works: Iterable[RowBatch]) -> RowBatch:
    """Merges all of `works` into one, the later rows behind the earlier."""
    whole = RowBatch()
    for work in works:
        for table, rows in work.rows.items():
            whole.rows.setdefault(table, []).extend(rows)
        for name, rows in work.prune.items():
            whole.prune.setdefault(name, []).extend(rows)
        whole.outcomes += work.outcomes
        whole.decided += work.decided
        whole.strangers |= work.strangers
    return whole


def row_batch_of(batch: CommitBatch, at: datetime, next_seq: NextSeq) -> RowBatch:
    """Returns the rows of a commit; `at` is when its events happened. Raises ValueError for what no ledger can hold."""
    rows = {entry.table: found for entry in _OF_BATCH if (found := entry.rows_of(batch))}
    if batch.events:
        rows[outbox] = [outbox_row(event, at) for event in batch.events]
    brought = [outcome.brings for outcome in batch.outcomes if outcome.brings is not None]
    decided = [decided_row(outcome.brings, outcome) for outcome in batch.outcomes if outcome.brings is not None]
    if brought or batch.messages:
        rows[inbox] = [*decided, *(_inbox_row(message, next_seq()) for message in batch.messages)]
    if brought:
        rows[source_positions] = [source_position_row(one.unstored.position) for one in brought if one.unstored is not None]
    return RowBatch(rows, [outcome_row(outcome) for outcome in batch.outcomes if outcome.brings is None], decided)


def _inbox_row(message: Message, seq: int) -> Row:
    return {"seq": seq, **message_row(message)}


def batch_of_arrivals(
    messages: Sequence[Message],
    dead: Sequence[DeadLetter],
    position: SourcePosition | None,
    events: Sequence[Event],
    *,
    at: datetime,
    next_seq: NextSeq,
) -> RowBatch:
    """Returns the rows of incoming messages. Raises ValueError for what no ledger can hold."""
    return RowBatch(
        {
            inbox: [_inbox_row(message, next_seq()) for message in messages],
            source_positions: [] if position is None else [source_position_row(position)],
            dead_letters: [dead_letter_row(letter) for letter in dead],
            outbox: [outbox_row(event, at) for event in events],
        }
    )


def batch_of_stranger(event: StrangerSeen, at: datetime) -> RowBatch:
    """Returns the rows of a stranger; the event row is sent only if the stranger is new."""
    return RowBatch(strangers={event.user_id: (stranger_row(event, at), outbox_row(event, at))})
