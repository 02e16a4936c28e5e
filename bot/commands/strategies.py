"""/strategies: each strategy with its settings, positions and results; pauses, resumes and changes one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

from bot.access.confirmations import Risk
from bot.commands.actions import Trouble
from bot.commands.base import Args, Command, request
from bot.commands.caller import Caller
from bot.commands.confirm import ask
from bot.commands.context import CommandContext
from bot.commands.resume import ROLE as LOOSENS
from bot.commands.strategy_settings import set_here, settings_of, terms_line
from bot.texts import Html, short
from bot.views.book_names import MARK, strategy_words
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import money, quantity
from core.domain.access import Role
from core.domain.errors import LedgerUnavailable
from core.domain.messages import StrategyRequested
from core.domain.strategy_book import StrategyBook, strategy_number
from core.policy.strategy_settings import EVERY
from core.read_models import Performance, Selection

_USAGE = "[pause|resume NAME] [NAME [RULE VALUE|reset]]"
_SHOWN = 15
_PAUSE, _RESUME = "pause", "resume"


async def run(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Lists them; with `pause NAME` the entries of one are refused from now on, and its exits go on. `resume NAME`, which lets
    more through, needs the right and the second tap that /resume does. `NAME` shows its settings and changes them."""
    if not args:
        return await _listed(context)
    action = args[0].lower()
    if action not in {_PAUSE, _RESUME}:
        return _settings(context, args, caller)
    name = _named(context, " ".join(args[1:]))
    if name is None:
        return _unknown(context, args[1:])
    if (action == _PAUSE) is (name in context.portfolio.strategy_pauses):
        return ChatMessage(context.texts(f"strategies.already_{action}d", strategy=short(name)))
    return await _changed(context, caller, name, StrategyRequested(name, action == _PAUSE, caller.user_id, caller.name))


def _settings(context: CommandContext, args: Args, caller: Caller) -> ChatMessage:
    """Takes the longest name that is one: it may have spaces."""
    for count in range(len(args), 0, -1):
        if (name := _named(context, " ".join(args[:count]))) is not None:
            return settings_of(context, name, args[count:], caller)
    return _unknown(context, args)


def _unknown(context: CommandContext, said: Args) -> ChatMessage:
    known = ", ".join(map(short, sorted(context.portfolio.strategies)))
    return ChatMessage(context.texts("strategies.unknown", strategy=short(" ".join(said)), known=known))


async def _changed(context: CommandContext, caller: Caller, name: str, body: StrategyRequested) -> ChatMessage:
    """Pauses the strategy, or asks whether to resume it."""
    if body.paused:
        trouble = await request(context, body, caller)
        return ChatMessage(trouble or context.texts("strategies.paused", strategy=short(name)))
    if caller.role < LOOSENS:
        roles = {"needed": LOOSENS, "role": caller.role}
        named = {key: context.texts(f"role.{role.name.lower()}") for key, role in roles.items()}
        return ChatMessage(context.texts("answer.role", command=f"{COMMAND.name} {_RESUME}", **named))
    text = context.texts("strategies.ask", strategy=short(name))
    return ask(context, caller, LOOSENS, text, partial(_resumed, context, caller, body), risk=Risk.RAISES)


async def _resumed(context: CommandContext, caller: Caller, body: StrategyRequested, source_id: str) -> str:
    outcome = await context.actions.put_as(source_id, body)
    if isinstance(outcome, Trouble):
        return context.texts(outcome.value or "answer.known")
    return context.texts("confirm.done_at_once", who=caller.name, time=context.texts.exact_time(context.clock.now()))


def _named(context: CommandContext, said: str) -> str | None:
    """Returns the strategy of that name or number."""
    wanted = said.removeprefix(MARK)
    found = [one for one in context.portfolio.strategies if wanted in (" ".join(one.split()), f"#{strategy_number(one)}")]
    return found[0] if len(found) == 1 else None


async def _listed(context: CommandContext) -> ChatMessage:
    try:
        found = await context.ledger.analytics.performance("strategy", Selection())
    except LedgerUnavailable:
        return ChatMessage(context.texts("answer.ledger_read"))
    results: dict[str, list[Performance]] = defaultdict(list)
    for one in found:
        results[one.name].append(one)
    names = sorted({*context.portfolio.strategies, *results})
    blocks = ["\n".join(_lines(context, name, results)) for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        blocks.append(context.texts("status.more", count=len(names) - _SHOWN))
    buttons = tuple(_buttons(context, name) for name in names[:_SHOWN])
    head = context.texts("strategies", count=len(names))
    return ChatMessage("\n\n".join([head, *blocks, context.texts("strategies.how")]), buttons)


def _lines(context: CommandContext, name: str, results: Mapping[str, Sequence[Performance]]) -> list[Html]:
    """Returns a strategy's state, how it trades, what it holds, and what it has brought."""
    texts, portfolio = context.texts, context.portfolio
    mode = portfolio.trading_state_for(StrategyBook(EVERY, name)).mode
    pause = portfolio.strategy_pauses.get(name)
    lines = [texts("strategies.head", strategy=short(name), mode=mode)]
    if pause is not None:
        who, time = short(pause.changed_by), texts.full_moment(pause.changed_at)
        lines = [texts("strategies.head_paused", strategy=short(name), who=who, time=time)]
    lines.append(terms_line(context, name))
    if made := set_here(context, name):
        lines.append(texts("strategies.set_here", names=", ".join(made)))
    held = [one for one in portfolio.open_positions() if one.strategy == name]
    lines += [
        texts("strategies.held", symbol=one.symbol, quantity=quantity(one.qty), base=context.exchange.priced(one.symbol).base)
        for one in held
    ]
    brought = [_result(context, one) for one in results.get(name, ())]
    return [*lines, *brought] if held or brought else [*lines, texts("strategies.nothing")]


def _result(context: CommandContext, one: Performance) -> Html:
    """Returns what the exits of a strategy brought, in one quote asset."""
    shown = {"profit": money(one.profit, signed=True), "quote": one.quote_asset, "exits": one.exits}
    rate = round(100 * one.wins / one.exits) if one.exits else 0
    return context.texts("strategies.result", mark="➕" if one.profit > 0 else "➖", rate=rate, **shown)


def _buttons(context: CommandContext, name: str) -> tuple[Button, ...]:
    """Returns the buttons that show a strategy's settings, and pause or resume it."""
    action, said = _RESUME if name in context.portfolio.strategy_pauses else _PAUSE, strategy_words(name)
    return (
        Button(context.texts("strategies.settings", strategy=short(name, 20)), f"/strategies {said}"),
        Button(context.texts(f"strategies.{action}", strategy=short(name, 20)), f"/strategies {action} {said}"),
    )


def _is_about_pause(args: Args) -> bool:
    """Tells whether the answer has no figures of the account: settings and what they let through are its owner's."""
    return bool(args) and args[0].lower() in {_PAUSE, _RESUME}


COMMAND = Command(
    "strategies",
    run,
    arguments=_USAGE,
    examples=("default", "default STOP_LOSS_PCT 5", "pause default"),
    role_with_arguments=Role.TRADER,
    in_any_group=_is_about_pause,
)
