"""Converts domain values to rows and back: which value goes into which column, nothing else."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.adapters.ledger import codec
from core.adapters.ledger.codec import storable
from core.domain.access import Authenticator, Invite, Person, Reader, Role
from core.domain.account import Acknowledged
from core.domain.approval import Approval, ApprovalState
from core.domain.delivery import Delivery
from core.domain.events.access import StrangerSeen
from core.domain.events.table import Event, subject_of
from core.domain.messages import DeadLetter, Message, SignalReceived, SourcePosition, StoredMessage
from core.domain.money import ZERO
from core.domain.order import ExecutionReport, Fill, Order
from core.domain.order_state_machine import OrderState
from core.domain.outbox_item import OutboxItem
from core.domain.pending_exit import PendingExit
from core.domain.position import Execution, Position, Trade
from core.domain.reasons import Reason
from core.domain.risk_limit import LimitSet
from core.domain.signal import Side, Signal
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import ApprovalPolicy, Mode, Pause, TradingState
from core.records.message_outcome import MessageOutcome

Row = dict[str, Any]
"""Column name to value."""


def message_row(message: Message) -> Row:
    """Returns a row of `inbox`. A signal's main values also have columns, for people who query."""
    signal = message.body.signal if isinstance(message.body, SignalReceived) else None
    return {
        "source": storable(message.source),
        "source_id": storable(message.source_id),
        "mailbox": storable(message.mailbox),
        "kind": message.body.kind,
        "body": codec.bodies.encode(message.body),
        "received_at": message.received_at,
        "signal_type": storable(signal.signal_type) if signal else None,
        "symbol": storable(signal.symbol) if signal else None,
        "close": signal.close if signal else None,
        "ts": signal.ts if signal else None,
    }


def stored_message(row: Mapping[str, Any]) -> StoredMessage:
    message = Message(
        source=row["source"],
        source_id=row["source_id"],
        mailbox=row["mailbox"],
        body=codec.bodies.decode(row["body"]),
        received_at=row["received_at"],
    )
    return StoredMessage(row["seq"], message)


def _reason_columns(reason: Reason | None) -> Row:
    return {
        "reason_code": reason.code if reason else None,
        "reason_params": codec.params.encode(reason.params) if reason else None,
        "reason": storable(str(reason)) if reason else None,
    }


def reason_of(row: Mapping[str, Any]) -> Reason | None:
    """Returns the refusal that a row holds; its sentence is rebuilt from code and parameters."""
    code = row["reason_code"]
    return None if code is None else Reason(code, codec.params.decode(row["reason_params"]))


def verdict_row(verdict: MessageOutcome) -> Row:
    """Returns the parameters of an UPDATE of `inbox`."""
    return {
        "b_seq": verdict.seq,
        "decided_at": verdict.at,
        "outcome": verdict.outcome,
        "facts": codec.facts.encode(verdict.facts) if verdict.facts is not None else None,
        **_reason_columns(verdict.reason),
    }


def _signal_columns(signal: Signal) -> Row:
    return {
        "signal_type": storable(signal.signal_type),
        "signal_id": storable(signal.signal_id),
        "symbol": storable(signal.symbol),
        "signal": codec.signals.encode(signal),
    }


def order_row(order: Order) -> Row:
    return {
        **_signal_columns(order.signal),
        "client_order_id": order.client_order_id,
        "inbox_seq": order.inbox_seq,
        "side": order.side.value,
        "qty": order.qty,
        "price": order.price,
        "state": order.state.value,
        "trading_mode": order.trading_mode,
        "created_at": order.created_at,
        "updated_at": order.updated_at,
        "order_id": order.order_id,
        "executed_qty": order.executed_qty,
        "quote_qty": order.quote_qty,
        "approved_by": storable(order.approved_by) if order.approved_by is not None else None,
        "approved_at": order.approved_at,
        **_reason_columns(order.reason),
    }


def order_step_row(order: Order) -> Row:
    """Returns a row of `order_steps`: one step of an order's progress."""
    reasons = _reason_columns(order.reason)
    return {
        "client_order_id": order.client_order_id,
        "at": order.updated_at,
        "state": order.state.value,
        "qty": order.qty,
        "price": order.price,
        "order_id": order.order_id,
        "executed_qty": order.executed_qty,
        "reason_code": reasons["reason_code"],
        "reason_params": reasons["reason_params"],
    }


