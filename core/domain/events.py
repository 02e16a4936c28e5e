"""What happened, in the past tense, for whoever only wants to know. Written with what they tell, sent later."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Literal

from core.domain.access import Person
from core.domain.approval import Approval
from core.domain.daily_proof import Proof
from core.domain.digest import Digest
from core.domain.messages import DeadLetter
from core.domain.order import Order
from core.domain.position import Execution, Position
from core.domain.reasons import Reason
from core.domain.record_problems import ProblemKind
from core.domain.risk_limit import LimitSet
from core.domain.signal import Side, Signal
from core.domain.symbol_halt import SymbolHalt
from core.domain.trading_state import TradingState

_LOSES_AN_EXIT = frozenset({"price_sanity", "expired"})
_NEVER_LOOKED_AT = frozenset({"conflict", "turned_back"})  # refused before anybody could see whether something is held
_NAMED = 20  # differences that an event carries


class Priority(IntEnum):
    """Urgent is sent before everything else; chatty is sent silently; what is to be gathered is told when no more of it comes;
    what a pause kept from being traded is told folded, once a minute at most."""

    URGENT = 0
    NORMAL = 1
    CHATTY = 2
    GATHERED = 3
    PAUSED = 4


@dataclass(frozen=True, slots=True)
class OrderExecuted:
    """An order ended with something filled. `order.state` tells whether all of it was (`order.qty` was asked).
    `position` is what is held afterwards; `fee_value` is the fee in quote asset, None where it could not be valued."""

    order: Order
    execution: Execution
    position: Position
    fee_value: Decimal | None
    kind: Literal["order_executed"] = "order_executed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class OrderFailed:
    """An order ended with nothing filled: rejected by the venue, or never placed. `order.reason` says why."""

    order: Order
    kind: Literal["order_failed"] = "order_failed"
    priority: Priority = Priority.URGENT

    @property
    def fate_unknown(self) -> bool:
        """Whether it may have been filled all the same, and nobody can say any more."""
        return self.order.reason is not None and self.order.reason.code == "fate_unknown"


@dataclass(frozen=True, slots=True)
class OrderUnanswered:
    """The venue did not answer; we are finding out. Whatever comes of it is told as well."""

    order: Order
    kind: Literal["order_unanswered"] = "order_unanswered"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ExitPending:
    """An exit that is wanted cannot be done yet, for a `reason`; it is tried again and again `until` then (None: without end).
    `inbox_seq` is the message that was tried last."""

    signal: Signal
    reason: Reason
    until: datetime | None = None
    inbox_seq: int = 0
    kind: Literal["exit_waits"] = "exit_waits"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class SignalRefused:
    """A signal did not become an order. `outcome` is how: ignored, denied, expired or observed; `inbox_seq` is its stored
    message. `held`: there is an open position in its symbol."""

    signal: Signal
    outcome: str
    reason: Reason
    inbox_seq: int = 0
    held: bool = False
    kind: Literal["signal_refused"] = "signal_refused"
    priority: Priority = Priority.NORMAL

    @property
    def lost_exit(self) -> bool:
        """Whether a position stays open that a good signal wanted closed: a person has to say whether it is sold all the same."""
        lost = (self.held and self.reason.code in _LOSES_AN_EXIT) or self.reason.code in _NEVER_LOOKED_AT
        return self.signal.side is Side.SELL and lost


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The owner is asked. `base` and `quote` name the assets; `half` is the quantity that half of it would be, None where that is
    too little to trade. `worth` is what it comes to and `capital` what there is, positions at their cost, in the asset `report`
    (None where it is not known; an older event has its capital in quote asset, and no `report`). `rules` are what each rule
    measured: name, value, limit and unit. `cost` is what one unit of base that is to be sold has cost."""

    approval: Approval
    base: str
    quote: str
    half: Decimal | None = None
    capital: Decimal | None = None
    rules: tuple[tuple[str, str, str, str], ...] = ()
    cost: Decimal | None = None
    worth: Decimal | None = None
    report: str = ""
    kind: Literal["approval_requested"] = "approval_requested"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ApprovalClosed:
    """The question is answered, withdrawn or out of time; the message that asked becomes the record.
    `reason` says why nothing is traded, None where an order follows."""

    approval: Approval
    base: str
    quote: str
    reason: Reason | None = None
    kind: Literal["approval_closed"] = "approval_closed"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ControlsChanged:
    """Somebody paused, resumed or changed the mode; `by` is that person's id (0: nobody, a pause ended), whose own chat had its
    answer already."""

    before: TradingState
    after: TradingState
    by: int = 0
    kind: Literal["controls_changed"] = "controls_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """Somebody set a limit. `before` and `after` are what was and is in force, as the setting is written; `by` is the person's
    id."""

    limit: LimitSet
    before: str
    after: str
    by: int
    kind: Literal["limit_changed"] = "limit_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class Started:
    """The process is up and takes signals. `notes` are codes of what the owner should know (e.g. `from_latest`); the process
    before it gave its last sign of life at `away_since`."""

    version: str
    trading_mode: str
    controls: TradingState
    open_positions: int
    notes: tuple[str, ...] = ()
    away_since: datetime | None = None
    kind: Literal["started"] = "started"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Everything that came while no process ran has been read: `came` signals, `too_old` of them too old to act upon."""

    since: datetime
    until: datetime
    came: int
    too_old: int
    kind: Literal["caught_up"] = "caught_up"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class DigestMade:
    """How things stand, for one chat."""

    digest: Digest
    kind: Literal["digest_made"] = "digest_made"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class DeadLettersFound:
    """`count` records could not be read as signals; `sample` is the first of them, `kinds` are the problems among them (none in
    events of former versions)."""

    count: int
    sample: DeadLetter
    kinds: tuple[ProblemKind, ...] = ()
    kind: Literal["dead_letters"] = "dead_letters"
    priority: Priority = Priority.GATHERED


