"""Decides whether a signal is acted upon at all, before anything is sized or priced."""

from collections.abc import Callable

from core.domain.money import plain
from core.domain.reasons import Reason, reason
from core.domain.signal import Side, Signal
from core.domain.trading_state import Mode, Pause
from core.policy.decision_context import DecisionContext
from core.policy.entries.steps import belongs
from core.policy.risk.allowed_symbols import allowed_symbols
from core.policy.risk.signal_age import signal_age

Check = Callable[[Signal, DecisionContext], Reason | None]


def known_symbol(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses a symbol that the exchange does not know."""
    return reason("unknown_symbol", symbol=signal.symbol) if decision_context.instrument is None else None


def not_paused(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses signals while paused: `/pause` stops everything, `/pause entries` only entries; nothing stops a manual exit, or one
    that a position's plan makes."""
    if _left_at_will(signal, decision_context):
        return None
    if decision_context.trading_state.pause is Pause.ALL:
        return reason("paused")
    if decision_context.trading_state.pause is Pause.ENTRIES and signal.side is Side.BUY:
        return reason("entries_paused")
    return None


def strategy_runs(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses the entries of a strategy that is paused; its exits go on."""
    is_refused = signal.side is Side.BUY and decision_context.strategy_paused
    return reason("strategy_paused", strategy=signal.strategy) if is_refused else None


def not_observing(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses to trade in observe mode, where signals are only reported; a person may still sell manually, and a plan goes on."""
    if _left_at_will(signal, decision_context):
        return None
    return reason("observe") if decision_context.trading_state.mode is Mode.OBSERVE else None


def _left_at_will(signal: Signal, decision_context: DecisionContext) -> bool:
    return (decision_context.by_hand or signal.is_planned) and signal.side is Side.SELL


def not_halted(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses entries while the ledger and the exchange disagree, or another program trades on the account. An exit goes on: it
    may sell less then (see `core.policy.exits.quantity`)."""
    if signal.side is Side.SELL:
        return None
    if decision_context.account_halt is not None:
        return reason("account_held")
    return reason("held", symbol=signal.symbol) if decision_context.halt is not None else None


def gate_open(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses an entry while the gate is closed; never an exit."""
    return decision_context.gate if signal.side is Side.BUY else None


def right_side(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses a BUY beside an entry that rests, or that would be one more than MAX_ENTRIES, those that wait included; a step
    whose position is closed; and a SELL without a position. Whether the symbol's current rules allow it to be sold is left to
    its sizing, as they may change again."""
    if signal.is_step and not belongs(signal.step, decision_context.position):
        return reason("step_over")
    if signal.side is Side.BUY and not signal.is_step and decision_context.entry_rests:
        return reason("entry_rests", symbol=signal.symbol)
    if signal.side is Side.BUY:
        return one_too_many(decision_context)
    base = _base(decision_context)
    if not decision_context.position.is_open:
        held_by = ", ".join(decision_context.held_by)
        return reason("held_by_others", base=base, strategy=signal.strategy, others=held_by) if held_by else _nothing(base)
    return None


def one_too_many(decision_context: DecisionContext) -> Reason | None:
    """Refuses what would be one entry more than MAX_ENTRIES, those that wait included."""
    if not _is_open(decision_context):
        return None
    base = _base(decision_context)
    count, limit = decision_context.position.entry_count, decision_context.limits.max_entries
    if count + decision_context.entries_wait < limit:
        return None
    if limit == 1:
        return reason("in_position", qty=plain(decision_context.position.qty), base=base)
    if count < limit:
        return reason("max_entries_with_steps", count=count, waiting=decision_context.entries_wait, limit=limit)
    return reason("max_entries", qty=plain(decision_context.position.qty), base=base, count=count, limit=limit)


def _base(decision_context: DecisionContext) -> str:
    return decision_context.instrument.base if decision_context.instrument else decision_context.position.symbol


def _nothing(base: str) -> Reason:
    return reason("no_position", base=base)


def _is_open(decision_context: DecisionContext) -> bool:
    """Tells whether an amount is held that an order may ask for, by the symbol's current rules. Ignores its current value: the
    exchange uses the average price of the last minutes, and a position worth little in a crash is held all the same."""
    return decision_context.position.is_open and (
        decision_context.instrument is None or decision_context.instrument.sellable(decision_context.position.qty)
    )


def not_leaving(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses entries while an exit is pending: the exit would sell them, or would have to be forgotten."""
    if signal.side is Side.BUY and decision_context.exit_pending:
        return reason("exit_wanted", symbol=signal.symbol)
    return None


def not_taken_back(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses the exits of a panic once somebody has ended its pause. The pause itself may arrive a moment after its sales."""
    state = decision_context.trading_state
    if signal.is_panic and state.pause is not Pause.ALL and state.changed_at and state.changed_at > signal.ts:
        return reason("panic_over")
    return None


def not_asked_already(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses a second approval for a symbol while one is open; an opposite signal, or the exit of
    the position's plan, withdraws the open one instead."""
    if (
        decision_context.approved_at is None
        and not signal.is_planned
        and decision_context.pending is not None
        and decision_context.pending.side is signal.side
    ):
        return reason("approval_pending")
    return None


def tradable(signal: Signal, decision_context: DecisionContext) -> Reason | None:
    """Refuses a symbol that the exchange is not trading at the market."""
    if decision_context.instrument is None:
        return reason("unknown_symbol", symbol=signal.symbol)
    if not decision_context.instrument.trading:
        return reason("not_trading", symbol=signal.symbol, status=decision_context.instrument.status)
    if not decision_context.instrument.market_orders:
        return reason("market_orders_off", symbol=signal.symbol)
    return None


# The outcome of a refusal by each check. `denied` marks those that the owner may want to act upon.
CHECKS: tuple[tuple[Check, str], ...] = (
    (not_taken_back, "ignored"),
    (signal_age, "expired"),
    (allowed_symbols, "denied"),
    (not_paused, "ignored"),
    (strategy_runs, "ignored"),
    (known_symbol, "denied"),
    (not_observing, "observed"),
    (gate_open, "denied"),
    (not_halted, "denied"),
    (not_leaving, "ignored"),
    (right_side, "ignored"),
    (not_asked_already, "ignored"),
    (tradable, "denied"),
)


def admit(signal: Signal, decision_context: DecisionContext) -> tuple[str, Reason] | None:
    """Returns None to go on; otherwise the signal's outcome and the reason."""
    for check, outcome in CHECKS:
        refused = check(signal, decision_context)
        if refused is not None:
            return outcome, refused
    return None
