"""/set: shows the limits in force, and overrides one, in place of the setting; after a second tap."""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import partial

from bot.access.confirmations import Page, Risk
from bot.commands.actions import Trouble
from bot.commands.arguments.amounts import UnreadAmount
from bot.commands.arguments.setting_values import DEFAULT, read_value
from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.entry_values import entry_values
from bot.commands.setting_effect import effect_lines
from bot.texts import Html, short
from bot.texts.figures import grouped
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import money
from bot.views.trading_state import limit_value
from core.domain.access import Role
from core.domain.messages import LimitRequested
from core.domain.risk_limit import LimitSet
from core.domain.trade_size import SizeKind
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import (
    SETTABLE_LIMITS,
    allows_more,
    asset_of,
    contradictions,
    is_good,
    is_length,
    is_of,
    shown,
    with_set,
)

ROLE = Role.OWNER
_USAGE = "[RULE VALUE|default]"
_SIZED = frozenset({"TRADE_QTY", "TRADE_QUOTE", "MAX_ORDER_NOTIONAL"})  # what decides whether an entry's value is allowed


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Sets a limit, or restores the setting's value with `default`; without arguments it lists."""
    if not args:
        lines = [limit_line(context, name) for name in SETTABLE_LIMITS]
        return ChatMessage("\n".join([context.texts("set"), *lines, "", context.texts("set.how")]))
    name = args[0].upper()
    if name not in SETTABLE_LIMITS:
        return _no_rule(context, name, args[1:])
    if len(args) == 1:
        return ChatMessage("\n".join([limit_line(context, name), *accepted_lines(context, name)]))
    value = value_of(context, name, args[1:])
    if isinstance(value, Html):
        return ChatMessage("\n".join([value, *accepted_lines(context, name)]))
    return change_question(context, caller, name, value)


def value_of(context: CommandContext, name: str, words: Args) -> str | Html | None:
    """Returns the value that was typed, as the setting is written; None for `default`; as Html why it is not valid."""
    if len(words) == 1 and words[0].lower() == DEFAULT:
        return None
    try:
        return read_value(name, words, asset_of(context.portfolio.settings, name))
    except UnreadAmount as error:
        bad = context.texts("set.bad", name=name, value=short(" ".join(words)))
        return Html(f"{bad} {context.texts(error.key, **error.params)}") if error.key else bad


def accepted_lines(context: CommandContext, name: str, said: str = "/set {name} ") -> list[Html]:
    """Returns what a setting does, what is accepted, and an example that works: the value after what is `said` before it."""
    limit = SETTABLE_LIMITS[name]
    example = context.texts("answer.example", example=f"{said.format(name=name)}{limit.example}")
    return [context.texts(f"limit.{name}"), context.texts(f"set.{limit.kind}"), example]


def change_question(
    context: CommandContext, caller: Caller, name: str, value: str | None, page: Page | None = None
) -> ChatMessage:
    """Asks in numbers whether to set the limit; or says that it has that value already, above the `page` it was asked from."""
    texts, portfolio = context.texts, context.portfolio
    change = LimitSet(name, value, caller.name, context.clock.now(), asset_of(portfolio.settings, name))
    limits = with_set(portfolio.settings, {**portfolio.limits_set, name: change}.values())
    after, before, none = shown(limits, name), shown(portfolio.limits, name), texts("limit.none")
    if after == before:
        same = texts("set.same", name=name, value=limit_value(after, change, texts) or none)
        return replace(page(), text=f"{same}\n\n{page().text}") if page is not None else ChatMessage(same)
    was, will_be = (limit_value(each, change, texts) or none for each in (before, after))
    lines = [texts("limit.changed", name=name, before=was, after=will_be), texts(f"limit.{name}")]
    lines += [*effect_lines(context, name, limits), *refused_then(context, name, limits)]
    risk = Risk.RAISES if allows_more(name, portfolio.limits, limits) else Risk.LOWERS
    body = LimitRequested(name, value, caller.user_id, caller.name, before=before)
    return ask(context, caller, ROLE, "\n".join(lines), partial(_set, context, caller, body), risk=risk, page=page)


def refused_then(context: CommandContext, name: str, limits: RiskLimits) -> Iterator[Html]:
    """Yields what would refuse entries under `limits`: another limit, or what an entry is worth at current prices."""
    above = contradictions(limits)
    for higher, bound in above:
        yield context.texts(f"set.above.{bound}", name=higher, value=shown(limits, higher), most=shown(limits, bound))
    if name not in _SIZED or any(bound == "MAX_ORDER_NOTIONAL" for _, bound in above):
        return
    if too_large := [(worth, symbol) for worth, symbol in entry_values(context, limits) if worth > limits.max_order_notional]:
        worth, symbol = max(too_large)
        most = {"most": money(limits.max_order_notional), "asset": limits.report_asset}
        yield context.texts("set.too_large", symbol=symbol, value=money(worth), **most)
        if len(too_large) > 1:
            yield context.texts("set.too_large_too", symbols=", ".join(sorted({each for _, each in too_large} - {symbol})))


def _no_rule(context: CommandContext, name: str, value: Args) -> ChatMessage:
    """Returns the existing rules, and a button for each that was probably meant."""
    near = get_close_matches(name, SETTABLE_LIMITS, n=3, cutoff=0.6) if len(value) == 1 else []
    good = [each for each in near if is_good(each, value[0])]
    text = context.texts("set.no_rule", name=short(name), rules=", ".join(SETTABLE_LIMITS))
    return ChatMessage(text, tuple((Button(f"{each} {short(value[0], 20)}", f"/set {each} {value[0]}"),) for each in good))


def limit_line(context: CommandContext, name: str) -> Html:
    """Returns a limit's name, its value in a few words, and who has set it, if the chat has."""
    limits, texts = context.portfolio.limits, context.texts
    value = shown(limits, name)
    line = (
        texts(f"limit.short.{name}", value=value if is_length(name) else grouped(value), asset=limits.report_asset)
        if value
        else texts("limit.unset", name=name)
    )
    if name == "TRADE_QTY" and limits.size.kind is not SizeKind.QUANTITY:
        line = texts("set.idle", line=line)
    by = context.portfolio.limits_set.get(name)
    if by is None or by.value is None or not is_of(by, limits.report_asset):
        return texts("set.line", name=name, line=line)
    return texts("set.line_by", name=name, line=line, who=short(by.changed_by), time=texts.full_moment(by.changed_at))


async def _set(context: CommandContext, caller: Caller, body: LimitRequested, source_id: str) -> str:
    outcome = await context.actions.put_as(source_id, body)
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    if outcome.reason is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))
    return context.texts("confirm.done_at_once", who=caller.name, time=context.texts.exact_time(context.clock.now()))


COMMAND = Command(
    "set", run, role=ROLE, arguments=_USAGE, examples=("STOP_LOSS_PCT 5", "MAX_ORDER_NOTIONAL 500", "MAX_ORDER_NOTIONAL default")
)
