"""/buy: an entry by hand, after a second tap; by every rule that a signal's entry has to pass."""

from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.symbols import known_symbols, named_symbol, not_traded, traded_buttons
from bot.commands.base import Args, Command, bad_argument
from bot.commands.confirm import ask
from bot.commands.context import Caller, Desk
from bot.commands.manual_orders import Plan, place, plan, plan_lines
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.messages import Hand
from core.domain.signal import Side
from core.policy.risk.limits import amount

ROLE = Role.TRADER
_USAGE = "buy SYMBOL [50 | 20 WIF]"


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """`/buy WIFUSDC` takes the usual size, `/buy WIFUSDC 50` for so much of the quote asset, as `50 USDC`
    does, `/buy WIFUSDC 20 WIF` so much of the base asset.
    Bare, it offers what is traded."""
    if not args:
        return traded_buttons(desk, "buy", _USAGE)
    symbol = named_symbol(desk, args[0], known_symbols(desk))
    if symbol is not None and (unknown := not_traded(desk, symbol, "buy")) is not None:
        return unknown
    hand = _hand(desk, symbol, args[1:], caller) if symbol is not None else None
    if symbol is None or hand is None:
        return bad_argument(desk, args, _USAGE)
    found = await plan(desk, Side.BUY, symbol, hand)
    if not isinstance(found, Plan):
        return ChatMessage(desk.texts("confirm.refused", reason=desk.texts.reason(found)))
    return ask(desk, caller, ROLE, "\n".join(plan_lines(desk, found)), partial(place, desk, caller, found), risk=Risk.RAISES)


def _hand(desk: Desk, symbol: str, size: Args, caller: Caller) -> Hand | None:
    if not size:
        return Hand(caller.user_id, caller.name)
    try:
        number = amount(size[0])
    except ValueError:
        return None
    instrument = desk.market.instrument(symbol)
    match [word.upper() for word in size[1:]]:
        case []:
            return Hand(caller.user_id, caller.name, quote=number)
        case [asset] if instrument is not None and asset == instrument.base:
            return Hand(caller.user_id, caller.name, qty=number)
        case [asset] if instrument is not None and asset == instrument.quote:
            return Hand(caller.user_id, caller.name, quote=number)
    return None


COMMAND = Command("buy", run, role=ROLE, arguments="SYMBOL [50 | 20 WIF]")