@dataclass(frozen=True, slots=True)
class RequestsRefused:
    """Requests over HTTP that were turned away from `since` on before they had proved the secret; `kinds` says how many, by a
    code for why. None of them is kept, as anybody may send them."""

    since: datetime
    kinds: tuple[tuple[str, int], ...]
    kind: Literal["requests_refused"] = "requests_refused"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class StrangerSeen:
    """Somebody who is not listed wrote to the bot or tapped a button. Told once per person."""

    user_id: int
    name: str
    kind: Literal["stranger"] = "stranger"
    priority: Priority = Priority.CHATTY


@dataclass(frozen=True, slots=True)
class PersonJoined:
    """Somebody came in by a link."""

    person: Person
    kind: Literal["person_joined"] = "person_joined"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class PersonRevoked:
    """Somebody's right was taken, `by` whom."""

    person: Person
    by: str
    kind: Literal["person_revoked"] = "person_revoked"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class AuthenticatorChanged:
    """The one-time codes of `person` come from another authenticator from now on, or from none where `ended`; by whose hand."""

    person: int
    by: str
    ended: bool = False
    kind: Literal["authenticator_changed"] = "authenticator_changed"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class KeyTooWide:
    """The exchange's key may do more than it needs, as `findings` say (codes of `core.domain.api_key_permissions`); or that
    could not be read: `unread` is why."""

    findings: tuple[str, ...]
    unread: str = ""
    kind: Literal["key_too_wide"] = "key_too_wide"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class SignalsLost:
    """The broker no longer has what comes next in `partition` of `topic`: reading goes on at `resumed_at` instead of `wanted`."""

    topic: str
    partition: int
    wanted: int
    resumed_at: int
    kind: Literal["signals_lost"] = "signals_lost"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class SymbolHalted:
    """Ledger and exchange disagree about a symbol, or the account has orders that are not of this ledger: nothing is bought
    there."""

    hold: SymbolHalt
    kind: Literal["symbol_held"] = "symbol_held"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class SymbolResumed:
    """They agree again, by themselves."""

    hold: SymbolHalt
    kind: Literal["symbol_released"] = "symbol_released"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class HaltAccepted:
    """The owner takes the exchange's word. `missing` (base asset) left the position, and `cost` (quote asset) with it."""

    hold: SymbolHalt
    missing: Decimal
    cost: Decimal
    base: str
    quote: str
    kind: Literal["hold_accepted"] = "hold_accepted"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class OrderAdopted:
    """The exchange had an order of this ledger's own mark that the ledger had lost; it is taken over. What it came to is told as
    of any other."""

    order: Order
    kind: Literal["order_adopted"] = "order_adopted"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class PartTroubled:
    """A part of the system went away (`recovered` False) or came back (True): `part` is `kafka`, `exchange` or `ledger`; `detail`
    carries no secret."""

    part: str
    recovered: bool
    detail: str
    kind: Literal["part"] = "part"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class AnotherProgram:
    """Another program that uses this bot's token came, stays for longer than a moment, or is gone. `who` is this program,
    `effect` says whether it makes entries meanwhile; on paper there is nothing to be bought twice."""

    what: Literal["came", "stays", "gone"]
    who: str
    effect: Literal["entries", "no_entries", "paper"]
    kind: Literal["another_program"] = "another_program"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class ExitOfOutage:
    """An exit that came while a part was away: `became` is `sold`, `refused` or `failed`, and `reason` why."""

    signal: Signal
    became: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class OutageOver:
    """What came of the exits that came while `part` was away, from `since` until `until`."""

    part: str
    since: datetime
    until: datetime
    exits: tuple[ExitOfOutage, ...]
    kind: Literal["outage_over"] = "outage_over"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class PanicOver:
    """All that a panic could sell is sold, or it was taken back: `held` are the symbols of which something is held or on its way
    for all that, `paused` says whether everything still is."""

    by: str
    held: tuple[str, ...]
    paused: bool
    kind: Literal["panic_over"] = "panic_over"
    priority: Priority = Priority.URGENT


