"""Pending exits, as the lists show them. Answers from memory."""

from bot.commands.context import CommandContext
from bot.texts import Html, short
from bot.views.duration import duration
from bot.views.number_format import quantity
from core.domain.pending_exit import PendingExit
from core.policy.exits.pending import good_until


def wanted_exits(context: CommandContext) -> list[Html]:
    """Lists each pending exit, the oldest first: quantity, since when, until when and what it waits for; nothing where there
    is none."""
    wanted = sorted(context.portfolio.exits.values(), key=lambda one: (one.since, one.symbol))
    head = [context.texts("exits", count=len(wanted))] if wanted else []
    return [*head, *(line for one in wanted for line in _lines(context, one))]


def _lines(context: CommandContext, wanted: PendingExit) -> list[Html]:
    texts, now = context.texts, context.clock.now()
    qty = min(wanted.qty, context.portfolio.position(wanted.symbol).qty)
    base = context.exchange.priced(wanted.symbol).base
    until = good_until(wanted, context.portfolio.limits)
    return [
        texts("exits.head", symbol=short(wanted.symbol), quantity=quantity(qty), base=base),
        texts("exits.since", time=texts.full_moment(wanted.since), duration=duration(now - wanted.since, texts)),
        texts("exits.until", time=texts.full_moment(until)) if until is not None else texts("exits.panic"),
        _state(context, wanted),
    ]


def _state(context: CommandContext, wanted: PendingExit) -> Html:
    if context.portfolio.in_flight_for(wanted.symbol) is not None:
        return context.texts("exits.under_way")
    if context.portfolio.approval_for(wanted.symbol) is not None:
        return context.texts("exits.asked")
    if wanted.why is None:
        return context.texts("exits.due")
    return context.texts("exits.why", attempts=wanted.number, reason=context.texts.reason(wanted.why))
