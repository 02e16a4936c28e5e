"""/buy: a manual entry, after a second tap; it has to pass every rule that a signal's entry does."""

from dataclasses import dataclass
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.arguments.amounts import PER_CENT, UnreadAmount, typed_amount
from bot.commands.arguments.exits import NAMES, USAGE, exit_words
from bot.commands.arguments.steps import STEPS, UnreadStep, step_words
from bot.commands.arguments.steps import USAGE as STEPS_USAGE
from bot.commands.arguments.symbols import known_symbols, named_symbol, not_traded, traded_buttons
from bot.commands.base import Args, Command, bad_argument, why_unread
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.manual_orders import Plan, place, plan, plan_lines
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.dca_step import DcaStep
from core.domain.exit_plan import ExitPlan
from core.domain.messages import ManualInstruction
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.policy.entries.step_check import check_steps

ROLE = Role.TRADER
_USAGE = f"SYMBOL [50 | 20 WIF] {USAGE} {STEPS_USAGE}"
_EXAMPLE = "3% 6%"
_OF_STEPS = frozenset({"steps_too_many", "step_at_stop"})


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Buys the usual size with `/buy WIFUSDC`, an amount of the quote asset with `/buy WIFUSDC 50` or `50 USDC`, a quantity of
    the base asset with `/buy WIFUSDC 20 WIF`. What follows as `stop 5% target 10%` is its exit plan, and as `steps 3% 6%` what
    is bought again below. Without arguments it offers the traded symbols."""
    if not args:
        return traded_buttons(context, "buy", COMMAND.usage)
    symbol = named_symbol(context, args[0], known_symbols(context))
    if symbol is None:
        return bad_argument(context, args, COMMAND)
    asked = not_traded(context, symbol, "buy") or _asked(context, symbol, args, caller)
    if isinstance(asked, ChatMessage):
        return asked
    found = await plan(context, Side.BUY, StrategyBook(symbol), asked.instruction, exits=asked.exits, steps=asked.steps)
    if not isinstance(found, Plan):
        refused = context.texts("confirm.refused", reason=context.texts.reason(found))
        return _with_example(context, symbol, refused, len(asked.steps)) if found.code in _OF_STEPS else ChatMessage(refused)
    return ask(
        context, caller, ROLE, "\n".join(plan_lines(context, found)), partial(place, context, caller, found), risk=Risk.RAISES
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A purchase as somebody typed it."""

    instruction: ManualInstruction
    exits: ExitPlan | None
    steps: tuple[DcaStep, ...]


def _asked(context: CommandContext, symbol: str, args: Args, caller: Caller) -> _Asked | ChatMessage:
    """Returns what the words after the symbol ask for, or the answer that says why they do not."""
    size, exits, stepped = _split(args[1:])
    words = exit_words(exits) if exits else None
    if exits and (words is None or words.to_breakeven):
        return bad_argument(context, args, COMMAND, context.texts("exits.unread", words=short(" ".join(exits))))
    instruction = _instruction(context, symbol, size, caller)
    if isinstance(instruction, Html):
        return bad_argument(context, args, COMMAND, instruction)
    steps = _steps(context, symbol, stepped)
    return steps if isinstance(steps, ChatMessage) else _Asked(instruction, words.exits if words is not None else None, steps)


def _split(args: Args) -> tuple[Args, Args, Args | None]:
    """Returns the words of the size, of the exit plan, and of the steps (None: they are not named), which stand before or after
    the exits."""
    lower = [word.lower() for word in args]
    start = next((place for place, word in enumerate(lower) if word in NAMES or word == STEPS), len(args))
    if STEPS not in lower:
        return args[:start], args[start:], None
    at = lower.index(STEPS)
    end = next((place for place in range(at + 1, len(args)) if lower[place] in NAMES), len(args))
    return args[:start], [*args[start:at], *args[end:]], args[at + 1 : end]


def _steps(context: CommandContext, symbol: str, words: Args | None) -> tuple[DcaStep, ...] | ChatMessage:
    """Returns the steps that were named, or why they are no steps and how they are written."""
    if words is None:
        return ()
    try:
        steps = step_words(words)
    except UnreadStep as error:
        key = "buy.step_unread" if error.word else "buy.steps_missing"
        return _with_example(context, symbol, context.texts(key, word=short(error.word)))
    if not steps or (why := check_steps(steps)) is None:
        return steps
    return _with_example(context, symbol, context.texts("confirm.refused", reason=context.texts.reason(why)))


def _with_example(context: CommandContext, symbol: str, refused: Html, wanted: int = 0) -> ChatMessage:
    """Returns a refusal of steps with a line that works, and what allows so many, or as many as were `wanted`, where MAX_ENTRIES
    does not."""
    most, needed = context.portfolio.limits_for(StrategyBook(symbol)).max_entries, max(wanted, len(_EXAMPLE.split())) + 1
    lines = [refused, context.texts("buy.example", example=f"/buy {symbol} 50 stop 15% {STEPS} {_EXAMPLE}")]
    if most < needed:
        lines.append(context.texts("buy.entries_first", count=needed))
    return ChatMessage("\n".join(lines))


def _instruction(context: CommandContext, symbol: str, size: Args, caller: Caller) -> ManualInstruction | Html:
    """Returns how much to buy, or why the size is none."""
    if not size:
        return ManualInstruction(caller.user_id, caller.name)
    try:
        typed = typed_amount(size)
    except UnreadAmount as error:
        return why_unread(context, size, error)
    priced = context.exchange.priced(symbol)
    if typed.unit == "" or typed.is_in(priced.quote_asset):
        return ManualInstruction(caller.user_id, caller.name, quote=typed.number)
    if typed.unit == priced.base and priced.instrument is not None:
        return ManualInstruction(caller.user_id, caller.name, qty=typed.number)
    if typed.unit == PER_CENT:
        return context.texts("buy.no_share")
    return context.texts("amount.unit", unit=short(typed.unit), known=f"{priced.quote_asset} / {priced.base}")


COMMAND = Command(
    "buy",
    run,
    role=ROLE,
    arguments=_USAGE,
    examples=("NOT_HELD 50", "NOT_HELD 50 USDC stop 5% target 10%", "NOT_HELD 50 stop 5% trail 2%"),
)
