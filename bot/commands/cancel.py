"""/cancel: cancels an order of ours on the exchange or withdraws an open approval, after a second tap."""

from collections.abc import Sequence
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import place_all
from bot.commands.protection import legs_lines
from bot.texts import short
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import quantity
from core.domain.access import Role
from core.domain.approval import Approval
from core.domain.messages import ApprovalAnswered, Body, CancelRequested
from core.domain.order import Order
from core.domain.signal import Side
from core.engine.inbox import beside

ROLE = Role.TRADER
_ALL = "all"
_MOST_SHOWN = 20


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Takes a client order id, an exchange order id, a signal's number, or `all`. Without one it offers the open ones."""
    if len(args) > 1:
        return bad_argument(context, args, COMMAND)
    if not args:
        return _offered(context)
    if args[0].lower() == _ALL:
        return _everything(context, caller)
    named = args[0].removeprefix("#")
    for order in _orders(context):
        if named in {order.client_order_id, order.order_id, str(order.inbox_seq)}:
            text = context.texts("cancel.order", **_shown(context, order))
            # Cancelling an exit keeps the position.
            risk = Risk.RAISES if order.side is Side.SELL else Risk.LOWERS
            return ask(context, caller, ROLE, text, partial(_cancel, context, caller, [order]), risk=risk)
    for approval in context.portfolio.approvals.values():
        if named in {approval.token, str(approval.inbox_seq)}:
            text = context.texts("cancel.question", **_shown(context, approval))
            return ask(context, caller, ROLE, text, partial(_cancel, context, caller, [approval]), risk=Risk.LOWERS)
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


def _open(context: CommandContext) -> list[Order | Approval]:
    return [*_orders(context), *context.portfolio.approvals.values()]


def _everything(context: CommandContext, caller: Caller) -> ChatMessage:
    """Asks whether all that is open is to be cancelled, as it is now: what comes meanwhile stays."""
    open_ones = _open(context)
    if not open_ones:
        return ChatMessage(context.texts("cancel.none"))
    lines = [context.texts("cancel.all", count=len(open_ones))]
    lines += [context.texts("cancel.all_line", **_shown(context, one)) for one in open_ones[:_MOST_SHOWN]]
    if len(open_ones) > _MOST_SHOWN:
        lines.append(context.texts("cancel.all_more", count=len(open_ones) - _MOST_SHOWN))
    lines += legs_lines(context, "cancel.legs_stay")
    exits = any(isinstance(one, Order) and one.side is Side.SELL for one in open_ones)
    act = partial(_cancel, context, caller, open_ones)
    return ask(context, caller, ROLE, "\n".join(lines), act, risk=Risk.RAISES if exits else Risk.LOWERS)


def _offered(context: CommandContext) -> ChatMessage:
    open_ones = _open(context)
    rows = [(Button(context.texts("cancel.button", **_shown(context, one)), f"/cancel {one.inbox_seq}"),) for one in open_ones]
    every = [(Button(context.texts("close.all"), f"/cancel {_ALL}"),)] if len(rows) > 1 else []
    return ChatMessage(context.texts("cancel.which" if rows else "cancel.none"), (*rows[:_MOST_SHOWN], *every))


async def _cancel(context: CommandContext, caller: Caller, chosen: Sequence[Order | Approval], source_id: str) -> str:
    return await place_all(context, caller, [_request(context, caller, one) for one in chosen], source_id)


def _request(context: CommandContext, caller: Caller, one: Order | Approval) -> tuple[str, Body]:
    """Returns the request that cancels an order or declines an approval, with the mailbox it goes to."""
    if isinstance(one, Approval):
        return one.signal.symbol, ApprovalAnswered(one.token, False, caller.user_id, caller.name)
    # One that rests is cancelled in its symbol's turn; one that has the turn itself, beside it.
    mailbox = one.symbol if one.client_order_id in context.portfolio.resting else beside(one.symbol)
    return mailbox, CancelRequested(one.symbol, one.client_order_id, caller.user_id, caller.name)


COMMAND = Command("cancel", run, role=ROLE, arguments="[ID | all]", examples=("all", ""))
