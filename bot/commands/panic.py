"""/panic: pauses all, declines what is asked, takes orders off the exchange, sells what is held; after a second tap."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from bot.asking import ask
from bot.command import Args, Command, always, bad_argument
from bot.commands.close import exit_lines
from bot.confirmations import Risk
from bot.desk import Caller, Desk
from bot.message import ChatMessage
from bot.orders_by_hand import exits, place_all, sell_body
from bot.selling_out import Panic, sell_out
from core.domain.controls import Pause
from core.domain.messages import ApprovalAnswered, Body, CancelRequested, ControlsRequested, Hand
from core.domain.people import Role
from core.domain.signal import PANIC
from core.inbox import CONTROLS, beside
from core.ports import Verdict

log = structlog.get_logger(__name__)

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
    """All of it is stored in one commit: it happens as a whole, also across a crash."""
    book, hand = desk.book, Hand(caller.user_id, caller.name)
    bodies: list[tuple[str, Body]] = [(CONTROLS, ControlsRequested(caller.user_id, caller.name, pause=Pause.ALL))]
    bodies += [
        (approval.signal.symbol, ApprovalAnswered(approval.token, False, caller.user_id, caller.name))
        for approval in book.approvals.values()
    ]
    bodies += [
        (beside(order.symbol), CancelRequested(order.symbol, order.client_order_id, caller.user_id, caller.name))
        for order in book.in_flight.values()
    ]
    first = len(bodies)
    symbols = exits(desk)
    for symbol in symbols:
        bodies.append((symbol, sell_body(desk, symbol, hand, f"{source_id}:{len(bodies)}", PANIC)))

    def follow(answers: Sequence["asyncio.Future[Verdict] | None"]) -> None:
        asked = {symbol: answer for symbol, answer in zip(symbols, answers[first:], strict=True) if answer is not None}
        if answers[0] is not None:
            following = asyncio.create_task(sell_out(Panic(desk, hand, source_id, answers[0]), asked), name="panic")
            following.add_done_callback(_ended)

    return await place_all(desk, caller, bodies, source_id, follow)


def _ended(following: "asyncio.Task[None]") -> None:
    if not following.cancelled() and (error := following.exception()) is not None:
        log.error("a panic could not be followed to its end", exc_info=error)


COMMAND = Command("panic", run, role=ROLE, in_any_group=always)
