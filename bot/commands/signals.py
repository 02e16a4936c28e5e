"""/signals: the last signals, what became of each, and why."""

from bot.commands.arguments.counts import read_count
from bot.commands.base import Args, Command, bad_argument
from bot.commands.context import Caller, Desk
from bot.commands.pagination import leaf_buttons, read_leaf
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from bot.views.number_format import price
from core.domain.errors import LedgerUnavailable
from core.read_models import SignalStory

_DEFAULT = 10
_SAID_BY_REASON = frozenset({"declined", "withdrawn", "expired", "observed"})  # whose reason says the outcome itself
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


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """One line each, the newest first."""
    leaf = read_leaf(args)
    count = read_count(leaf.args[0]) if leaf.args else _DEFAULT
    if count is None or len(leaf.args) > 1:
        return bad_argument(desk, args, "signals [1-20]")
    try:
        rows = await desk.queries.recent_signals(count, page=leaf.page)
    except LedgerUnavailable:
        return ChatMessage(desk.texts("answer.ledger_read"))
    lines = [desk.texts("signals") if rows else desk.texts("signals.none"), *(_line(desk, row) for row in rows)]
    return ChatMessage("\n".join(lines), leaf_buttons("signals", leaf, [row.seq for row in rows], count, desk.texts))


def _line(desk: Desk, row: SignalStory) -> Html:
    outcome = row.outcome or "waiting"
    key = f"outcome.{outcome}"
    shown = {
        "time": desk.texts.moment(row.received_at),
        "mark": "⏳" if row.outcome is None else _MARKS.get(outcome, "⚪"),
        "signal_type": short(row.signal.signal_type),
        "symbol": short(row.signal.symbol),
        "price": price(row.signal.close),
        "outcome": desk.texts(key) if desk.texts.has(key) else outcome,
    }
    if row.reason is None:
        return desk.texts("signals.line", **shown)
    if outcome in _SAID_BY_REASON:
        return desk.texts("signals.line", **(shown | {"outcome": desk.texts.reason(row.reason)}))
    return desk.texts("signals.line_reason", reason=desk.texts.reason(row.reason), **shown)


COMMAND = Command("signals", run, arguments="[1-20]")
