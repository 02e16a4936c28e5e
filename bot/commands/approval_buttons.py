"""Answers to approvals: a tapped button becomes a message in the symbol's mailbox. Decides nothing itself."""

import re

from bot.commands.actions import Trouble
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.totp_challenge import with_code
from bot.texts import Html, short
from bot.views.chat_message import ChatMessage
from bot.views.number_format import quantity
from core.domain.access import Role
from core.domain.approval import ApprovalState
from core.domain.messages import ApprovalAnswered
from core.domain.signal import Side
from core.records.message_outcome import MessageOutcome

ROLE = Role.TRADER
"""The least role that may answer."""

_DATA = re.compile(r"ap:([A-Za-z0-9_-]{1,57}):([ynh])")


def read_answer(data: str) -> tuple[str, str] | None:
    """Returns the token and the answer: `y`, `n` or `h` (half of it). None for anything that our buttons do not send."""
    match = _DATA.fullmatch(data)
    return (match[1], match[2]) if match else None


async def answer(context: CommandContext, data: str, caller: Caller) -> Html:
    """Passes the tap on and returns a sentence on the outcome."""
    said = read_answer(data)
    if said is None:
        return context.texts("toast.unreadable")
    token, word = said
    approve = word != "n"
    approval = context.portfolio.approvals.get(token)
    if approval is None:
        return _closed(context, token)
    body = ApprovalAnswered(token, approve, caller.user_id, caller.name, half=word == "h")
    outcome = await context.actions.put(caller, body, mailbox=approval.signal.symbol)
    return context.texts(_TROUBLES[outcome]) if isinstance(outcome, Trouble) else _outcome(context, token, outcome, approve)


def raises_risk(context: CommandContext, data: str) -> bool:
    """Tells whether a tap would let an entry through. An exit, and any no, lowers risk."""
    said = read_answer(data)
    approval = context.portfolio.approvals.get(said[0]) if said is not None else None
    return said is not None and said[1] != "n" and approval is not None and approval.side is Side.BUY


async def answer_with_code(context: CommandContext, data: str, caller: Caller) -> ChatMessage:
    """Asks for the code that the tap needs; the answer goes on once it has come."""
    said = read_answer(data)
    approval = context.portfolio.approvals.get(said[0]) if said is not None else None
    if approval is None:
        return ChatMessage(await answer(context, data, caller))
    priced = context.exchange.priced(approval.signal.symbol)
    shown = {"symbol": priced.symbol, "quantity": quantity(approval.qty), "base": priced.base}

    async def act(_source_id: str) -> str:
        return await answer(context, data, caller)

    return await with_code(context, caller, ROLE, context.texts("approval.code", who=caller.name, **shown), act)


def _closed(context: CommandContext, token: str) -> Html:
    """Returns who answered first: of several people who may answer, the first counts."""
    answered = context.portfolio.answered.get(token)
    if answered is None or answered.decided_by is None or answered.decided_at is None:
        return context.texts("toast.closed")
    key = "toast.closed_by_no" if answered.state is ApprovalState.DECLINED else "toast.closed_by_yes"
    return context.texts(key, who=short(answered.decided_by), time=context.texts.exact_time(answered.decided_at))


def _outcome(context: CommandContext, token: str, outcome: MessageOutcome, approve: bool) -> Html:
    if outcome.reason is not None and outcome.reason.code == "approval_closed":
        return _closed(context, token)
    if not approve:
        return context.texts("toast.declined")
    if outcome.reason is not None:
        return context.texts("toast.not_traded", reason=context.texts.reason(outcome.reason))
    return context.texts("toast.approved")


_TROUBLES = {
    Trouble.PENDING: "toast.taken",
    Trouble.STOPPING: "toast.taken",
    Trouble.KNOWN: "toast.taken",
    Trouble.LEDGER: "toast.trouble",
}
