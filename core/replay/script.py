"""The script of a replay: signals and what people did, and when. What trading itself made of them arises anew. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.messages import (
    ApprovalAnswered,
    ApprovalTimedOut,
    CancelRequested,
    ControlsRequested,
    Message,
    PanicEnded,
    PauseTimedOut,
    ResetRequested,
    SignalReceived,
    StrategyRequested,
)
from core.domain.order_messages import BreakevenReached, EntryDue, PlanRequested, ProtectionDue, TrailingDue
from core.domain.signal import AGAIN, Side, Signal, client_order_id, derived_id
from core.domain.trading_state import Mode
from core.records.recording import RecordedMessage, RecordedOrder, Recording
from core.records.replay_result import Lack

OUTAGES = frozenset(
    {
        *("price_unknown", "balances_unknown", "value_unknown", "rate_unknown", "no_rate", "daily_loss_unknown", "no_equity"),
        *("another_program", "not_alone_yet", "clock_wrong", "internal_error", "earlier_on_its_way", "already_ordered"),
        *("held", "account_held", "not_compared", "nothing_free", "unknown_symbol", "not_trading", "market_orders_off"),
    }
)
"""Reasons of a decision that hung on the state of exchange, ledger or program, which the record does not tell."""


_OF_STATE = ControlsRequested | PauseTimedOut | PanicEnded | StrategyRequested | ResetRequested
_DELIVERED = SignalReceived | ApprovalAnswered | ApprovalTimedOut | CancelRequested | PlanRequested | BreakevenReached | _OF_STATE
"""The messages that a replay repeats: signals, what people did, what time has ended for them, and that the market was seen at a
price that moves a stop. Limits are today's; everything else arises anew."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A message and when it is delivered. Its signal's order has the fate of the recorded order `stands_for`, if that is set; it
    is decided at `price` (quote asset), if that is known."""

    at: datetime
    message: Message
    stands_for: str = ""
    price: Decimal | None = None


def looks(recording: Recording) -> list[datetime]:
    """Returns the times at which the program's timers found something to do."""
    own = TrailingDue | BreakevenReached | ProtectionDue | EntryDue
    return [
        one.message.received_at
        for one in recording.messages
        if isinstance(one.message.body, own) or (one.signal is not None and not is_external(one.signal))
    ]


def is_external(signal: Signal) -> bool:
    """Tells whether a signal came from outside: from a source, or a person. The others arise in trading."""
    return not signal.is_again and not signal.is_planned


def lack_of(recorded: RecordedMessage) -> Lack | None:
    """Returns why the decision on a signal cannot be found again; None if it can."""
    if recorded.outcome is None or recorded.outcome == "failed":
        return Lack.UNDECIDED if recorded.outcome is None else Lack.OUTAGE
    return Lack.OUTAGE if recorded.reason is not None and recorded.reason.code in OUTAGES else None


def cues(recording: Recording) -> list[Cue]:
    """Returns everything that is delivered, in order."""
    found = [*_first(recording), *_cues(recording)]
    return sorted(found, key=lambda one: one.at)  # stable: at the same moment in the order of their numbers


def _first(recording: Recording) -> Iterator[Cue]:
    """Yields the messages of before that led to the trading state of the beginning."""
    if recording.since is not None:
        yield from (Cue(recording.since, one.message) for one in recording.earlier)


def _cues(recording: Recording) -> Iterator[Cue]:
    retried = _retried(recording)
    for one in recording.messages:
        if not isinstance(one.message.body, _DELIVERED) or (one.signal is not None and not is_external(one.signal)):
            continue
        if one.signal is None or lack_of(one) is None:
            yield Cue(one.at, one.message, price=one.facts.price if one.facts is not None else None)
        elif one.signal.side is Side.SELL and (later := retried.get(_identity(one.signal))) is not None:
            yield _later(one, later)


def _later(one: RecordedMessage, later: RecordedOrder) -> Cue:
    """Returns the cue of an exit that had to wait: it is as if it had come when its order was sent."""
    at, body = later.order.created_at, one.message.body
    if isinstance(body, SignalReceived):
        body = replace(body, signal=replace(body.signal, ts=max(body.signal.ts, at)))
    return Cue(at, replace(one.message, body=body), later.order.client_order_id)


def _identity(signal: Signal) -> tuple[str, str]:
    return signal.source, signal.signal_id


def first_order_id(signal: Signal) -> str:
    """Returns the client order id of the first attempt at what `signal` is an attempt at."""
    if not signal.is_again:
        return client_order_id(signal)
    _, _, name = signal.signal_id.partition(":")
    return derived_id(signal.source.removeprefix(AGAIN), name)


def _retried(recording: Recording) -> Mapping[tuple[str, str], RecordedOrder]:
    """Returns the order by which an exit that was retried came to be done, by the identity of its first signal."""
    found = {}
    for one in recording.orders.values():
        signal = one.order.signal
        if signal.source.startswith(AGAIN) and one.order.executed_qty:
            _, _, name = signal.signal_id.partition(":")
            found[signal.source.removeprefix(AGAIN), name] = one
    return found


def first_mode(recording: Recording, otherwise: Mode) -> Mode:
    """Returns the mode at the beginning, by the decisions before anybody changed it: the least strict, as strategies may have a
    stricter one of their own; `otherwise` where the record has none."""
    found: list[Mode] = []
    for one in (*recording.earlier, *recording.messages):
        if isinstance(one.message.body, ControlsRequested):
            break
        found += [Mode(one.facts.mode)] if one.facts is not None else []
    return min(found, key=list(Mode).index, default=otherwise)


def answered_signals(recording: Recording) -> Mapping[str, str]:
    """Returns the client order id of the signal that each recorded approval is about, by its token."""
    return {one.token: client_order_id(one.signal) for one in recording.approvals}


def token_of(message: Message) -> str | None:
    """Returns the token of the approval that a message answers; None if it answers none."""
    body = message.body
    return body.token if isinstance(body, ApprovalAnswered | ApprovalTimedOut) else None


def with_token(message: Message, token: str) -> Message:
    """Returns the answer to another approval."""
    body = message.body
    if not isinstance(body, ApprovalAnswered | ApprovalTimedOut):
        return message
    return replace(message, body=replace(body, token=token))
