"""Events as messages: one table, a row for each kind of event. Pure: no clock, no telegram; everything from outside is escaped
on its way into a sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot.texts import Html, Texts
from bot.views import approval, rejected_records
from bot.views.access_changes import person_line
from bot.views.api_key_warning import key_lines
from bot.views.chat_message import Button, ChatMessage, Keyboard
from bot.views.daily_reconciliation import day_lines, no_day_lines
from bot.views.digest import digest_lines
from bot.views.entry_alerts import chased_lines, filled_partly_lines, missed_lines, rests_lines
from bot.views.order_alerts import (
    adopted_lines,
    executed_line,
    executed_lines,
    failed_line,
    failed_lines,
    panic_over_lines,
    unanswered_lines,
)
from bot.views.other_instance import another_program
from bot.views.pending_exits import waiting_lines
from bot.views.position_buttons import executed_keyboard
from bot.views.program_alerts import part_lines, started_lines, stranger_lines
from bot.views.protection_alerts import (
    plan_changed_lines,
    positions_bare_lines,
    protection_failed_lines,
    protection_restored_lines,
)
from bot.views.signal_alerts import caught_up_lines, refused_keyboard, refused_line, refused_lines, signals_lost_lines
from bot.views.symbol_halts import accept_button, event_lines
from bot.views.trading_state import (
    limit_changed_lines,
    protection_reset_lines,
    strategy_changed_lines,
    strategy_limits_changed_lines,
    trading_state_changed_lines,
)
from core.domain.events import (
    access,
    approvals,
    control,
    daily_proof,
    entries,
    intake,
    orders,
    outages,
    process,
    protection,
    signals,
    symbol_halts,
)
from core.domain.events.priority import Priority
from core.domain.events.table import Event, subject_of

E = TypeVar("E", bound=Event)


def why_button(event: Event, texts: Texts) -> Keyboard:
    """Returns the button that asks for the whole story, where the event is about a signal."""
    seq = subject_of(event)
    return ((Button(texts("why.button"), f"/why {seq}"),),) if seq is not None else ()


def no_buttons(_event: Event, _texts: Texts) -> Keyboard:
    """Returns no button."""
    return ()


def no_line(_event: Event, _at: str, _texts: Texts) -> None:
    """Returns None: the first line of the alert stands for it."""


@dataclass(frozen=True, slots=True)
class View(Generic[E]):
    """The words for one kind of event: the lines and the buttons of its alert, its line in a batch (with the time it happened at;
    None: the alert's first line) and the kind that it is counted as there, for which a text `digest.<kind>_count` exists."""

    lines: Callable[[E, Texts], list[Html]]
    keyboard: Callable[[E, Texts], Keyboard] = why_button
    line: Callable[[E, str, Texts], Html | None] = no_line
    counted_as: str = "other"


def _row(
    kind: type[E],
    lines: Callable[[E, Texts], list[Html]],
    keyboard: Callable[[E, Texts], Keyboard] = why_button,
    line: Callable[[E, str, Texts], Html | None] = no_line,
    counted_as: str = "other",
) -> tuple[type[Any], View[Any]]:
    return kind, View(lines, keyboard, line, counted_as)


VIEWS: Mapping[type[Any], View[Any]] = dict(
    (
        _row(orders.OrderExecuted, executed_lines, executed_keyboard, executed_line, "executed"),
        _row(orders.OrderFailed, failed_lines, line=failed_line, counted_as="failed"),
        _row(orders.OrderUnanswered, unanswered_lines),
        _row(orders.OrderAdopted, adopted_lines),
        _row(entries.EntryRests, rests_lines),
        _row(entries.EntryFilledPartly, filled_partly_lines),
        _row(entries.EntryChased, chased_lines),
        _row(entries.EntryMissed, missed_lines),
        _row(protection.ProtectionFailed, protection_failed_lines),
        _row(protection.ProtectionRestored, protection_restored_lines),
        _row(protection.PlanChanged, plan_changed_lines),
        _row(protection.PositionsBare, positions_bare_lines),
        _row(signals.ExitPending, waiting_lines),
        _row(signals.SignalRefused, refused_lines, refused_keyboard, refused_line, "refused"),
        _row(approvals.ApprovalRequested, approval.asked_lines, approval.keyboard),
        _row(approvals.ApprovalClosed, approval.closed_lines, no_buttons),
        _row(control.ControlsChanged, trading_state_changed_lines),
        _row(control.LimitChanged, limit_changed_lines),
        _row(control.StrategyChanged, strategy_changed_lines),
        _row(control.StrategyLimitsChanged, strategy_limits_changed_lines),
        _row(control.ProtectionReset, protection_reset_lines),
        _row(process.Started, started_lines),
        _row(process.CaughtUp, caught_up_lines),
        _row(process.DigestMade, lambda event, texts: digest_lines(event.digest, texts)),
        _row(intake.DeadLettersFound, lambda event, texts: rejected_records.dead_letters(event.count, event, event.kinds, texts)),
        _row(intake.RequestsRefused, rejected_records.requests_refused),
        _row(outages.OutageOver, rejected_records.outage_over),
        _row(access.StrangerSeen, stranger_lines),
        _row(access.PersonJoined, lambda event, texts: [person_line(event, texts)]),
        _row(access.PersonRevoked, lambda event, texts: [person_line(event, texts)]),
        _row(access.AuthenticatorChanged, lambda event, texts: [person_line(event, texts)]),
        _row(process.KeyTooWide, key_lines),
        _row(outages.PartTroubled, part_lines),
        _row(process.AnotherProgram, lambda event, texts: [another_program(event, texts)]),
        _row(control.PanicOver, panic_over_lines),
        _row(intake.SignalsLost, signals_lost_lines),
        _row(symbol_halts.SymbolHalted, event_lines, lambda event, texts: accept_button(event.hold, texts)),
        _row(symbol_halts.SymbolResumed, event_lines),
        _row(symbol_halts.HaltAccepted, event_lines),
        _row(daily_proof.DayProved, day_lines),
        _row(daily_proof.DayUnproved, no_day_lines),
    )
)


def view_of(event: Event) -> View[Any]:
    """Returns the words for this kind of event."""
    return VIEWS[type(event)]


def render(event: Event, texts: Texts) -> ChatMessage:
    """Returns the message for one event."""
    view = view_of(event)
    silent = event.priority is Priority.CHATTY
    return ChatMessage("\n".join(view.lines(event, texts)), view.keyboard(event, texts), silent=silent)
