"""/cancel: cancels an order of ours on the exchange or withdraws an open approval, after a second tap."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import place_all
from bot.texts import short
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import quantity
from core.domain.access import Role
from core.domain.approval import Approval
from core.domain.messages import ApprovalAnswered, CancelRequested
from core.domain.order import Order
from core.domain.signal import Side
from core.engine.inbox import beside

ROLE = Role.TRADER


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Takes a client order id, an exchange order id, or a signal's number. Without one it offers the open ones."""
    if len(args) > 1:
        return bad_argument(context, args, "cancel ID")
    if not args:
        return _offered(context)
    named = args[0].removeprefix("#")
    for order in _orders(context):
        if named in {order.client_order_id, order.order_id, str(order.inbox_seq)}:
            text = context.texts("cancel.order", **_shown(context, order))
            # Cancelling an exit keeps the position.
            risk = Risk.RAISES if order.side is Side.SELL else Risk.LOWERS
            return ask(context, caller, ROLE, text, partial(_cancel, context, caller, order), risk=risk)
    for approval in context.portfolio.approvals.values():
        if named in {approval.token, str(approval.inbox_seq)}:
            text = context.texts("cancel.question", **_shown(context, approval))
            return ask(context, caller, ROLE, text, partial(_decline, context, caller, approval), risk=Risk.LOWERS)
    return ChatMessage(context.texts("cancel.unknown", id=short(args[0])))


def _orders(context: CommandContext) -> list[Order]:
    """Returns the orders that may be cancelled: those in flight, and entries that rest."""
    resting = [order for order in context.portfolio.resting.values() if order.waits_to_buy]
    return [*context.portfolio.in_flight.values(), *resting]


def _shown(context: CommandContext, one: Order | Approval) -> dict[str, str]:
    priced = context.exchange.priced(one.signal.symbol)
    return {
        "side": context.texts(f"side.{one.side.lower()}"),
        "symbol": priced.symbol,
        "quantity": quantity(one.qty),
        "base": priced.base,
    }


def _offered(context: CommandContext) -> ChatMessage:
    open_ones: list[Order | Approval] = [*_orders(context), *context.portfolio.approvals.values()]
    rows = [(Button(context.texts("cancel.button", **_shown(context, one)), f"/cancel {one.inbox_seq}"),) for one in open_ones]
    return ChatMessage(context.texts("cancel.which" if rows else "cancel.none"), tuple(rows[:20]))


async def _cancel(context: CommandContext, caller: Caller, order: Order, source_id: str) -> str:
    body = CancelRequested(order.symbol, order.client_order_id, caller.user_id, caller.name)
    # One that rests is cancelled in its symbol's turn; one that has the turn itself, beside it.
    mailbox = order.symbol if order.client_order_id in context.portfolio.resting else beside(order.symbol)
    return await place_all(context, caller, [(mailbox, body)], source_id)


async def _decline(context: CommandContext, caller: Caller, approval: Approval, source_id: str) -> str:
    answer = ApprovalAnswered(approval.token, False, caller.user_id, caller.name)
    return await place_all(context, caller, [(approval.signal.symbol, answer)], source_id)


COMMAND = Command("cancel", run, role=ROLE, arguments="[ID]")
