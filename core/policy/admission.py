"""Whether a signal is to be acted upon at all, before anything is sized or priced."""

from collections.abc import Callable

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.trading_state import Mode, Pause
from core.policy.decision_context import DecisionContext
from core.policy.risk.allowed_symbols import allowed_symbols
from core.policy.risk.signal_age import signal_age

Check = Callable[[Signal, DecisionContext], Reason | None]


def known_symbol(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """The exchange must know the symbol."""
    return reason("unknown_symbol", symbol=signal.symbol) if decision_context.instrument is None else None


def not_paused(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """`/pause` stops everything, `/pause entries` only what opens a position; what a person sells by hand nothing stops."""
    if _left_by_hand(signal, decision_context):
        return None
    if decision_context.controls.pause is Pause.ALL:
        return reason("paused")
    if decision_context.controls.pause is Pause.ENTRIES and signal.side is Side.BUY:
        return reason("entries_paused")
    return None


def not_observing(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """In observe mode signals are told, never traded; a person may still sell by hand."""
    if _left_by_hand(signal, decision_context):
        return None
    return reason("observe") if decision_context.controls.mode is Mode.OBSERVE else None


def _left_by_hand(signal: Signal, decision_context: DecisionContext) -> bool:
    return decision_context.by_hand and signal.side is Side.SELL


def not_held(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Where ledger and exchange disagree, or somebody else trades on the account, nothing is bought. An exit goes on: what it may
    sell is smaller then (see `core.policy.exits.quantity`)."""
    if signal.side is Side.SELL:
        return None
    if decision_context.account_hold is not None:
        return reason("account_held")
    return reason("held", symbol=signal.symbol) if decision_context.hold is not None else None


def gate_open(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """An entry waits behind the gate; an exit never does."""
    return decision_context.gate if signal.side is Side.BUY else None


def right_side(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """A BUY needs nothing that could be sold, a SELL needs an open position: whether the symbol's present rules let it be sold is
    for its size to say, as they may change again."""
    base = decision_context.instrument.base if decision_context.instrument else signal.symbol
    if signal.side is Side.BUY and _is_open(decision_context):
        return reason("in_position", qty=plain(decision_context.position.qty), base=base)
    if signal.side is Side.SELL and not decision_context.position.is_open:
        return reason("no_position", base=base)
    return None


def _is_open(decision_context: DecisionContext) -> bool:
    """Whether something is held that an order may ask for, by the symbol's present rules. Not what it is worth now: the exchange
    goes by the price of the last minutes, and what is worth little in a crash is held all the same."""
    return decision_context.position.is_open and (
        decision_context.instrument is None or decision_context.instrument.sellable(decision_context.position.qty)
    )


def not_leaving(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """While an exit is wanted nothing is entered: the exit would sell it, or would have to be forgotten."""
    if signal.side is Side.BUY and decision_context.exit_wanted:
        return reason("exit_wanted", symbol=signal.symbol)
    return None


def not_taken_back(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """A panic is over once somebody has ended its pause. Its own pause may come a moment after its sales."""
    controls = decision_context.controls
    if signal.is_panic and controls.pause is not Pause.ALL and controls.changed_at and controls.changed_at > signal.ts:
        return reason("panic_over")
    return None


def not_asked_already(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """One question about a symbol at a time; an opposite signal withdraws the question instead."""
    if (
        decision_context.approved_at is None
        and decision_context.pending is not None
        and decision_context.pending.side is signal.side
    ):
        return reason("approval_pending")
    return None


def tradable(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """The exchange must be trading the symbol, at the market."""
    if decision_context.instrument is None:
        return reason("unknown_symbol", symbol=signal.symbol)
    if not decision_context.instrument.trading:
        return reason("not_trading", symbol=signal.symbol, status=decision_context.instrument.status)
    if not decision_context.instrument.market_orders:
        return reason("market_orders_off", symbol=signal.symbol)
    return None


# What a refusal by each check is called. `denied` is for what the owner may want to act upon.
CHECKS: tuple[tuple[Check, str], ...] = (
    (not_taken_back, "ignored"),
    (signal_age, "expired"),
    (allowed_symbols, "denied"),
    (not_paused, "ignored"),
    (known_symbol, "denied"),
    (not_observing, "observed"),
    (gate_open, "denied"),
    (not_held, "denied"),
    (not_leaving, "ignored"),
    (right_side, "ignored"),
    (not_asked_already, "ignored"),
    (tradable, "denied"),
)


def admit(signal: Signal, decision_context: DecisionContext) -> tuple[str, Reason] | None:
    """None to go on; else what became of the signal, and why."""
    for check, outcome in CHECKS:
        refused = check(signal, decision_context)
        if refused is not None:
            return outcome, refused
    return None
