"""Finds signals whose id belongs to different content, in the transaction that would have stored them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import result_tables, signal_tables
from core.adapters.ledger.tables.result_tables import position_of
from core.domain.messages import SignalReceived
from core.domain.position import Position
from core.domain.signal import Signal
from core.domain.signal_conflict import Conflict, differ
from core.domain.strategy_book import StrategyBook

_ASKED_AT_ONCE = 500
_RAW_KEPT = 2_048  # bytes of a dead letter

Key = tuple[str, str, str]
"""Source, id and content of a message."""


def key_of(row: Row) -> Key:
    """Returns the key that distinguishes a row of `inbox` from all others, including those of the same identity."""
    return row["source"], row["source_id"], row["body"]


def find_conflicts(
    connection: Connection, messages: Sequence[Row], new: Collection[tuple[str, str]]
) -> dict[Key, tuple[Conflict, bytes]]:
    """Returns those of `messages` (rows of `inbox`) that were not stored and differ from the message stored under their identity,
    with their content; `new` are the identities stored just now, each for the first message of that name."""
    stored_now = set(new)
    repeated: list[Row] = []
    for row in messages:
        identity = (row["source"], row["source_id"])
        if identity in stored_now:
            stored_now.discard(identity)
        elif row["signal_type"] is not None:
            repeated.append(row)
    before = dict(_bodies(connection, repeated))
    found: dict[Key, tuple[Conflict, bytes]] = {}
    for row in repeated:
        body = before.get((row["source"], row["source_id"]))
        if body is not None and body != row["body"]:
            first, second = _signal(body), _signal(row["body"])
            if first is not None and second is not None and differ(second, first):
                raw = codec.signals.encode(second).encode("utf-8", "replace")[:_RAW_KEPT]
                found[key_of(row)] = Conflict(second, first, row["received_at"]), raw
    return found


def with_positions(connection: Connection, conflicts: Mapping[Key, Conflict]) -> dict[Key, Conflict]:
    """Adds what each symbol holds once the transaction is done."""
    table, symbols = result_tables.positions, sorted({one.signal.symbol for one in conflicts.values()})
    held: dict[StrategyBook, Position] = {}
    for start in range(0, len(symbols), _ASKED_AT_ONCE):
        question = select(table).where(table.c.symbol.in_(symbols[start : start + _ASKED_AT_ONCE]))
        held |= {one.book: one for one in (position_of(row._asdict()) for row in connection.execute(question))}
    return {
        key: replace(one, position=held.get(one.signal.book) or Position.empty(one.signal.book)) for key, one in conflicts.items()
    }


def _bodies(connection: Connection, repeated: Sequence[Row]) -> Iterator[tuple[tuple[str, str], str]]:
    table = signal_tables.inbox.c
    for source in dict.fromkeys(row["source"] for row in repeated):
        names = list(dict.fromkeys(row["source_id"] for row in repeated if row["source"] == source))
        for start in range(0, len(names), _ASKED_AT_ONCE):
            question = select(table.source_id, table.body).where(
                table.source == source, table.source_id.in_(names[start : start + _ASKED_AT_ONCE])
            )
            for name, body in connection.execute(question):
                yield (source, name), body


def _signal(body: str) -> Signal | None:
    said = codec.bodies.decode(body)
    return said.signal if isinstance(said, SignalReceived) else None
