"""The exits that are wanted and not done yet, as the lists show them. Answers from memory."""

from bot.commands.context import Desk
from bot.texts import Html, short
from bot.views.events import duration
from bot.views.number_format import quantity
from core.domain.pending_exit import WantedExit
from core.policy.exits.pending import good_until


def wanted_exits(desk: Desk) -> list[Html]:
    """Lists each exit that is wanted still, the oldest first: how much, since when, until when and what it waits for; nothing
    where there is none."""
    wanted = sorted(desk.book.exits.values(), key=lambda one: (one.since, one.symbol))
    head = [desk.texts("exits", count=len(wanted))] if wanted else []
    return [*head, *(line for one in wanted for line in _lines(desk, one))]


def _lines(desk: Desk, wanted: WantedExit) -> list[Html]:
    texts, now = desk.texts, desk.clock.now()
    qty = min(wanted.qty, desk.book.position(wanted.symbol).qty)
    base = desk.priced(wanted.symbol).base
    until = good_until(wanted, desk.book.limits)
    return [
        texts("exits.head", symbol=short(wanted.symbol), quantity=quantity(qty), base=base),
        texts("exits.since", time=texts.full_moment(wanted.since), duration=duration(now - wanted.since, texts)),
        texts("exits.until", time=texts.full_moment(until)) if until is not None else texts("exits.panic"),
        _state(desk, wanted),
    ]


def _state(desk: Desk, wanted: WantedExit) -> Html:
    if desk.book.in_flight_for(wanted.symbol) is not None:
        return desk.texts("exits.under_way")
    if desk.book.approval_for(wanted.symbol) is not None:
        return desk.texts("exits.asked")
    if wanted.why is None:
        return desk.texts("exits.due")
    return desk.texts("exits.why", attempts=wanted.number, reason=desk.texts.reason(wanted.why))
