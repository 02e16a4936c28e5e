"""/panic: pauses everything, declines approvals, cancels orders and sells all positions, after a second tap."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.caller import Caller
from bot.commands.close import exit_lines
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import exits, place_all, sell_body
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import ApprovalAnswered, Body, CancelRequested, ControlsRequested, ManualInstruction
from core.domain.signal import PANIC
from core.domain.trading_state import Panic, Pause
from core.engine.inbox import CONTROLS, beside

ROLE = Role.TRADER


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Previews it in numbers. A halted symbol is not sold: its true position is unknown."""
    if args:
        return bad_argument(context, args, COMMAND)
    lines = [context.texts("panic")]
    if not context.shows_figures(caller):
        return ask(context, caller, ROLE, lines[0], partial(_panic, context, caller), risk=Risk.LOWERS)
    lines += await exit_lines(context, caller)
    if context.portfolio.approvals:
        lines.append(context.texts("panic.questions", count=len(context.portfolio.approvals)))
    waiting = sum(order.waits_to_buy for order in context.portfolio.resting.values())
    if context.portfolio.in_flight or waiting:
        lines.append(context.texts("panic.orders", count=len(context.portfolio.in_flight) + waiting))
    return ask(context, caller, ROLE, "\n".join(lines), partial(_panic, context, caller), risk=Risk.LOWERS)


async def _panic(context: CommandContext, caller: Caller, source_id: str) -> str:
    """Stores all of it in one commit, so a crash leaves all or nothing. `bot.commands.liquidation` takes over from there."""
    portfolio, instruction = context.portfolio, ManualInstruction(caller.user_id, caller.name)
    panic = Panic(source_id, caller.user_id, caller.name)
    bodies: list[tuple[str, Body]] = [
        (CONTROLS, ControlsRequested(caller.user_id, caller.name, pause=Pause.ALL, panic=panic)),
    ]
    bodies += [
        (approval.signal.symbol, ApprovalAnswered(approval.token, False, caller.user_id, caller.name))
        for approval in portfolio.approvals.values()
    ]
    bodies += [
        (beside(order.symbol), CancelRequested(order.symbol, order.client_order_id, caller.user_id, caller.name))
        for order in portfolio.in_flight.values()
    ]
    bodies += [
        (order.symbol, CancelRequested(order.symbol, order.client_order_id, caller.user_id, caller.name))
        for order in portfolio.resting.values()
        if order.waits_to_buy
    ]
    for book in exits(context):
        bodies.append((book.symbol, sell_body(context, book, instruction, f"{source_id}:{len(bodies)}", PANIC)))
    return await place_all(context, caller, bodies, source_id)


COMMAND = Command("panic", run, role=ROLE, in_any_group=always)
