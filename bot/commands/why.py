"""/why: the full story of a signal, an order or a trade; for one that was not traded, the reason first."""

from collections.abc import Sequence

from bot.commands.arguments.symbols import meant_symbols
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.texts import Html, short
from bot.views.chat_message import Button, ChatMessage
from bot.views.signal_story import letter_lines, story_lines
from core.domain.errors import LedgerUnavailable
from core.read_models import LetterStory

_USAGE = "[ID|SYMBOL]"
_LONGEST = 128  # characters of an id
_MORE = "full"
_DIGITS = 18  # of a number that a database holds


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Finds it by id, by the message replied to, or takes the last one."""
    full = len(args) == 2 and args[1] == _MORE
    if len(args) > 2 or (len(args) == 2 and not full) or (args and len(args[0]) > _LONGEST):
        return bad_argument(context, args, COMMAND)
    try:
        return await _told(context, args, caller, full=full)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))


async def _told(context: CommandContext, args: Args, caller: Caller, *, full: bool) -> ChatMessage:
    found = await _found(context, args, caller)
    if isinstance(found, LetterStory):
        return ChatMessage("\n".join(letter_lines(found, context.texts)))
    if len(found) > 1:
        return _which(context, found)
    story = await context.ledger.stories.story(found[0]) if found else None
    if story is None:
        return ChatMessage(await _nothing(context, args[0]) if args else context.texts("why.none"))
    buttons = () if full else ((Button(context.texts("why.full"), f"/why {story.seq} {_MORE}"),),)
    return ChatMessage("\n".join(story_lines(story, context.texts, full=full)), buttons)


async def _nothing(context: CommandContext, name: str) -> Html:
    """Returns that nothing is known of it, or nothing any more."""
    texts, number = context.texts, name.removeprefix("#")
    seq = int(number) if number.isascii() and number.isdigit() and len(number) <= _DIGITS else 0
    left = await context.ledger.stories.pruned(seq)
    if left is not None:
        shown = {"seq": left.seq, "signal_type": short(left.signal_type), "symbol": short(left.symbol)}
        return texts("why.pruned", time=texts.full_moment(left.received_at), outcome=short(left.outcome), **shown)
    before = await context.ledger.stories.pruned_before()
    unknown = texts("why.unknown", name=short(name))
    return unknown if before is None else Html(f"{unknown}\n{texts('why.pruned_before', time=texts.full_moment(before))}")


async def _found(context: CommandContext, args: Args, caller: Caller) -> Sequence[int] | LetterStory:
    if args:
        name = args[0].removeprefix("#")
        found = await context.ledger.stories.named(name) or await context.ledger.stories.letter(name)
        return found or await _of_symbol(context, name)
    if caller.reply_to is None:
        return await context.ledger.stories.last()
    told = await context.ledger.stories.told_by(caller.chat_id, caller.reply_to)
    return told or await context.ledger.stories.letter_told_by(caller.chat_id, caller.reply_to) or ()


async def _of_symbol(context: CommandContext, name: str) -> Sequence[int]:
    """Returns the last story of the symbol that a base asset, or another spelling, means."""
    symbols = await meant_symbols(context, name)
    return await context.ledger.stories.named(symbols[0]) if len(symbols) == 1 and symbols[0] != name else ()


def _which(context: CommandContext, found: Sequence[int]) -> ChatMessage:
    return ChatMessage(context.texts("why.which"), tuple((Button(f"#{seq}", f"/why {seq}"),) for seq in found))


COMMAND = Command("why", run, arguments=_USAGE, examples=("SYMBOL", ""), answers_anew=True)
