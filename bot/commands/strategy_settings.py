"""/strategies NAME: a strategy's settings, and where each comes from; changes one, or undoes what the chat has set."""

from collections.abc import Iterable, Iterator
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.actions import Trouble
from bot.commands.base import Args
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.set_limit import ROLE, refused_then, value_of
from bot.commands.setting_choices import choices, label
from bot.commands.setting_effect import PLAN
from bot.texts import Html, short
from bot.texts.figures import grouped
from bot.views.book_names import strategy_words
from bot.views.chat_message import Button, ChatMessage, Keyboard
from bot.views.trading_state import setting_change_lines, setting_value
from core.domain.messages import StrategyLimitRequested
from core.domain.risk_limit import LimitSet
from core.domain.strategy_book import StrategyBook
from core.domain.strategy_limit import SettingChange
from core.policy.risk.limits import SIZES, asset_of, is_length, is_of
from core.policy.strategy_settings import EVERY
from core.policy.strategy_terms import OWN_POSITIONS, STRATEGY_LIMITS, StrategyTerms, symbols_apart

COMMAND = "strategies"
RESET, DEFAULT = "reset", "default"
_SIZE_NAMES = tuple(name for name, limit in STRATEGY_LIMITS.items() if limit.field in SIZES)
_BUTTONS = {
    "STOP_LOSS_PCT": "stop",
    "TAKE_PROFIT_PCT": "targets",
    "MAX_ORDER_NOTIONAL": "order_limit",
    OWN_POSITIONS: "positions",
    "MAX_LOSING_EXITS": "losses",
}


def settings_of(context: CommandContext, name: str, args: Args, caller: Caller) -> ChatMessage:
    """Shows the settings of a strategy, or one of them with what it may become; with a value it asks whether to change it."""
    if not args:
        return _all(context, name)
    if args[0].lower() == RESET and len(args) == 1:
        return _changed(context, caller, name, "", None)
    setting = args[0].upper()
    if setting not in STRATEGY_LIMITS:
        known = ", ".join(STRATEGY_LIMITS)
        return ChatMessage(context.texts("strategies.no_setting", name=short(args[0]), names=known))
    if len(args) == 1:
        return _one(context, name, setting)
    value = value_of(context, setting, args[1:])
    if isinstance(value, Html):
        return _one(context, name, setting, bad=value)
    return _changed(context, caller, name, setting, value)


def terms_line(context: CommandContext, name: str) -> Html:
    """Returns how large the entries of a strategy are, its plan, and its own limits, in a line."""
    terms = context.portfolio.terms_for(StrategyBook(EVERY, name))
    shown = [size_name(terms), *PLAN[:5], "MAX_ORDER_NOTIONAL", OWN_POSITIONS, "MAX_LOSING_EXITS"]
    line = ", ".join(words for each in shown if (words := _words(context, terms, each)))
    return Html(line[:1].upper() + line[1:])


def set_here(context: CommandContext, name: str) -> list[str]:
    """Returns the settings that the chat has set for a strategy and that count."""
    report = context.portfolio.limits.report_asset
    made = context.portfolio.set_for(name)
    return [each for each in STRATEGY_LIMITS if each in made and is_of(made[each], report)]


def size_name(terms: StrategyTerms) -> str:
    """Returns the name of the setting that says how large an entry is."""
    return next((each for each in _SIZE_NAMES[1:] if terms.shown(each)), _SIZE_NAMES[0])


def _all(context: CommandContext, name: str) -> ChatMessage:
    texts, terms = context.texts, context.portfolio.terms_for(StrategyBook(EVERY, name))
    size = size_name(terms)
    first = (size, *PLAN, *_BUTTONS)  # as they are asked for
    names = [*dict.fromkeys(first), *(each for each in STRATEGY_LIMITS if each not in {*first, *_SIZE_NAMES})]
    lines = [line for each in names if (line := _line(context, name, terms, each))]
    head = texts("strategies.of", strategy=short(name))
    how = [texts("strategies.order"), texts("strategies.change", strategy=short(name))]
    return ChatMessage("\n".join([head, *lines, "", *how]), tuple(_buttons(context, name, size)))


def _line(context: CommandContext, name: str, terms: StrategyTerms, setting: str) -> Html | None:
    """Returns a setting with where its value comes from; None if nothing is set."""
    texts, words = context.texts, _words(context, terms, setting)
    made = context.portfolio.set_for(name).get(setting)
    if made is not None and setting in set_here(context, name):
        who = {"who": short(made.changed_by), "time": texts.full_moment(made.changed_at)}
        return texts("set.line_by", name=setting, line=words or texts("limit.unset"), **who)
    own = context.portfolio.strategy_settings.sections.get(StrategyBook(EVERY, name))
    in_file = own is not None and (
        STRATEGY_LIMITS[setting].field in own.fields or (setting == OWN_POSITIONS and own.own_positions is not None)
    )
    if in_file:
        return texts("strategies.line_file", name=setting, line=words or texts("limit.unset"))
    return texts("set.line", name=setting, line=words) if words else None


