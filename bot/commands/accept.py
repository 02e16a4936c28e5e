"""/accept: where ledger and exchange disagree, and the owner's word that the exchange is right; or that orders of others on the
account are known, after a second tap."""

from dataclasses import replace
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.base import Args, Command, bad_argument, request
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk, Trouble
from bot.commands.totp_challenge import with_code
from bot.texts import short
from bot.views.chat_message import ChatMessage
from bot.views.symbol_halts import accept_button, hold_lines
from core.domain.access import Role
from core.domain.account import ACCOUNT
from core.domain.messages import AcceptRequested
from core.domain.reasons import Reason

ROLE = Role.OWNER


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Without a symbol it lists; with one it lifts the hold."""
    if len(args) > 1:
        return bad_argument(desk, args, COMMAND.usage)
    if not args:
        return _listed(desk)
    if args[0].lower() == ACCOUNT:
        return _account(desk, caller)
    symbol = args[0].upper()
    if desk.book.hold_on(symbol) is None:
        return ChatMessage(desk.texts("accept.not_held", symbol=short(symbol)))
    return await with_code(desk, caller, ROLE, desk.texts("accept.ask", symbol=symbol), partial(_accept, desk, caller, symbol))


async def _accept(desk: Desk, caller: Caller, symbol: str, source_id: str) -> str:
    wish = AcceptRequested(symbol, caller.user_id, caller.name)
    trouble = await request(desk, wish, replace(caller, source_id=source_id), mailbox=symbol)
    return trouble or desk.texts("accept.done", symbol=symbol)


def _account(desk: Desk, caller: Caller) -> ChatMessage:
    """Shows whose orders would be known from then on. What comes between the two taps is not among them."""
    held = desk.book.account_hold
    if held is None:
        return ChatMessage(desk.texts("accept.account_not_held"))
    text = "\n".join([desk.texts("accept.account_ask"), *hold_lines(held, desk.texts)[1:], "", desk.texts("accept.account_then")])
    return ask(desk, caller, ROLE, text, partial(_known, desk, caller, held.differences), risk=Risk.RAISES)


async def _known(desk: Desk, caller: Caller, shown: tuple[Reason, ...], source_id: str) -> str:
    verdict = await desk.put_as(source_id, AcceptRequested(ACCOUNT, caller.user_id, caller.name, shown))
    if isinstance(verdict, Trouble):
        return desk.texts(verdict.value or "answer.known")
    if verdict.reason is not None:
        return desk.texts("confirm.not_done", reason=desk.texts.reason(verdict.reason))
    return desk.texts("confirm.done", who=caller.name, time=desk.texts.exact_time(desk.clock.now()))


def _listed(desk: Desk) -> ChatMessage:
    held = desk.book.active_holds()
    if not held:
        return ChatMessage(desk.texts("accept.none"))
    lines = [line for hold in held for line in hold_lines(hold, desk.texts)]
    return ChatMessage("\n".join(lines), tuple(row for hold in held for row in accept_button(hold, desk.texts)))


COMMAND = Command("accept", run, arguments="[SYMBOL|account]", role_with_arguments=ROLE)
