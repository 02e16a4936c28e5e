"""/mode: execute signals at once, ask first, or only report them. Without arguments it shows a button for each."""

from decimal import Decimal
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.actions import Trouble
from bot.commands.arguments.amounts import UnreadAmount, typed_amount
from bot.commands.base import Args, Command, always, bad_argument, request
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import quantity
from bot.views.trading_state import trading_state_lines
from core.domain.access import Role
from core.domain.messages import ControlsRequested
from core.domain.trading_state import EVERYTHING, ApprovalPolicy, Mode, TradingState

ROLE = Role.OWNER
_USAGE = "[auto|confirm|observe] [above 100] [except BUY_SM,…]"
_MOST_TYPES = 20
_STRICT = {Mode.OBSERVE: 2, Mode.CONFIRM: 1, Mode.AUTO: 0}


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets the mode; the buttons send the same commands as one would type. A mode that trades more than before needs a second
    tap."""
    if not args:
        return ChatMessage(_shown(context), (_buttons(context),))
    chosen = read_mode(args, context.exchange.rates.report)
    if chosen is None:
        return bad_argument(context, args, COMMAND)
    mode, asking = chosen
    body = ControlsRequested(caller.user_id, caller.name, mode=mode, asking=asking)
    if _loosens(context.portfolio.trading_state, mode, asking, context.exchange.rates.report):
        lines = [context.texts("mode.ask", mode=mode, meaning=context.texts(f"mode.{mode}")), *asking_lines(context, asking)]
        return ask(context, caller, ROLE, "\n".join(lines), partial(change, context, caller, body), risk=Risk.RAISES)
    trouble = await request(context, body, caller)
    return ChatMessage(trouble or _shown(context), (_buttons(context),))


def read_mode(args: Args, asset: str) -> tuple[Mode, ApprovalPolicy] | None:
    """Returns the mode, and which trades `confirm` asks about; None for invalid arguments. The amount
    is in `asset`."""
    word, *rest = (word.lower() for word in args)
    if word not in set(Mode):
        return None
    above, besides = Decimal(0), frozenset[str]()
    words = list(args[1:])
    while rest:
        match rest:
            case ["above", number, *others] if not above:
                unit = others.pop(0) if others[:1] == [asset.lower()] else ""
                try:
                    typed = typed_amount([number])
                except UnreadAmount:
                    return None
                if typed.unit and not typed.is_in(asset):
                    return None
                above, words = typed.number, words[1:] if unit else words
            case ["except", _, *others] if not besides:
                kinds = words[1].upper().split(",")
                if len(kinds) > _MOST_TYPES or not all(_is_type(kind) for kind in kinds):
                    return None
                besides = frozenset(kinds)
            case _:
                return None
        rest, words = others, words[2:]
    asking = ApprovalPolicy(above, besides)
    return None if asking != EVERYTHING and word != Mode.CONFIRM else (Mode(word), asking)


def _is_type(kind: str) -> bool:
    return kind.startswith(("BUY_", "SELL_")) and 4 < len(kind) <= 32 and kind.isascii() and kind.replace("_", "").isalnum()


def _loosens(before: TradingState, mode: Mode, asking: ApprovalPolicy, report: str) -> bool:
    if mode is Mode.CONFIRM is before.mode:
        return asking.above > before.asking.threshold(report) or not asking.besides <= before.asking.besides
    return _STRICT[mode] < _STRICT[before.mode]


async def change(context: CommandContext, caller: Caller, body: ControlsRequested, source_id: str) -> str:
    """Sets it once it is confirmed."""
    outcome = await context.actions.put_as(source_id, body)
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    done = context.texts("confirm.done_at_once", who=caller.name, time=context.texts.exact_time(context.clock.now()))
    return f"{done}\n\n{trading_state_lines(context.portfolio.trading_state, context.texts)}"


def asking_lines(context: CommandContext, asking: ApprovalPolicy) -> list[str]:
    """Returns which trades are not asked about."""
    lines = (
        [context.texts("mode.above", above=quantity(asking.above), asset=context.exchange.rates.report)] if asking.above else []
    )
    return [*lines, *([context.texts("mode.besides", types=", ".join(sorted(asking.besides)))] if asking.besides else [])]


def _shown(context: CommandContext) -> str:
    meanings = "\n".join(f"{mode}: {context.texts(f'mode.{mode}')}" for mode in Mode)
    return f"{trading_state_lines(context.portfolio.trading_state, context.texts)}\n\n{meanings}"


def _buttons(context: CommandContext) -> tuple[Button, ...]:
    present = context.portfolio.trading_state.mode
    return tuple(Button(("● " if mode is present else "") + mode, f"/mode {mode}") for mode in Mode)


COMMAND = Command(
    "mode",
    run,
    arguments=_USAGE,
    examples=("confirm", "confirm above 100", "auto"),
    role_with_arguments=ROLE,
    in_any_group=always,
)