def _words(context: CommandContext, terms: StrategyTerms, setting: str) -> Html:
    """Returns a value in a few words; empty if there is none."""
    value = terms.shown(setting)
    if not value:
        return Html("")
    if setting == OWN_POSITIONS:
        return context.texts("strategies.own", value=value)
    said = value if is_length(setting) else grouped(value)
    return context.texts(f"limit.short.{setting}", value=said, asset=terms.limits.report_asset)


def _buttons(context: CommandContext, name: str, size: str) -> Iterator[tuple[Button, ...]]:
    texts, command = context.texts, f"/{COMMAND} {strategy_words(name)}"
    labels = {size: "size", **_BUTTONS}
    buttons = [Button(texts(f"strategies.{label}"), f"{command} {setting}") for setting, label in labels.items()]
    yield from (tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2))
    if set_here(context, name):
        yield (Button(texts("strategies.reset"), f"{command} {RESET}"),)
    yield (Button(texts("strategies.all"), f"/{COMMAND}"),)


def _one(context: CommandContext, name: str, setting: str, bad: Html | None = None) -> ChatMessage:
    """Returns what a setting is now, what it may become, and a button for some values."""
    texts, terms, limit = context.texts, context.portfolio.terms_for(StrategyBook(EVERY, name)), STRATEGY_LIMITS[setting]
    asset = asset_of(terms.limits, setting)
    now = setting_value(setting, terms.shown(setting), asset, texts) or texts("limit.unset")
    lines = [bad] if bad is not None else []
    lines += [
        texts("strategies.now", strategy=short(name), name=setting, value=now),
        texts(f"limit.{setting}"),
        texts(f"set.{limit.kind}"),
        texts("strategies.example", strategy=short(name), name=setting, example=limit.example),
    ]
    command = f"/{COMMAND} {strategy_words(name)}"
    values = choices(setting, limit.kind, terms.shown(setting))
    buttons = [Button(label(setting, limit.kind, each, texts), f"{command} {setting} {each}") for each in values]
    rows: Keyboard = tuple(tuple(buttons[at : at + 4]) for at in range(0, len(buttons), 4))
    if setting in set_here(context, name):
        rows += ((Button(texts("strategies.default"), f"{command} {setting} {DEFAULT}"),),)
    return ChatMessage("\n".join(lines), (*rows, (Button(texts("strategies.back", strategy=short(name, 20)), command),)))


def _changed(context: CommandContext, caller: Caller, name: str, setting: str, value: str | None) -> ChatMessage:
    """Asks whether to change it, in numbers."""
    texts, portfolio = context.texts, context.portfolio
    if caller.role < ROLE:
        named = {key: texts(f"role.{role.name.lower()}") for key, role in {"needed": ROLE, "role": caller.role}.items()}
        return ChatMessage(texts("answer.role", command=f"{COMMAND} … {setting or RESET}", **named))
    made = portfolio.changes_for(name, setting, value, who=caller.name, at=context.clock.now())
    books = [StrategyBook(symbol, name) for symbol in (EVERY, *symbols_apart(portfolio.strategy_settings, name, _names(made)))]
    before, after = ([portfolio.terms_for(book, changes) for book in books] for changes in ((), made))
    changes = before[0].changes(after[0])
    if not any(each.changes(other) for each, other in zip(before, after, strict=True)):
        return _unchanged(context, name, setting, before[0])
    apart = [book.symbol for book, each, other in zip(books, before, after, strict=True) if book.symbol and each.changes(other)]
    lines = _question(context, name, changes, apart)
    lines += refused_then(context, setting, after[0].limits) if setting else ()
    risk = Risk.RAISES if any(each.raises_risk(other) for each, other in zip(before, after, strict=True)) else Risk.LOWERS
    body = StrategyLimitRequested(name, setting, value, tuple(changes), caller.user_id, caller.name)
    return ask(context, caller, ROLE, "\n".join(lines), partial(_set, context, caller, body), risk=risk)


def _names(made: Iterable[LimitSet]) -> list[str]:
    return [one.name for one in made]


def _unchanged(context: CommandContext, name: str, setting: str, terms: StrategyTerms) -> ChatMessage:
    texts = context.texts
    if not setting:
        return ChatMessage(texts("strategies.nothing_set", strategy=short(name)))
    value = setting_value(setting, terms.shown(setting), asset_of(terms.limits, setting), texts)
    return ChatMessage(texts("set.same", name=setting, value=value or texts("limit.none")))


def _question(context: CommandContext, name: str, changes: list[SettingChange], apart: list[str]) -> list[Html]:
    """Returns what changes, from which value to which."""
    texts = context.texts
    lines = [texts("strategies.ask_change", strategy=short(name))]
    lines += setting_change_lines(changes, context.portfolio.limits.report_asset, texts)
    if apart:
        lines.append(texts("strategies.apart", symbols=", ".join(apart)))
    if any(one.name in PLAN for one in changes):
        lines.append(texts("strategies.open_keep"))
    return lines


async def _set(context: CommandContext, caller: Caller, body: StrategyLimitRequested, source_id: str) -> str:
    outcome = await context.actions.put_as(source_id, body)
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    if outcome.reason is not None:
        return context.texts("confirm.not_done", reason=context.texts.reason(outcome.reason))
    return context.texts("confirm.done_at_once", who=caller.name, time=context.texts.exact_time(context.clock.now()))
