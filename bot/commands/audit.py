"""/audit: who did what, when, and the outcome, page by page."""

from bot.commands.arguments.counts import read_count
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import page_buttons, read_page
from bot.texts import Html, short
from bot.views.audit_entry import audit_entry
from bot.views.chat_message import ChatMessage
from core.domain.access import Role
from core.domain.errors import LedgerUnavailable
from core.domain.messages import Body, SignalReceived
from core.read_models import Act

_DEFAULT = 12
_USAGE = "[1-20]"


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows one line per act, the newest first."""
    request = read_page(args)
    count = read_count(request.args[0]) if request.args else _DEFAULT
    if count is None or len(request.args) > 1:
        return bad_argument(context, args, COMMAND)
    try:
        acts = await context.ledger.queries.acts(count, page=request.page)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    title = context.texts.with_zone(context.texts("audit"), context.clock.now()) if acts else context.texts("audit.none")
    lines = [title, *(_line(context, act) for act in acts)]
    return ChatMessage("\n".join(lines), page_buttons("audit", request, [act.seq for act in acts], count, context.texts))


def _line(context: CommandContext, act: Act) -> Html:
    body = act.body
    who = short(getattr(body, "who", "") or _manual_trader(body) or "⏱", 24)
    shown = {"time": context.texts.moment(act.at), "who": who, "what": audit_entry(body, context.texts, act.mailbox)}
    if act.reason is not None:
        return context.texts("audit.line_reason", reason=context.texts.reason(act.reason), **shown)
    return context.texts("audit.line" if act.outcome is not None else "audit.line_waiting", **shown)


def _manual_trader(body: Body) -> str:
    return body.hand.who if isinstance(body, SignalReceived) and body.hand is not None else ""


COMMAND = Command("audit", run, role=Role.OWNER, arguments=_USAGE, examples=("20", ""))