@dataclass(frozen=True, slots=True)
class DayProved:
    """All books of a day were compared. Made by `proved`: differences are urgent. `proof` names the first of them, `count` is how
    many there are."""

    proof: Proof
    count: int
    kind: Literal["day_proved"] = "day_proved"
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True, slots=True)
class DayUnproved:
    """The books of a day could not be compared; `problem` carries no secret."""

    day: str
    problem: str
    kind: Literal["day_unproved"] = "day_unproved"
    priority: Priority = Priority.URGENT


def proved(proof: Proof) -> DayProved:
    """The event that tells a proof; differences are urgent."""
    count = len(proof.differences)
    first = replace(proof, differences=proof.differences[:_NAMED])
    return DayProved(first, count, priority=Priority.URGENT if count else Priority.NORMAL)


Event = (
    OrderExecuted
    | OrderFailed
    | OrderUnanswered
    | ExitPending
    | SignalRefused
    | ApprovalRequested
    | ApprovalClosed
    | ControlsChanged
    | LimitChanged
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
    | DayProved
    | DayUnproved
)


def subject_of(event: Event) -> int | None:
    """The inbox seq of the signal that an event is about; None where it is about none."""
    match event:
        case OrderExecuted(order=order) | OrderFailed(order=order) | OrderUnanswered(order=order) | OrderAdopted(order=order):
            return order.inbox_seq
        case ApprovalRequested(approval=approval) | ApprovalClosed(approval=approval):
            return approval.inbox_seq
        case SignalRefused(inbox_seq=seq) | ExitPending(inbox_seq=seq):
            return seq or None
        case _:
            return None


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """An event waiting to be told; `seq` orders them, `at` is when it happened."""

    seq: int
    at: datetime
    event: Event
