"""/signals: the last signals, the outcome of each, and why."""

from bot.commands.arguments.counts import read_count
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import page_buttons, read_page
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from bot.views.number_format import price
from core.domain.errors import LedgerUnavailable
from core.read_models import SignalStory

_DEFAULT = 10
_SAID_BY_REASON = frozenset({"declined", "withdrawn", "expired", "observed"})  # whose reason states the outcome itself
_MARKS = {
    "executed": "✅",
    "ordered": "⏳",
    "done": "✅",
    "denied": "🚫",
    "failed": "❗",
    "declined": "✖️",
    "withdrawn": "↩️",
    "expired": "⌛",
    "observed": "👀",
    "awaiting_approval": "❓",
    "put_off": "⏳",
}


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows one line per signal, the newest first."""
    request = read_page(args)
    count = read_count(request.args[0]) if request.args else _DEFAULT
    if count is None or len(request.args) > 1:
        return bad_argument(context, args, COMMAND)
    try:
        rows = await context.ledger.queries.recent_signals(count, page=request.page)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    title = context.texts.with_zone(context.texts("signals"), context.clock.now()) if rows else context.texts("signals.none")
    lines = [title, *(_line(context, row) for row in rows)]
    return ChatMessage("\n".join(lines), page_buttons("signals", request, [row.seq for row in rows], count, context.texts))


def _line(context: CommandContext, row: SignalStory) -> Html:
    outcome = row.outcome or "waiting"
    key = f"outcome.{outcome}"
    shown = {
        "time": context.texts.moment(row.received_at),
        "mark": "⏳" if row.outcome is None else _MARKS.get(outcome, "⚪"),
        "signal_type": short(row.signal.signal_type),
        "symbol": short(row.signal.symbol),
        "price": price(row.signal.close),
        "outcome": context.texts(key) if context.texts.has(key) else outcome,
    }
    if row.reason is None:
        return context.texts("signals.line", **shown)
    if outcome in _SAID_BY_REASON:
        return context.texts("signals.line", **(shown | {"outcome": context.texts.reason(row.reason)}))
    return context.texts("signals.line_reason", reason=context.texts.reason(row.reason), **shown)


COMMAND = Command("signals", run, arguments="[1-20]", examples=("20", ""))
