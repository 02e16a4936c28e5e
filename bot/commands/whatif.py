"""/whatif: what other settings would have made of the last days' signals, by a replay."""

from bot.commands.arguments.amounts import UnreadAmount
from bot.commands.arguments.what_if import USAGE, WhatIf, read_what_if
from bot.commands.base import Args, Command, bad_argument, why_unread
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.replaying import replayed
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.replay import replay_lines
from bot.views.trading_state import limit_value
from core.domain.errors import LedgerUnavailable
from core.domain.risk_limit import LimitSet
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import asset_of, shown, with_set


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Answers in numbers, and says how far they hold. Changes nothing."""
    try:
        asked = read_what_if(args, context.portfolio.limits.report_asset) if args else None
    except UnreadAmount as error:
        return bad_argument(context, args, COMMAND, why_unread(context, args, error))
    if asked is None:
        return bad_argument(context, args, COMMAND)
    before, after = context.portfolio.limits, _limits(context, asked)
    changes = [_change(context, name, before, after) for name in asked.changes]
    try:
        found = await replayed(context, asked.span, after)
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    if found is None:
        return ChatMessage(context.texts("whatif.failed"))
    title = context.texts("whatif", days=context.texts.duration(asked.span))
    return ChatMessage("\n".join([title, *changes, *replay_lines(found, context.texts)]))


def _limits(context: CommandContext, asked: WhatIf) -> RiskLimits:
    settings, now = context.portfolio.settings, context.clock.now()
    changed = {name: LimitSet(name, value, "", now, asset_of(settings, name)) for name, value in asked.changes.items()}
    return with_set(settings, {**context.portfolio.limits_set, **changed}.values())


def _change(context: CommandContext, name: str, before: RiskLimits, after: RiskLimits) -> Html:
    texts = context.texts
    was, will_be = (
        limit_value(shown(each, name), LimitSet(name, "", "", context.clock.now(), asset_of(each, name)), texts)
        or texts("limit.none")
        for each in (before, after)
    )
    return texts("limit.changed", name=name, before=was, after=will_be)


COMMAND = Command("whatif", run, arguments=USAGE, examples=("stop 3%", "target 10% 30d", "size 50", "MAX_ENTRIES 3"))