def order_of(row: Mapping[str, Any]) -> Order:
    return Order(
        client_order_id=row["client_order_id"],
        signal=codec.signals.decode(row["signal"]),
        inbox_seq=row["inbox_seq"],
        side=Side(row["side"]),
        qty=row["qty"],
        price=row["price"],
        state=OrderState(row["state"]),
        trading_mode=row["trading_mode"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        order_id=row["order_id"],
        executed_qty=row["executed_qty"],
        quote_qty=row["quote_qty"],
        reason=reason_of(row),
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
    )


# Values whose fields are the columns, name by name.


def fill_row(client_order_id: str, fill: Fill) -> Row:
    return {"client_order_id": client_order_id, **{name: getattr(fill, name) for name in _FILL}}


def fill_of(row: Mapping[str, Any]) -> Fill:
    return Fill(**{name: row[name] for name in _FILL})


def position_row(position: Position) -> Row:
    return {name: getattr(position, name) for name in _POSITION}


def position_of(row: Mapping[str, Any]) -> Position:
    return Position(**{name: row[name] for name in _POSITION})


def trade_row(trade: Trade) -> Row:
    return {name: getattr(trade, name) for name in _TRADE}


def trade_of(row: Mapping[str, Any]) -> Trade:
    return Trade(**{name: row[name] for name in _TRADE})


def execution_row(execution: Execution) -> Row:
    return {name: getattr(execution, name) for name in _EXECUTION} | {"side": execution.side.value}


def execution_of(row: Mapping[str, Any]) -> Execution:
    return Execution(**({name: row[name] for name in _EXECUTION} | {"side": Side(row["side"])}))


_FILL = tuple(Fill.__dataclass_fields__)
_POSITION = tuple(Position.__dataclass_fields__)
_TRADE = tuple(Trade.__dataclass_fields__)
_EXECUTION = tuple(Execution.__dataclass_fields__)
_AUTHENTICATOR = tuple(Authenticator.__dataclass_fields__)


def approval_row(approval: Approval) -> Row:
    return {
        **_signal_columns(approval.signal),
        "token": approval.token,
        "inbox_seq": approval.inbox_seq,
        "side": approval.side.value,
        "qty": approval.qty,
        "price": approval.price,
        "state": approval.state.value,
        "asked_at": approval.asked_at,
        "expires_at": approval.expires_at,
        "decided_at": approval.decided_at,
        "decided_by": storable(approval.decided_by) if approval.decided_by is not None else None,
    }


def approval_of(row: Mapping[str, Any]) -> Approval:
    return Approval(
        token=row["token"],
        signal=codec.signals.decode(row["signal"]),
        inbox_seq=row["inbox_seq"],
        side=Side(row["side"]),
        qty=row["qty"],
        price=row["price"],
        state=ApprovalState(row["state"]),
        asked_at=row["asked_at"],
        expires_at=row["expires_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
    )


def controls_row(controls: TradingState) -> Row:
    return {
        "id": 1,
        "pause": controls.pause.value,
        "mode": controls.mode.value,
        "changed_by": storable(controls.changed_by),
        "changed_at": controls.changed_at,
        "until": controls.until,
        "ask_above": controls.asking.above,
        "ask_besides": storable(" ".join(sorted(controls.asking.besides))),
        "ask_asset": storable(controls.asking.asset),
        "panic": codec.panics.encode(controls.panic) if controls.panic is not None else None,
    }


def controls_of(row: Mapping[str, Any]) -> TradingState:
    asking = ApprovalPolicy(row["ask_above"] or ZERO, frozenset((row["ask_besides"] or "").split()), row["ask_asset"] or "")
    panic = codec.panics.decode(row["panic"]) if row["panic"] is not None else None
    return TradingState(Pause(row["pause"]), Mode(row["mode"]), row["changed_by"], row["changed_at"], row["until"], asking, panic)


def limit_row(limit: LimitSet) -> Row:
    return {
        "name": limit.name,
        "value": limit.value,
        "changed_by": storable(limit.changed_by),
        "changed_at": limit.changed_at,
        "asset": storable(limit.asset),
    }


def limit_of(row: Mapping[str, Any]) -> LimitSet:
    return LimitSet(row["name"], row["value"], row["changed_by"], row["changed_at"], row["asset"] or "")


def acknowledged_row(one: Acknowledged) -> Row:
    return {"mark": one.mark, "until": one.until, "by": storable(one.by), "at": one.at}


def acknowledged_of(row: Mapping[str, Any]) -> Acknowledged:
    return Acknowledged(row["mark"], row["until"], row["by"], row["at"])


def hold_row(hold: SymbolHalt) -> Row:
    return {
        "symbol": hold.symbol,
        "differences": codec.reasons.encode(hold.differences),
        "words": storable(hold.words),
        "since": hold.since,
        "lifted_at": hold.lifted_at,
        "lifted_by": storable(hold.lifted_by),
    }


def hold_of(row: Mapping[str, Any]) -> SymbolHalt:
    differences = codec.reasons.decode(row["differences"])
    return SymbolHalt(row["symbol"], differences, row["since"], row["lifted_at"], row["lifted_by"])


def source_position_row(position: SourcePosition) -> Row:
    return {
        "source": position.source,
        "partition": position.partition,
        "next_offset": position.offset,
        "generation": position.generation,
        "witness": position.witness or None,
    }


def source_position_of(row: Mapping[str, Any]) -> SourcePosition:
    return SourcePosition(row["source"], row["partition"], row["next_offset"], row["generation"], row["witness"] or "")


def dead_letter_row(letter: DeadLetter) -> Row:
    return {
        "source": storable(letter.source),
        "position": storable(letter.position),
        "problem": storable(letter.problem),
        "raw": letter.raw,
        "at": letter.at,
        "reason_code": letter.reason.code if letter.reason else None,
        "reason_params": codec.params.encode(letter.reason.params) if letter.reason else None,
    }


def dead_letter_of(row: Mapping[str, Any]) -> DeadLetter:
    return DeadLetter(row["source"], row["position"], row["problem"], row["raw"], row["at"], reason_of(row))


def outbox_row(event: Event, at: datetime) -> Row:
    return {
        "at": at,
        "priority": int(event.priority),
        "kind": event.kind,
        "body": codec.events.encode(event),
        "subject": subject_of(event),
    }


def outbox_item(row: Mapping[str, Any]) -> OutboxItem:
    return OutboxItem(row["seq"], row["at"], codec.events.decode(row["body"]))


def stranger_row(event: StrangerSeen, at: datetime) -> Row:
    return {"user_id": event.user_id, "name": storable(event.name), "at": at}


def person_row(person: Person) -> Row:
    return {
        "user_id": person.user_id,
        "name": storable(person.name),
        "role": person.role.name.lower(),
        "invited_by": storable(person.invited_by),
        "since": person.since,
        "revoked_at": person.revoked_at,
        "inviter": person.inviter,
    }


def person_of(row: Mapping[str, Any]) -> Person:
    role = Role[row["role"].upper()]
    return Person(row["user_id"], row["name"], role, row["invited_by"], row["since"], row["revoked_at"], row["inviter"] or 0)


def invite_row(invite: Invite) -> Row:
    return {
        "digest": invite.digest,
        "role": invite.role.name.lower(),
        "invited_by": storable(invite.invited_by),
        "made_at": invite.made_at,
        "expires_at": invite.expires_at,
        "used_by": invite.used_by,
        "inviter": invite.inviter,
    }


def invite_of(row: Mapping[str, Any]) -> Invite:
    role = Role[row["role"].upper()]
    made = row["made_at"], row["expires_at"], row["used_by"]
    return Invite(row["digest"], role, row["invited_by"], *made, row["inviter"] or 0)


def exit_row(wanted: PendingExit) -> Row:
    """Returns a row of `wanted_exits`: queried values have columns, the whole is stored as text."""
    return {
        "symbol": storable(wanted.symbol),
        "qty": wanted.qty,
        "since": wanted.since,
        "due_at": wanted.due_at,
        "ended_at": wanted.ended_at,
        "wanted": codec.exits.encode(wanted),
    }


def exit_of(row: Mapping[str, Any]) -> PendingExit:
    return codec.exits.decode(row["wanted"])


def authenticator_row(one: Authenticator) -> Row:
    return {name: getattr(one, name) for name in _AUTHENTICATOR}


def authenticator_of(row: Mapping[str, Any]) -> Authenticator:
    return Authenticator(**{name: row[name] for name in _AUTHENTICATOR} | {"wrong": row["wrong"] or 0})


def reader_row(reader: Reader) -> Row:
    """Returns a row of `readers`: the recipient has columns, the notification settings are text."""
    return {"chat_id": reader.chat_id, "active": reader.active, "preferences": codec.readers.encode(reader)}


def reader_of(row: Mapping[str, Any]) -> Reader:
    return codec.readers.decode(row["preferences"])


def delivery_row(reader: str, delivery: Delivery, at: datetime) -> Row:
    return {
        "chat_id": delivery.chat_id,
        "message_id": delivery.message_id,
        "priority": int(delivery.priority),
        "first_seq": delivery.first_seq,
        "last_seq": delivery.last_seq,
        "reader": reader,
        "at": at,
        "question": delivery.question,
    }


def paper_order_row(report: ExecutionReport) -> Row:
    """Returns a row of `paper_orders`. Raises ValueError unless the order id is an integer, as the paper exchange's are."""
    return {
        "order_id": int(report.order_id),
        "client_order_id": report.client_order_id,
        "symbol": report.symbol,
        "state": report.state.value,
        "at": report.at,
        "report": codec.reports.encode(report),
    }
