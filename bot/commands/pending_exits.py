"""Pending exits, as the lists show them. Answers from memory."""

from bot.commands.arguments.books import name_of
from bot.commands.context import CommandContext
from bot.texts import Html, short
from bot.views.number_format import quantity
from core.domain.pending_exit import PendingExit
from core.policy.exits.pending import good_until


def pending_exit_lines(context: CommandContext) -> list[Html]:
    """Lists each pending exit, the oldest first: quantity, since when, until when and what it waits for; nothing where there
    is none."""
    pending = sorted(context.portfolio.exits.values(), key=lambda one: (one.since, one.book))
    head = [context.texts("exits", count=len(pending))] if pending else []
    return [*head, *(line for one in pending for line in _lines(context, one))]


def _lines(context: CommandContext, pending: PendingExit) -> list[Html]:
    texts, now = context.texts, context.clock.now()
    qty = min(pending.qty, context.portfolio.position(pending.book).qty)
    base = context.exchange.priced(pending.symbol).base
    until = good_until(pending, context.portfolio.limits_for(pending.book))
    return [
        texts("exits.head", symbol=short(name_of(context, pending.book)), quantity=quantity(qty), base=base),
        texts("exits.since", time=texts.full_moment(pending.since), duration=texts.duration(now - pending.since)),
        texts("exits.until", time=texts.full_moment(until)) if until is not None else texts("exits.panic"),
        _state(context, pending),
    ]


def _state(context: CommandContext, pending: PendingExit) -> Html:
    if context.portfolio.in_flight_for(pending.symbol) is not None:
        return context.texts("exits.under_way")
    if context.portfolio.approval_for(pending.book) is not None:
        return context.texts("exits.asked")
    if pending.why is None:
        return context.texts("exits.due")
    return context.texts("exits.why", attempts=pending.number, reason=context.texts.reason(pending.why))
