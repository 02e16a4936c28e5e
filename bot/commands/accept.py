"""/accept: which symbols are held because ledger and exchange disagree, and the owner's word that the exchange is right."""

from dataclasses import replace
from functools import partial

from bot.codes import with_code
from bot.command import Args, Command, bad_argument, request
from bot.desk import Caller, Desk
from bot.holds import accept_button, hold_lines
from bot.message import ChatMessage
from bot.texts import short
from core.domain.messages import AcceptRequested
from core.domain.people import Role

ROLE = Role.OWNER


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Without a symbol it lists; with one it lifts the hold."""
    if len(args) > 1:
        return bad_argument(desk, args, "accept [SYMBOL]")
    if not args:
        return _listed(desk)
    symbol = args[0].upper()
    if desk.book.hold_on(symbol) is None:
        return ChatMessage(desk.texts("accept.not_held", symbol=short(symbol)))
    return await with_code(desk, caller, ROLE, desk.texts("accept.ask", symbol=symbol), partial(_accept, desk, caller, symbol))


async def _accept(desk: Desk, caller: Caller, symbol: str, source_id: str) -> str:
    wish = AcceptRequested(symbol, caller.user_id, caller.name)
    trouble = await request(desk, wish, replace(caller, source_id=source_id), mailbox=symbol)
    return trouble or desk.texts("accept.done", symbol=symbol)


def _listed(desk: Desk) -> ChatMessage:
    held = desk.book.active_holds()
    if not held:
        return ChatMessage(desk.texts("accept.none"))
    lines = [line for hold in held for line in hold_lines(hold, desk.texts)]
    return ChatMessage("\n".join(lines), tuple(row for hold in held for row in accept_button(hold, desk.texts)))


COMMAND = Command("accept", run, arguments="[SYMBOL]", role_with_arguments=ROLE)
