"""The page of one setting: its value, where that comes from, and buttons for others."""

from dataclasses import replace

from bot.commands.arguments.setting_values import DEFAULT
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.set_limit import accepted_lines
from bot.commands.setting_choices import choices, label
from bot.commands.setting_effect import own_values
from bot.settings import fields
from bot.texts import Html, short
from bot.texts.figures import grouped
from bot.views.chat_message import Button, ChatMessage, Expiry, Keyboard
from core.policy.decision_context import RiskLimits
from core.policy.risk.limits import SETTABLE_LIMITS, asset_of, is_length, is_of, shown

COMMAND = "settings"
TYPE = "type"
_SECTIONS = (fields.Trading, fields.EntryLimits, fields.ExitPlans, fields.Approvals)
_IN_A_ROW = 4


def setting_page(context: CommandContext, name: str, group: str) -> ChatMessage:
    """Returns the page of the setting `name`, as it is now; Back leads to `group`."""
    lines: list[str] = [*_head(context, name), "", *_origin(context, name)]
    if own := own_values(context, name):
        lines.append(context.texts("settings.own_values", names=", ".join(own)))
    return ChatMessage("\n".join(lines), _buttons(context, name, group))


def typing_page(context: CommandContext, name: str, group: str, caller: Caller, *, wrong: Html | None = None) -> ChatMessage:
    """Asks for a value in the person's next message, after a `wrong` one with why it is; it is the setting's page again once that
    message has not come in time."""
    texts, page = context.texts, setting_page(context, name, group)
    until = context.people.typed.wait(caller.user_id, caller.chat_id, f"/{COMMAND} {name}", caller.page)
    key = "settings.type" if caller.in_private else "settings.type_group"
    lines: list[str] = [*([wrong] if wrong is not None else []), *_head(context, name)[:1], _now(context, name)]
    lines += [*accepted_lines(context, name, said=""), "", texts(key)]
    back = ((Button(texts("settings.not_typed"), f"/{COMMAND} {name}"),),)
    return ChatMessage("\n".join(lines), back, expiry=Expiry(until, page.text, page.keyboard))


def limit_words(context: CommandContext, name: str) -> Html:
    """Returns a setting's value in a few words; empty if there is none."""
    limits = context.portfolio.limits
    value = shown(limits, name)
    said = value if is_length(name) else grouped(value)
    return context.texts(f"limit.short.{name}", value=said, asset=limits.report_asset) if value else Html("")


def _head(context: CommandContext, name: str) -> list[Html]:
    texts = context.texts
    return [texts("setting", title=texts(f"setting.{name}"), name=name), texts(f"limit.{name}")]


def _now(context: CommandContext, name: str) -> Html:
    return context.texts("setting.now", value=_value(context, name, context.portfolio.limits))


def _origin(context: CommandContext, name: str) -> list[Html]:
    """Returns the value, who has set it, and what it is without that."""
    texts, portfolio = context.texts, context.portfolio
    settings, default = portfolio.settings, _default(portfolio.settings, name)
    by, lines = portfolio.limits_set.get(name), [_now(context, name)]
    is_default = shown(settings, name) == shown(default, name)
    if by is not None and by.value is not None and is_of(by, settings.report_asset):
        lines.append(texts("setting.by_chat", who=short(by.changed_by), time=texts.full_moment(by.changed_at)))
        if shown(portfolio.limits, name) != by.value and not shown(portfolio.limits, name):
            lines.append(texts("setting.replaced"))
        if not is_default:
            lines.append(texts("setting.without_chat", value=_value(context, name, settings)))
    elif shown(portfolio.limits, name) != shown(settings, name):
        lines.append(texts("setting.replaced"))
    else:
        lines.append(texts("setting.by_default" if is_default else "setting.by_file"))
        if is_default:
            return lines
    return [*lines, texts("setting.default", value=_value(context, name, default))]


def _default(settings: RiskLimits, name: str) -> RiskLimits:
    """Returns the limits with the program's own value of one setting."""
    field = SETTABLE_LIMITS[name].field
    default = next(section.model_fields[field].default for section in _SECTIONS if field in section.model_fields)
    return replace(settings, **{field: default})


def _value(context: CommandContext, name: str, limits: RiskLimits) -> str:
    value, texts = shown(limits, name), context.texts
    if not value:
        return texts("limit.none")
    asset = asset_of(limits, name)
    return f"{label(name, SETTABLE_LIMITS[name].kind, value, texts)} {asset}".strip()


def _buttons(context: CommandContext, name: str, group: str) -> Keyboard:
    texts, kind, portfolio = context.texts, SETTABLE_LIMITS[name].kind, context.portfolio
    values = choices(name, kind, shown(portfolio.limits, name))
    buttons = [Button(label(name, kind, each, texts), f"/{COMMAND} {name} {each}") for each in values]
    rows = [tuple(buttons[at : at + _IN_A_ROW]) for at in range(0, len(buttons), _IN_A_ROW)]
    rows.append((Button(texts("settings.type_button"), f"/{COMMAND} {name} {TYPE}"),))
    made = portfolio.limits_set.get(name)
    if made is not None and made.value is not None:
        back = texts("settings.default_button", value=_value(context, name, portfolio.settings))
        rows.append((Button(back, f"/{COMMAND} {name} {DEFAULT}"),))
    return (*rows, (Button(texts("settings.back_to", title=texts(f"settings.{group}")), f"/{COMMAND} {group}"),))
