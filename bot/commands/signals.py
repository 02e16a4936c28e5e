"""/signals: the last signals, what became of each, and why."""

from bot.command import Args, Command, bad_argument, count_from
from bot.desk import Caller, Desk, SignalRow
from bot.message import ChatMessage
from bot.numbers import price
from bot.texts import Html, short
from core.domain.errors import LedgerUnavailable

_DEFAULT = 10
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
}


async def run(desk: Desk, args: Args, _caller: Caller) -> ChatMessage:
    """One line each, the newest first."""
    count = count_from(args, _DEFAULT)
    if count is None:
        return bad_argument(desk, args, "signals [1-20]")
    try:
        rows = await desk.queries.recent_signals(count)
    except LedgerUnavailable:
        return ChatMessage(desk.texts("answer.ledger_read"))
    if not rows:
        return ChatMessage(desk.texts("signals.none"))
    return ChatMessage("\n".join([desk.texts("signals"), *(_line(desk, row) for row in rows)]))


def _line(desk: Desk, row: SignalRow) -> Html:
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
    return desk.texts("signals.line_reason", reason=desk.texts.reason(row.reason), **shown)


COMMAND = Command("signals", run, arguments="[1-20]")
