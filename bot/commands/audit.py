"""/audit: who did what, when, and the outcome, page by page."""

from bot.commands.arguments.counts import read_count
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import page_buttons, read_page
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from core.domain.access import Reader, Role
from core.domain.errors import LedgerUnavailable
from core.domain.messages import (
    AcceptRequested,
    ApprovalAnswered,
    ApprovalTimedOut,
    AuthenticatorEnded,
    AuthenticatorRequested,
    Body,
    CancelRequested,
    CodeRefused,
    CodeUsed,
    ControlsRequested,
    DigestDue,
    FeePaid,
    InviteRequested,
    InvitesWithdrawn,
    InviteUsed,
    LimitRequested,
    OrderFound,
    PanicEnded,
    PauseTimedOut,
    ReaderRequested,
    RevokeRequested,
    SignalReceived,
)
from core.read_models import Act

_DEFAULT = 12
_USAGE = "[1-20]"


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows one line per act, the newest first."""
    request = read_page(args)
    count = read_count(request.args[0]) if request.args else _DEFAULT
    if count is None or len(request.args) > 1:
        return bad_argument(context, args, f"audit {_USAGE}")
    try:
        acts = await context.ledger.queries.acts(count, page=request.page)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    lines = [context.texts("audit") if acts else context.texts("audit.none"), *(_line(context, act) for act in acts)]
    return ChatMessage("\n".join(lines), page_buttons("audit", request, [act.seq for act in acts], count, context.texts))


def _line(context: CommandContext, act: Act) -> Html:
    body = act.body
    who = short(getattr(body, "who", "") or _manual_trader(body) or "⏱", 24)
    shown = {"time": context.texts.moment(act.at), "who": who, "what": what_of(context, body)}
    if act.reason is not None:
        return context.texts("audit.line_reason", reason=context.texts.reason(act.reason), **shown)
    return context.texts("audit.line" if act.outcome is not None else "audit.line_waiting", **shown)


def _manual_trader(body: Body) -> str:
    return body.hand.who if isinstance(body, SignalReceived) and body.hand is not None else ""


def what_of(context: CommandContext, body: Body) -> Html:  # noqa: PLR0911, PLR0912, C901 - flat: one case for each kind of message
    """Returns the act in a few words."""
    texts = context.texts
    match body:
        case SignalReceived(signal):
            return texts("audit.order", signal_type=short(signal.signal_type), symbol=short(signal.symbol))
        case ApprovalAnswered(approve=True, half=True):
            return texts("audit.half")
        case ApprovalAnswered(approve=approve):
            return texts("audit.approve" if approve else "audit.decline")
        case ApprovalTimedOut():
            return texts("audit.approval_over")
        case ControlsRequested(pause=pause) if pause is not None:
            return texts(f"audit.pause_{pause}")
        case ControlsRequested(mode=mode):
            return texts("audit.mode", mode=mode)
        case PauseTimedOut():
            return texts("audit.pause_over")
        case FeePaid(asset=asset, fee=fee):
            return texts("audit.fee", fee=f"{fee:f}", asset=short(asset))
        case PanicEnded():
            return texts("audit.panic_over")
        case LimitRequested(name=name, value=value):
            return texts("audit.limit", name=short(name), value=short(value or "default"))
        case CancelRequested(symbol=symbol):
            return texts("audit.cancel", symbol=short(symbol))
        case AcceptRequested(symbol=symbol):
            return texts("audit.accept", symbol=short(symbol))
        case OrderFound():
            return texts("audit.found")
        case InviteRequested(role=role):
            return texts("audit.invite", role=texts(f"role.{role.name.lower()}"))
        case InviteUsed():
            return texts("audit.joined")
        case InvitesWithdrawn():
            return texts("audit.withdrawn")
        case RevokeRequested(person=person):
            return texts("audit.revoke", person=person)
        case AuthenticatorRequested():
            return texts("audit.authenticator")
        case CodeUsed():
            return texts("audit.code")
        case CodeRefused():
            return texts("audit.code_refused")
        case AuthenticatorEnded(person=person):
            return texts("audit.codes_ended", person=person)
        case ReaderRequested(reader, changed=changed):
            return texts("audit.reader", what=Html(", ".join(_changed(context, reader, name) for name in changed)) or "…")
        case DigestDue():
            return texts("audit.digest")


def _changed(context: CommandContext, reader: Reader, name: str) -> Html:
    """Returns the change that somebody made to a chat's notification settings."""
    texts = context.texts
    match name:
        case "levels":
            levels = (f"{texts(f'topic.{topic}')}: {texts(f'level.{level}')}" for topic, level in reader.levels.items())
            return Html(", ".join(levels))
        case "quiet":
            quiet = reader.quiet
            return texts("audit.quiet", hours=f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet is not None else "–")
        case "muted_until":
            until = reader.muted_until
            return texts("audit.muted", until=texts.moment(until) if until is not None else "–")
        case "heartbeat_hours":
            return texts("audit.heartbeat", hours=reader.heartbeat_hours)
        case "language" | "zone":
            return texts("audit.own", value=short(str(getattr(reader, name))) or "–")
        case _:
            return texts("audit.began")


COMMAND = Command("audit", run, role=Role.OWNER, arguments=_USAGE)
