"""/panic: pauses all, declines what is asked, takes orders off the exchange, sells what is held; after a second tap."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, always, bad_argument
from bot.commands.close import exit_lines
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk
from bot.commands.manual_orders import exits, place_all, sell_body
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import ApprovalAnswered, Body, CancelRequested, ControlsRequested, Hand
from core.domain.signal import PANIC
from core.domain.trading_state import Panic, Pause
from core.engine.inbox import CONTROLS, beside

ROLE = Role.TRADER


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """In numbers first. A symbol that is held back is not sold: what is true there is not known."""
    if args:
        return bad_argument(desk, args, "panic")
    lines = [desk.texts("panic")]
    if not desk.shows_figures(caller):
        return ask(desk, caller, ROLE, lines[0], partial(_panic, desk, caller), risk=Risk.LOWERS)
    lines += await exit_lines(desk, caller)
    if desk.book.approvals:
        lines.append(desk.texts("panic.questions", count=len(desk.book.approvals)))
    if desk.book.in_flight:
        lines.append(desk.texts("panic.orders", count=len(desk.book.in_flight)))
    return ask(desk, caller, ROLE, "\n".join(lines), partial(_panic, desk, caller), risk=Risk.LOWERS)


async def _panic(desk: Desk, caller: Caller, source_id: str) -> str:
    """Stores all of it in one commit, so a crash leaves all or nothing. `bot.commands.liquidation` takes over from there."""
    book, hand = desk.book, Hand(caller.user_id, caller.name)
    panic = Panic(source_id, caller.user_id, caller.name)
    bodies: list[tuple[str, Body]] = [
        (CONTROLS, ControlsRequested(caller.user_id, caller.name, pause=Pause.ALL, panic=panic)),
    ]
    bodies += [
        (approval.signal.symbol, ApprovalAnswered(approval.token, False, caller.user_id, caller.name))
        for approval in book.approvals.values()
    ]
    bodies += [
        (beside(order.symbol), CancelRequested(order.symbol, order.client_order_id, caller.user_id, caller.name))
        for order in book.in_flight.values()
    ]
    for symbol in exits(desk):
        bodies.append((symbol, sell_body(desk, symbol, hand, f"{source_id}:{len(bodies)}", PANIC)))
    return await place_all(desk, caller, bodies, source_id)


COMMAND = Command("panic", run, role=ROLE, in_any_group=always)
