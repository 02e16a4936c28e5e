"""/settings: the settings by group, each with its value and where that comes from; changes one by buttons, as /set does."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import partial

from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.chat_preferences import chat_of
from bot.commands.context import CommandContext
from bot.commands.set_limit import ROLE, change_question, limit_line, value_of
from bot.commands.setting_effect import PLAN
from bot.commands.setting_page import COMMAND as NAME
from bot.commands.setting_page import TYPE, limit_words, setting_page, typing_page
from bot.commands.strategy_settings import terms_line
from bot.texts import Html, short
from bot.views.book_names import strategy_words
from bot.views.chat_message import Button, ChatMessage, Keyboard
from bot.views.trading_state import trading_state_lines
from core.policy.risk.limits import SETTABLE_LIMITS

GROUPS: Mapping[str, tuple[str, ...]] = {
    "size": ("TRADE_QTY", "TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT"),
    "exits": (*(name for name in PLAN if name != "DCA_STEPS"), "EXIT_MAX_AGE"),
    "limits": (
        *("MAX_ORDER_NOTIONAL", "MAX_OPEN_POSITIONS", "DAILY_LOSS_LIMIT", "MAX_EXPOSURE_PCT", "MAX_DRAWDOWN_PCT"),
        *("COOLDOWN_AFTER_STOP", "MAX_LOSING_EXITS"),
    ),
    "entries": ("PRICE_BAND_PCT", "PRICE_SANITY_PCT", "SIGNAL_MAX_AGE", "MAX_ENTRIES", "DCA_STEPS"),
    "symbols": (),
    "approvals": ("APPROVAL_TTL",),
    "notifications": (),
    "strategies": (),
}
"""The settings that can be changed in the chat, by group."""

_ELSEWHERE = {"exits": ("PROTECTION",), "entries": ("ENTRY_STYLE",), "symbols": ("SYMBOLS", "REPORT_ASSET")}
_COMMANDS = {"approvals": ("mode",), "notifications": ("notify", "mute", "quiet", "heartbeat", "lang", "zone")}
_FIRST = ("STOP_LOSS_PCT", "TAKE_PROFIT_PCT", "MAX_ORDER_NOTIONAL", "MAX_OPEN_POSITIONS", "DAILY_LOSS_LIMIT")
_SIZES = GROUPS["size"]
_MOST_STRATEGIES = 20
_DATA_BYTES = 64  # of a button, https://core.telegram.org/bots/api#inlinekeyboardbutton
_USAGE = "[GROUP | RULE [VALUE|default]]"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Shows the groups, the settings of one, or a setting; with a value it asks whether to set it."""
    if not args:
        return _groups(context)
    if len(args) == 1 and args[0].lower() in GROUPS:
        return _group(context, args[0].lower(), caller)
    name = args[0].upper()
    return _setting(context, name, args[1:], caller) if name in SETTABLE_LIMITS else _unknown(context, args)


def _setting(context: CommandContext, name: str, words: Args, caller: Caller) -> ChatMessage:
    """Shows a setting, asks for its value, or asks whether to set the one given."""
    if not words:
        return setting_page(context, name, group_of(name))
    if [word.lower() for word in words] == [TYPE]:
        return typing_page(context, name, group_of(name), caller)
    value = value_of(context, name, words)
    if isinstance(value, Html):
        return typing_page(context, name, group_of(name), caller, wrong=value)
    return change_question(context, caller, name, value, partial(setting_page, context, name, group_of(name)))


def group_of(name: str) -> str:
    """Returns the group of a setting."""
    return next(group for group, names in GROUPS.items() if name in names)


def _groups(context: CommandContext) -> ChatMessage:
    texts, limits = context.texts, context.portfolio.limits
    size = next((name for name in reversed(_SIZES) if limit_words(context, name)), _SIZES[0])
    words = [limit_words(context, name) for name in (size, *_FIRST)]
    lines = [
        texts("settings"),
        *(f"· {one}" for one in words if one),
        "",
        trading_state_lines(context.portfolio.trading_state, texts),
    ]
    buttons = [Button(texts(f"settings.{group}"), f"/{NAME} {group}") for group in GROUPS]
    return ChatMessage("\n".join([*lines, "", texts("settings.how", asset=limits.report_asset)]), _rows(buttons))


