"""/set: the limits in force, and another value for one, in place of the setting; after a second tap."""

from functools import partial

from bot.asking import ask
from bot.command import Args, Command, bad_argument
from bot.desk import Caller, Desk, Trouble
from bot.message import ChatMessage
from bot.texts import Html, short
from core.domain.limit import LimitSet
from core.domain.messages import LimitRequested
from core.domain.people import Role
from core.policy.limits import RULES, is_good, shown, with_set

ROLE = Role.OWNER
_USAGE = "[RULE VALUE|default]"


async def run(desk: Desk, args: Args, caller: Caller) -> ChatMessage:
    """Bare, it lists. `default` is the value of the settings again."""
    if not args:
        return ChatMessage("\n".join([desk.texts("set"), *(_line(desk, name) for name in RULES), "", desk.texts("set.how")]))
    name = args[0].upper()
    value = None if len(args) == 2 and args[1].lower() == "default" else args[-1]
    if len(args) != 2 or name not in RULES or (value is not None and not is_good(name, value)):
        return bad_argument(desk, args, f"set {_USAGE}")
    change = LimitSet(name, value, caller.name, desk.clock.now())
    after = shown(with_set(desk.book.settings, {**desk.book.limits_set, name: change}.values()), name)
    before, none = shown(desk.book.limits, name), desk.texts("limit.none")
    if after == before:
        return ChatMessage(desk.texts("set.same", name=name, value=after or none))
    lines = [
        desk.texts("limit.changed", name=name, before=before or none, after=after or none),
        desk.texts(f"limit.{name}"),
    ]
    return ask(desk, caller, ROLE, "\n".join(lines), partial(_set, desk, caller, name, value))


def _line(desk: Desk, name: str) -> Html:
    value = shown(desk.book.limits, name) or desk.texts("limit.none")
    by = desk.book.limits_set.get(name)
    if by is None or by.value is None:
        return desk.texts("set.line", name=name, value=value)
    return desk.texts("set.line_by", name=name, value=value, who=short(by.changed_by), time=desk.texts.moment(by.changed_at))


async def _set(desk: Desk, caller: Caller, name: str, value: str | None, source_id: str) -> str:
    verdict = await desk.put_as(source_id, LimitRequested(name, value, caller.user_id, caller.name))
    if isinstance(verdict, Trouble):
        return desk.texts(verdict.value or "answer.known")
    if verdict.reason is not None:
        return desk.texts("confirm.not_done", reason=desk.texts.reason(verdict.reason))
    return desk.texts("confirm.done_at_once", who=caller.name, time=desk.texts.exact_time(desk.clock.now()))


COMMAND = Command("set", run, role=ROLE, arguments=_USAGE)
