"""Every event in one table: whom it concerns, its line in the log, the signal it is about. `bot/views` renders each.

A new event takes three places: its class beside its kin, its name in `Event` with its row in `EVENTS`, and its view.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.domain.access import Topic
from core.domain.events.access import AuthenticatorChanged, PersonJoined, PersonRevoked, StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.control import (
    ControlsChanged,
    LimitChanged,
    PanicOver,
    ProtectionReset,
    StrategyChanged,
    StrategyLimitsChanged,
)
from core.domain.events.daily_proof import DayProved, DayUnproved
from core.domain.events.entries import EntryChased, EntryFilledPartly, EntryMissed, EntryRests
from core.domain.events.intake import DeadLettersFound, RequestsRefused, SignalsLost
from core.domain.events.orders import OrderAdopted, OrderExecuted, OrderFailed, OrderUnanswered
from core.domain.events.outages import OutageOver, PartTroubled
from core.domain.events.priority import Priority
from core.domain.events.process import AnotherProgram, CaughtUp, DigestMade, KeyTooWide, Started
from core.domain.events.protection import PlanChanged, PositionsBare, ProtectionFailed, ProtectionRestored
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted, SymbolResumed
from core.domain.money import plain
from core.domain.order import Order
from core.domain.signal import Side, Signal

Event = (
    OrderExecuted
    | OrderFailed
    | OrderUnanswered
    | EntryRests
    | EntryFilledPartly
    | EntryChased
    | EntryMissed
    | ExitPending
    | SignalRefused
    | ApprovalRequested
    | ApprovalClosed
    | ControlsChanged
    | LimitChanged
    | StrategyChanged
    | StrategyLimitsChanged
    | ProtectionReset
    | Started
    | CaughtUp
    | DigestMade
    | DeadLettersFound
    | RequestsRefused
    | StrangerSeen
    | PersonJoined
    | PersonRevoked
    | AuthenticatorChanged
    | KeyTooWide
    | PartTroubled
    | AnotherProgram
    | OutageOver
    | PanicOver
    | SignalsLost
    | SymbolHalted
    | SymbolResumed
    | HaltAccepted
    | OrderAdopted
    | ProtectionFailed
    | ProtectionRestored
    | PlanChanged
    | PositionsBare
    | DayProved
    | DayUnproved
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the log: `level` is one of `logging`'s, `fields` carry no secret."""

    level: int
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventEntry:
    """A row of the table, for the events of class `event`."""

    event: type[Any]
    topic: Callable[[Any], Topic]
    log: Callable[[Any], LogLine] | None
    subject: Callable[[Any], int | None]


E = TypeVar("E")


def _entry(
    event: type[E],
    topic: Topic | Callable[[E], Topic],
    *,
    log: Callable[[E], LogLine] | None = None,
    subject: Callable[[E], int | None] = lambda _: None,
) -> EventEntry:
    return EventEntry(event, (lambda _: topic) if isinstance(topic, Topic) else topic, log, subject)


def _signal_ids(signal: Signal) -> dict[str, str]:
    return {"source": signal.source, "signal_id": signal.signal_id, "signal_type": signal.signal_type, "symbol": signal.symbol}


def _order_ids(order: Order) -> dict[str, str]:
    ids = {**_signal_ids(order.signal), "client_order_id": order.client_order_id}
    return ids if order.order_id is None else {**ids, "order_id": order.order_id}


def _info(text: str, **fields: object) -> LogLine:
    return LogLine(logging.INFO, text, fields)


def _warning(text: str, **fields: object) -> LogLine:
    return LogLine(logging.WARNING, text, fields)


def _executed_line(event: OrderExecuted) -> LogLine:
    execution = event.execution
    profit = {} if execution.profit_pct is None else {"profit_pct": f"{execution.profit_pct:+.2f}"}
    return _info(
        "BUY executed" if execution.side is Side.BUY else "SELL executed",
        qty=plain(execution.qty),
        price=plain(execution.price),
        fee=plain(execution.fee),
        fee_asset=execution.fee_asset,
        **profit,
        **{**_order_ids(event.order), "order_id": execution.order_id},
    )