def _group(context: CommandContext, group: str, caller: Caller) -> ChatMessage:
    texts = context.texts
    lines: list[str] = [texts("settings.head", title=texts(f"settings.{group}"))]
    lines += [limit_line(context, name) for name in GROUPS[group]]
    lines += [_line_elsewhere(context, name) for name in _ELSEWHERE.get(group, ())]
    match group:
        case "approvals":
            lines.append(trading_state_lines(context.portfolio.trading_state, texts))
        case "notifications":
            lines += _notifications(context, caller)
        case "strategies":
            lines += [
                texts("settings.strategy", strategy=short(name), terms=terms_line(context, name)) for name in _strategies(context)
            ]
    if texts.has(f"settings.about_{group}"):
        lines += ["", texts(f"settings.about_{group}")]
    buttons = [Button(texts(f"setting.{name}"), f"/{NAME} {name}") for name in GROUPS[group]]
    buttons += [Button(f"/{name}", f"/{name}") for name in _COMMANDS.get(group, ())]
    if group == "strategies":
        buttons += _strategy_buttons(context)
    return ChatMessage("\n".join(lines), (*_rows(buttons), (Button(texts("settings.back"), f"/{NAME}"),)))


def _line_elsewhere(context: CommandContext, name: str) -> Html:
    """Returns a setting that only the file or the environment sets."""
    value = getattr(context.portfolio.limits, name.lower())
    words = "*" if value is None else ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
    return context.texts("settings.elsewhere", name=name, value=words)


def _notifications(context: CommandContext, caller: Caller) -> list[Html]:
    """Returns how this chat is notified, a line each."""
    texts, reader = context.texts, context.people.recipients.reader(chat_of(context, caller) or caller.user_id)
    muted = reader.muted_until is not None and reader.muted_until > context.clock.now()
    hours = f"{reader.quiet.start:%H:%M}-{reader.quiet.end:%H:%M}" if reader.quiet is not None else texts("settings.off")
    lines = {
        "mute": texts.full_moment(reader.muted_until) if muted and reader.muted_until is not None else texts("settings.off"),
        "quiet": hours,
        "heartbeat": texts("heartbeat.every", hours=reader.heartbeat_hours) if reader.heartbeat_hours else texts("settings.off"),
        "lang": texts(f"lang.{context.language}"),
        "zone": context.zone,
    }
    return [texts("help.line", usage=name, description=value) for name, value in lines.items()]


def _strategies(context: CommandContext) -> list[str]:
    return sorted(context.portfolio.strategies)[:_MOST_STRATEGIES]


def _strategy_buttons(context: CommandContext) -> list[Button]:
    """Returns a button for each strategy whose name fits one."""
    said = [(short(name, 20), f"/strategies {strategy_words(name)}") for name in _strategies(context)]
    found = [Button(label, data) for label, data in said if len(data.encode()) <= _DATA_BYTES]
    return [*found, Button(context.texts("settings.all_strategies"), "/strategies")]


def _unknown(context: CommandContext, args: Args) -> ChatMessage:
    """Returns that there is no such setting or group, with a button for each that was probably meant."""
    said, value = args[0].upper(), args[1:]
    near = get_close_matches(said, SETTABLE_LIMITS, n=3, cutoff=0.6) or _named(context, said)
    groups = get_close_matches(args[0].lower(), GROUPS, n=1)
    buttons = [Button(context.texts(f"settings.{group}"), f"/{NAME} {group}") for group in groups]
    with_value = {name: f"/{NAME} {' '.join((name, *value))}" for name in near}
    buttons += [
        Button(context.texts(f"setting.{name}"), data if len(data.encode()) <= _DATA_BYTES else f"/{NAME} {name}")
        for name, data in with_value.items()
    ]
    text = context.texts("settings.unknown", name=short(" ".join(args)))
    return ChatMessage(text, (*_rows(buttons), (Button(context.texts("settings.back"), f"/{NAME}"),)))


def _named(context: CommandContext, said: str) -> list[str]:
    """Returns the settings of which a word is in the name or on the button, those that begin with it first."""
    words = {name: f"{name} {context.texts(f'setting.{name}')}".upper().replace("_", " ").split() for name in SETTABLE_LIMITS}
    found = [name for name in SETTABLE_LIMITS if said in words[name]]
    return sorted(found, key=lambda name: words[name][0] != said)[:3]


def _rows(buttons: list[Button]) -> Keyboard:
    return tuple(tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2))


COMMAND = Command(NAME, run, role=ROLE, arguments=_USAGE, examples=("", "exits", "STOP_LOSS_PCT"))
