"""/accept: takes the exchange's state as correct where the ledger differs, or accepts other people's orders on the account,
after a second tap."""

from dataclasses import replace
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.actions import Trouble
from bot.commands.arguments.symbols import named_symbol
from bot.commands.base import Args, Command, bad_argument, request
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.totp_challenge import with_code
from bot.texts import short
from bot.views.chat_message import ChatMessage
from bot.views.symbol_halts import accept_button, halt_lines
from core.domain.access import Role
from core.domain.account import ACCOUNT
from core.domain.messages import AcceptRequested
from core.domain.reasons import Reason

ROLE = Role.OWNER


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Lists the halts; with a symbol it ends that symbol's halt."""
    if len(args) > 1:
        return bad_argument(context, args, COMMAND)
    if not args:
        return _listed(context)
    if args[0].lower() == ACCOUNT:
        return _account(context, caller)
    halted = [halt.symbol for halt in context.portfolio.active_halts()]
    symbol = named_symbol(context, args[0], halted) or args[0].upper()
    if context.portfolio.halt_on(symbol) is None:
        return ChatMessage(context.texts("accept.not_held", symbol=short(symbol)))
    return await with_code(
        context, caller, ROLE, context.texts("accept.ask", symbol=symbol), partial(_accept, context, caller, symbol)
    )


async def _accept(context: CommandContext, caller: Caller, symbol: str, source_id: str) -> str:
    body = AcceptRequested(symbol, caller.user_id, caller.name)
    trouble = await request(context, body, replace(caller, source_id=source_id), mailbox=symbol)
    return trouble or context.texts("accept.done", symbol=symbol)


def _account(context: CommandContext, caller: Caller) -> ChatMessage:
    """Shows whose orders would be accepted. Those that arrive between the two taps are not among them."""
    halt = context.portfolio.account_halt
    if halt is None:
        return ChatMessage(context.texts("accept.account_not_held"))
    text = "\n".join(
        [context.texts("accept.account_ask"), *halt_lines(halt, context.texts)[1:], "", context.texts("accept.account_then")]
    )
    return ask(context, caller, ROLE, text, partial(_known, context, caller, halt.differences), risk=Risk.RAISES)


async def _known(context: CommandContext, caller: Caller, shown: tuple[Reason, ...], source_id: str) -> str:
    outcome = await context.actions.put_as(source_id, AcceptRequested(ACCOUNT, caller.user_id, caller.name, shown))
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    if outcome.reason is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))
    return context.texts("confirm.done", who=caller.name, time=context.texts.exact_time(context.clock.now()))


def _listed(context: CommandContext) -> ChatMessage:
    halts = context.portfolio.active_halts()
    if not halts:
        return ChatMessage(context.texts("accept.none"))
    lines = [line for halt in halts for line in halt_lines(halt, context.texts)]
    return ChatMessage("\n".join(lines), tuple(row for halt in halts for row in accept_button(halt, context.texts)))


COMMAND = Command("accept", run, arguments="[SYMBOL|account]", examples=("", "account"), role_with_arguments=ROLE)
