"""The result of an order by hand, in the chat that it was confirmed in."""

from dataclasses import replace

from bot.commands.caller import Caller
from bot.commands.chat_preferences import prefer
from bot.commands.context import CommandContext
from bot.texts import Html
from bot.views.order_alerts import executed_lines
from core.domain.access import Level, Topic
from core.domain.errors import LedgerUnavailable
from core.domain.events.orders import OrderExecuted
from core.domain.order import Order

_NEWEST = 50  # orders among which the one just placed is looked for


def is_notified(context: CommandContext, caller: Caller) -> bool:
    """Tells whether the notifications of orders arrive in this chat."""
    recipient = context.people.recipients.recipient(caller.chat_id)
    return recipient is not None and recipient.level_of(Topic.TRADES) is not Level.OFF


async def _begin_notifying(context: CommandContext, caller: Caller, source_id: str) -> None:
    """Notifies from now on, as /start does, a person who acts in private and never pressed it."""
    if caller.in_private and context.people.recipients.recipient(caller.chat_id) is None:
        await prefer(context, replace(caller, source_id=f"{source_id}:reader"), caller.chat_id, active=True)


async def done(context: CommandContext, caller: Caller, source_id: str, order_id: str = "") -> str:
    """Returns what to say once the tap `source_id` has confirmed it: that the result arrives here, or the result of the order
    with the client order id `order_id` where no notification arrives yet."""
    shown = {"who": caller.name, "time": context.texts.exact_time(context.clock.now())}
    if is_notified(context, caller):
        return context.texts("confirm.done", **shown)
    await _begin_notifying(context, caller, source_id)
    return f"{context.texts('confirm.done_at_once', **shown)}\n\n{await _result(context, caller, order_id)}"


async def _result(context: CommandContext, caller: Caller, order_id: str) -> str:
    try:
        orders = await context.ledger.queries.recent_orders(_NEWEST) if order_id else ()
        order = next((one for one in orders if one.client_order_id == order_id), None)
        if order is None or order.state.in_flight:
            return context.texts("confirm.see")
        if not order.executed_qty:
            return _failed(context, order)
        return await _executed(context, caller, order)
    except LedgerUnavailable:
        return context.texts("confirm.see")


def _failed(context: CommandContext, order: Order) -> Html:
    why = context.texts.reason(order.reason) if order.reason is not None else order.state
    return context.texts("confirm.not_done", reason=why)


async def _executed(context: CommandContext, caller: Caller, order: Order) -> str:
    executions = await context.ledger.queries.recent_executions(_NEWEST)
    execution = next((one for one in executions if one.client_order_id == order.client_order_id), None)
    if execution is None:
        return context.texts("confirm.see")
    if not context.shows_figures(caller):
        return context.texts("confirm.executed", symbol=execution.symbol)
    event = OrderExecuted(order, execution, context.portfolio.position(order.book), None)
    return "\n".join(executed_lines(event, context.texts))
