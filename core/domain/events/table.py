"""Every event there is, in one table."""

from core.domain.events.access import AuthenticatorChanged, PersonJoined, PersonRevoked, StrangerSeen
from core.domain.events.approvals import ApprovalClosed, ApprovalRequested
from core.domain.events.control import ControlsChanged, LimitChanged, PanicOver
from core.domain.events.daily_proof import DayProved, DayUnproved
from core.domain.events.intake import DeadLettersFound, RequestsRefused, SignalsLost
from core.domain.events.orders import OrderAdopted, OrderExecuted, OrderFailed, OrderUnanswered
from core.domain.events.outages import OutageOver, PartTroubled
from core.domain.events.process import AnotherProgram, CaughtUp, DigestMade, KeyTooWide, Started
from core.domain.events.signals import ExitPending, SignalRefused
from core.domain.events.symbol_halts import HaltAccepted, SymbolHalted, SymbolResumed

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
    """Returns the inbox seq of the signal that an event is about; None if it is about none."""
    match event:
        case OrderExecuted(order=order) | OrderFailed(order=order) | OrderUnanswered(order=order) | OrderAdopted(order=order):
            return order.inbox_seq
        case ApprovalRequested(approval=approval) | ApprovalClosed(approval=approval):
            return approval.inbox_seq
        case SignalRefused(inbox_seq=seq) | ExitPending(inbox_seq=seq):
            return seq or None
        case _:
            return None
