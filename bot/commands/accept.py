"""/accept: which symbols are held because ledger and exchange disagree, and the owner's word that the exchange is right."""

from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk, Trouble
from bot.holds import accept_button, hold_lines
from bot.message import ChatMessage
from bot.render import short
from bot.roles import Role
from core.domain.messages import AcceptRequested


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Without a symbol it lists; with one it lifts the hold."""
    if len(args) > 1:
        return bad_argument(desk, args, "accept [SYMBOL]")
    if not args:
        return _listed(desk)
    symbol = args[0].upper()
    if desk.book.hold_on(symbol) is None:
        return ChatMessage(desk.texts("accept.not_held", symbol=short(symbol)))
    verdict = await desk.put(caller, AcceptRequested(symbol, caller.user_id, caller.name), mailbox=symbol)
    if isinstance(verdict, Trouble):
        return ChatMessage(desk.texts(verdict.value) if verdict.value else "")
    if verdict.reason is not None:
        return ChatMessage(desk.texts.reason(verdict.reason))
    return ChatMessage(desk.texts("accept.done", symbol=symbol))


def _listed(desk: Desk) -> ChatMessage:
    held = [hold for _, hold in sorted(desk.book.holds.items()) if hold.lifted_at is None]
    if not held:
        return ChatMessage(desk.texts("accept.none"))
    lines = [line for hold in held for line in hold_lines(hold, desk.texts)]
    return ChatMessage("\n".join(lines), tuple(row for hold in held for row in accept_button(hold, desk.texts)))


COMMAND = Command("accept", run, arguments="[SYMBOL]", role_with_arguments=Role.OWNER)
