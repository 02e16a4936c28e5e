"""The answers to approvals: what a tapped button says becomes a message in the symbol's mailbox. It decides nothing itself."""

import re

from bot.desk import Caller, Desk, Trouble
from bot.texts import Html
from core.domain.messages import ApprovalAnswered
from core.domain.people import Role
from core.ports import Verdict

ROLE = Role.TRADER
"""Who may answer."""

_DATA = re.compile(r"ap:([A-Za-z0-9_-]{1,57}):([ynh])")


def read_answer(data: str) -> tuple[str, str] | None:
    """The token and the answer: `y`, `n` or `h` (half of it). None for anything that our buttons do not send."""
    match = _DATA.fullmatch(data)
    return (match[1], match[2]) if match else None


async def answer(desk: Desk, data: str, caller: Caller) -> Html:
    """Passes the tap on and says in a sentence what became of it."""
    said = read_answer(data)
    if said is None:
        return desk.texts("toast.unreadable")
    token, word = said
    approve = word != "n"
    approval = desk.book.approvals.get(token)
    if approval is None:
        return desk.texts("toast.closed")
    body = ApprovalAnswered(token, approve, caller.user_id, caller.name, half=word == "h")
    verdict = await desk.put(caller, body, mailbox=approval.signal.symbol)
    return desk.texts(_TROUBLES[verdict]) if isinstance(verdict, Trouble) else _outcome(desk, verdict, approve)


def _outcome(desk: Desk, verdict: Verdict, approve: bool) -> Html:
    if verdict.reason is not None and verdict.reason.code == "approval_closed":
        return desk.texts("toast.closed")
    if not approve:
        return desk.texts("toast.declined")
    if verdict.reason is not None:
        return desk.texts("toast.not_traded", reason=desk.texts.reason(verdict.reason))
    return desk.texts("toast.approved")


_TROUBLES = {
    Trouble.PENDING: "toast.taken",
    Trouble.STOPPING: "toast.taken",
    Trouble.KNOWN: "toast.taken",
    Trouble.LEDGER: "toast.trouble",
}