def _dead_letters_line(event: DeadLettersFound) -> LogLine:
    problems = [f"{kind.count} x {kind.problem}" for kind in event.kinds] or [event.sample.problem]
    return _warning("records could not be read as signals", count=event.count, position=event.sample.position, problems=problems)


def _part_line(event: PartTroubled) -> LogLine:
    level, text = (logging.INFO, "a part is back") if event.recovered else (logging.WARNING, "a part is gone")
    return LogLine(level, text, {"part": event.part, "detail": event.detail})


EVENTS: Mapping[type[Any], EventEntry] = {
    entry.event: entry
    for entry in (
        _entry(OrderExecuted, Topic.TRADES, log=_executed_line, subject=lambda e: e.order.inbox_seq),
        _entry(
            OrderFailed,
            Topic.PROBLEMS,
            log=lambda e: _warning(
                "order failed", side=e.order.side, state=e.order.state, reason=str(e.order.reason), **_order_ids(e.order)
            ),
            subject=lambda e: e.order.inbox_seq,
        ),
        _entry(
            OrderUnanswered,
            Topic.PROBLEMS,
            log=lambda e: _warning("order unanswered, asking what became of it", side=e.order.side, **_order_ids(e.order)),
            subject=lambda e: e.order.inbox_seq,
        ),
        _entry(
            EntryRests,
            Topic.TRADES,
            log=lambda e: _info("an entry rests", qty=plain(e.order.qty), **_order_ids(e.order)),
            subject=lambda e: e.order.inbox_seq,
        ),
        _entry(
            EntryFilledPartly,
            Topic.TRADES,
            log=lambda e: _info("an entry fills", qty=plain(e.order.executed_qty), **_order_ids(e.order)),
            subject=lambda e: e.order.inbox_seq,
        ),
        _entry(
            EntryChased,
            Topic.TRADES,
            log=lambda e: _info("an entry goes on", following=e.following.client_order_id, **_order_ids(e.order)),
            subject=lambda e: e.order.inbox_seq,
        ),
        _entry(
            EntryMissed,
            Topic.TRADES,
            log=lambda e: _info("an entry was missed", reason=str(e.order.reason), **_order_ids(e.order)),
            subject=lambda e: e.order.inbox_seq,
        ),
        _entry(OrderAdopted, Topic.PROBLEMS, subject=lambda e: e.order.inbox_seq),
        _entry(
            ProtectionFailed,
            Topic.PROBLEMS,
            log=lambda e: _warning("position unprotected", symbol=e.symbol, code=e.why.code, reason=str(e.why)),
            subject=lambda e: e.seq,
        ),
        _entry(
            ProtectionRestored,
            Topic.PROBLEMS,
            log=lambda e: _info("position protected again", symbol=e.symbol),
            subject=lambda e: e.seq,
        ),
        _entry(
            PlanChanged,
            Topic.TRADES,
            log=lambda e: _info("exit plan changed", symbol=e.symbol, cause=e.change.cause, by=e.change.by),
            subject=lambda e: e.seq,
        ),
        _entry(PositionsBare, Topic.PROBLEMS, log=lambda e: _warning("positions without an exit plan", symbols=e.symbols)),
        _entry(
            ExitPending,
            Topic.PROBLEMS,
            log=lambda e: _warning("exit waits, trying on", code=e.reason.code, reason=str(e.reason), **_signal_ids(e.signal)),
            subject=lambda e: e.inbox_seq or None,
        ),
        _entry(
            SignalRefused,
            lambda e: Topic.PROBLEMS if e.priority is Priority.URGENT or e.exit_denied else Topic.REFUSALS,
            log=lambda e: _info(
                "signal refused", outcome=e.outcome, code=e.reason.code, reason=str(e.reason), **_signal_ids(e.signal)
            ),
            subject=lambda e: e.inbox_seq or None,
        ),
        _entry(
            ApprovalRequested,
            Topic.APPROVALS,
            log=lambda e: _info(
                "approval requested",
                qty=plain(e.approval.qty),
                price=plain(e.approval.price),
                **_signal_ids(e.approval.signal),
            ),
            subject=lambda e: e.approval.inbox_seq,
        ),
        _entry(
            ApprovalClosed,
            Topic.APPROVALS,
            log=lambda e: _info(
                "approval closed", state=e.approval.state, by=e.approval.decided_by, **_signal_ids(e.approval.signal)
            ),
            subject=lambda e: e.approval.inbox_seq,
        ),
        _entry(
            ControlsChanged,
            lambda e: Topic.PROBLEMS if e.begins_panic else Topic.SYSTEM,
            log=lambda e: _info("controls changed", pause=e.after.pause, mode=e.after.mode, by=e.after.changed_by),
        ),
        _entry(LimitChanged, Topic.SYSTEM),
        _entry(StrategyChanged, Topic.SYSTEM),
        _entry(StrategyLimitsChanged, Topic.SYSTEM),
        _entry(ProtectionReset, Topic.SYSTEM, log=lambda e: _info("protection reset", what=e.what, by=e.who)),
        _entry(
            Started,
            Topic.SYSTEM,
            log=lambda e: _info("started", version=e.version, trading_mode=e.trading_mode, notes=e.notes),
        ),
        _entry(CaughtUp, Topic.SYSTEM),
        _entry(DigestMade, Topic.DIGESTS),
        _entry(DeadLettersFound, Topic.PROBLEMS, log=_dead_letters_line),
        _entry(
            RequestsRefused,
            Topic.PROBLEMS,
            log=lambda e: _warning(
                "requests without the secret were turned away", since=e.since.isoformat(), kinds=dict(e.kinds)
            ),
        ),
        _entry(
            StrangerSeen,
            Topic.SYSTEM,
            log=lambda e: _warning("a stranger wrote to the bot", user_id=e.user_id, name=e.name),
        ),
        _entry(PersonJoined, Topic.SYSTEM),
        _entry(PersonRevoked, Topic.SYSTEM),
        _entry(AuthenticatorChanged, Topic.SYSTEM),
        _entry(
            KeyTooWide,
            Topic.PROBLEMS,
            log=lambda e: _warning("the exchange's key", may=list(e.findings), unread=e.unread),
        ),
        _entry(PartTroubled, Topic.PROBLEMS, log=_part_line),
        _entry(
            AnotherProgram,
            Topic.PROBLEMS,
            log=lambda e: LogLine(
                logging.INFO if e.what == "gone" else logging.WARNING,
                "another program on this bot's token",
                {"what": e.what, "effect": e.effect},
            ),
        ),
        _entry(OutageOver, Topic.PROBLEMS),
        _entry(PanicOver, Topic.PROBLEMS),
        _entry(SignalsLost, Topic.PROBLEMS),
        _entry(SymbolHalted, Topic.PROBLEMS),
        _entry(SymbolResumed, Topic.PROBLEMS),
        _entry(HaltAccepted, Topic.PROBLEMS),
        _entry(
            DayProved,
            lambda e: Topic.PROBLEMS if e.count else Topic.SYSTEM,
            log=lambda e: LogLine(
                logging.WARNING if e.count else logging.INFO,
                "books compared",
                {"day": e.proof.day, "count": e.count, "differences": e.proof.differences},
            ),
        ),
        _entry(
            DayUnproved,
            Topic.PROBLEMS,
            log=lambda e: LogLine(logging.ERROR, "books not compared", {"day": e.day, "error": e.problem}),
        ),
    )
}


def topic_of(event: Event) -> Topic:
    """Returns the topic by which recipients choose whether they get the event."""
    return EVENTS[type(event)].topic(event)


def subject_of(event: Event) -> int | None:
    """Returns the inbox seq of the signal that an event is about; None where it is about none."""
    return EVENTS[type(event)].subject(event)


def log_line_of(event: Event) -> LogLine | None:
    """Returns the event's line for the log; None where it has none."""
    log = EVENTS[type(event)].log
    return log(event) if log is not None else None
