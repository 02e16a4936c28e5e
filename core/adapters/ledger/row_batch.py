"""The rows that one or many works write, ready for one transaction. Knows the rows' order and merging, not the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from core.adapters.ledger import rows
from core.adapters.ledger.rows import Row
from core.domain.events.access import StrangerSeen
from core.domain.events.table import Event
from core.domain.messages import DeadLetter, Message, SourcePosition
from core.domain.order_state_machine import OrderState
from core.records.commit_batch import CommitBatch


@dataclass(slots=True)
class RowBatch:
    """Rows by table. A list is appended to the table, in order; a dict replaces the row of its key, the last one wins."""

    inbox: list[Row] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    orders: dict[object, Row] = field(default_factory=dict)
    touched: dict[object, Row] = field(default_factory=dict)
    order_steps: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    positions: dict[object, Row] = field(default_factory=dict)
    trades: list[Row] = field(default_factory=list)
    executions: list[Row] = field(default_factory=list)
    approvals: dict[object, Row] = field(default_factory=dict)
    controls: dict[object, Row] = field(default_factory=dict)
    holds: dict[object, Row] = field(default_factory=dict)
    acknowledged: dict[object, Row] = field(default_factory=dict)
    exits: dict[object, Row] = field(default_factory=dict)
    source_positions: dict[object, Row] = field(default_factory=dict)
    export_positions: dict[object, Row] = field(default_factory=dict)
    marks: dict[object, Row] = field(default_factory=dict)
    proofs: dict[object, Row] = field(default_factory=dict)
    dead_letters: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    told: dict[object, Row] = field(default_factory=dict)
    deliveries: list[Row] = field(default_factory=list)
    people: dict[object, Row] = field(default_factory=dict)
    invites: dict[object, Row] = field(default_factory=dict)
    authenticators: dict[object, Row] = field(default_factory=dict)
    readers: dict[object, Row] = field(default_factory=dict)
    limits: dict[object, Row] = field(default_factory=dict)
    strangers: dict[object, tuple[Row, Row]] = field(default_factory=dict)  # user id: (stranger, the outbox row if new)
    paper_orders: dict[object, Row] = field(default_factory=dict)
    paper_balances: dict[object, Row] = field(default_factory=dict)
    prune: dict[str, list[Row]] = field(default_factory=dict)  # by the name of the statement that deletes them
    pruned: dict[object, Row] = field(default_factory=dict)


_NAMES = tuple(each.name for each in fields(RowBatch))


def merged(works: Iterable[RowBatch]) -> RowBatch:
    """Merges all of `works` into one; later rows replace earlier ones."""
    whole = RowBatch()
    for work in works:
        for name in _NAMES:
            part = getattr(work, name)
            if isinstance(part, list):
                getattr(whole, name).extend(part)
            elif part:
                getattr(whole, name).update(part)
    return whole


def writes_of_changes(changes: CommitBatch, at: datetime) -> RowBatch:
    """Returns the rows of a commit; `at` is when its events happened. Raises ValueError for what no ledger can hold."""
    return RowBatch(
        verdicts=[rows.verdict_row(verdict) for verdict in changes.verdicts],
        orders={order.client_order_id: rows.order_row(order) for order in changes.orders},
        touched={order.symbol: {"symbol": order.symbol} for order in changes.orders if order.state is OrderState.SUBMITTED},
        order_steps=[rows.order_step_row(order) for order in changes.orders],
        fills=[rows.fill_row(client_order_id, fill) for client_order_id, fill in changes.fills],
        positions={position.symbol: rows.position_row(position) for position in changes.positions},
        trades=[rows.trade_row(trade) for trade in changes.trades],
        executions=[rows.execution_row(execution) for execution in changes.executions],
        approvals={approval.token: rows.approval_row(approval) for approval in changes.approvals},
        controls={} if changes.controls is None else {1: rows.controls_row(changes.controls)},
        holds={hold.symbol: rows.hold_row(hold) for hold in changes.holds},
        acknowledged={one.mark: rows.acknowledged_row(one) for one in changes.acknowledged},
        exits={wanted.symbol: rows.exit_row(wanted) for wanted in changes.exits},
        people={person.user_id: rows.person_row(person) for person in changes.people},
        invites={invite.digest: rows.invite_row(invite) for invite in changes.invites},
        authenticators={one.user_id: rows.authenticator_row(one) for one in changes.authenticators},
        limits={limit.name: rows.limit_row(limit) for limit in changes.limits},
        readers={reader.chat_id: rows.reader_row(reader) for reader in changes.readers},
        outbox=[rows.outbox_row(event, at) for event in changes.events],
    )


def writes_of_arrivals(
    messages: Sequence[Message],
    dead: Sequence[DeadLetter],
    position: SourcePosition | None,
    events: Sequence[Event],
    at: datetime,
) -> RowBatch:
    """Returns the rows of incoming messages. Raises ValueError for what no ledger can hold."""
    positions: dict[object, Row] = (
        {} if position is None else {(position.source, position.partition): rows.source_position_row(position)}
    )
    return RowBatch(
        inbox=[rows.message_row(message) for message in messages],
        source_positions=positions,
        dead_letters=[rows.dead_letter_row(letter) for letter in dead],
        outbox=[rows.outbox_row(event, at) for event in events],
    )


def writes_of_stranger(event: StrangerSeen, at: datetime) -> RowBatch:
    """Returns the rows of a stranger; the event row is sent only if the stranger is new."""
    return RowBatch(strangers={event.user_id: (rows.stranger_row(event, at), rows.outbox_row(event, at))})
