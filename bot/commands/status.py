"""/status: the current state on one screen. Answers from memory, whatever part is down."""

from collections.abc import Mapping
from decimal import Decimal

from bot.commands.base import Args, Command
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.commands.protection import exposed_lines
from bot.commands.valuation import together, unrealised
from bot.texts import Html, short
from bot.texts.figures import grouped
from bot.views.chat_message import ChatMessage
from bot.views.component_status import short_parts
from bot.views.number_format import money, percent_of, quantity
from bot.views.symbol_halts import halt_name
from bot.views.trading_mode import not_live
from bot.views.trading_state import trading_state_lines
from core.domain.money import multiply
from core.policy.risk.limits import shown

_POSITIONS_SHOWN = 8
_LIMITS = ("PRICE_BAND_PCT", "MAX_ORDER_NOTIONAL", "MAX_OPEN_POSITIONS", "DAILY_LOSS_LIMIT")


async def run(context: CommandContext, _args: Args, _caller: Caller) -> ChatMessage:
    """Shows one screen: modes, positions, today, pending approvals, each part."""
    uptime = context.texts.duration(context.clock.now() - context.program.started_at)
    mode, version = context.exchange.trading_mode.upper(), context.program.version
    lines = [
        context.texts("status.head", version=version, trading_mode=mode, uptime=uptime),
        *_standby(context),
        *not_live(context.exchange.trading_mode, context.texts),
        trading_state_lines(context.portfolio.trading_state, context.texts),
        "",
        *_positions(context),
    ]
    lines += [_today(context), "", _waiting(context), *_halts(context), *exposed_lines(context)]
    known = {"asset": context.exchange.rates.report}
    limits = ", ".join(
        context.texts(f"limit.short.{name}", value=grouped(shown(context.portfolio.limits, name)), **known) for name in _LIMITS
    )
    lines.append(context.texts("status.limits", limits=Html(limits)))
    parts = [context.texts("status.health"), *short_parts(context.program.health(), context.texts, 120)]
    return ChatMessage("\n".join([*lines, "", *parts]), ((refresh("/status", context.texts),),))


def _standby(context: CommandContext) -> list[Html]:
    """Returns a line with the active process and those that wait to take over; none where none can."""
    standbys = context.program.standbys()
    if standbys is None:
        return []
    names = short(", ".join(standbys)) if standbys else context.texts("status.no_standby")
    return [context.texts("status.standby", active=short(context.program.process), standbys=names)]


def _positions(context: CommandContext) -> list[Html]:
    texts, held = context.texts, context.portfolio.open_positions()
    lines = [texts("status.positions", count=len(held))]
    for index, position in enumerate(held):
        priced = context.exchange.priced(position.symbol)
        shown = {"symbol": position.symbol, "quantity": quantity(position.qty), "base": priced.base}
        if priced.price is None:
            line = texts("status.position_unpriced", **shown)
        else:
            profit = multiply(position.qty, priced.price) - position.cost
            value = money(multiply(position.qty, priced.price))
            percent = percent_of(profit, position.cost)
            line = texts("status.position", value=value, quote=priced.quote_asset, percent=percent, **shown)
        if index < _POSITIONS_SHOWN:
            lines.append(line)
    if len(held) > _POSITIONS_SHOWN:
        lines.append(texts("status.more", count=len(held) - _POSITIONS_SHOWN))
    return lines


def _today(context: CommandContext) -> Html:
    """Returns this UTC day's realised result, and the unrealised one."""
    day = context.clock.now().date().isoformat()
    results = dict(sorted(context.portfolio.results_of(day).items()))
    held = unrealised(context)
    besides = context.texts("status.besides", results=_amounts(context, held)) if held else Html("")
    if not results:
        return context.texts("status.today_none", unrealised=besides)
    line = context.texts("status.today", results=_amounts(context, results), unrealised=besides)
    return Html("\n".join([line, *together(context, results)]))


def _amounts(context: CommandContext, results: Mapping[str, Decimal]) -> Html:
    told = (context.texts("status.result", profit=money(profit, signed=True), quote=quote) for quote, profit in results.items())
    return Html(", ".join(told))


def _waiting(context: CommandContext) -> Html:
    return context.texts(
        "status.waiting",
        approvals=len(context.portfolio.approvals),
        orders=len(context.portfolio.in_flight),
        messages=len(context.actions.inbox),
        alerts=context.program.alerts_waiting(),
    )


def _halts(context: CommandContext) -> list[Html]:
    halts = Html(", ".join(halt_name(halt, context.texts) for halt in context.portfolio.active_halts()))
    return [context.texts("status.held", symbols=halts)] if halts else []


COMMAND = Command("status", run)
