"""/status: how things stand, on one screen. Answers from memory, whatever part is down."""

from collections.abc import Mapping
from decimal import Decimal

from bot.commands.base import Args, Command
from bot.commands.context import Caller, Desk
from bot.commands.pagination import refresh
from bot.commands.valuation import together, unrealised
from bot.texts import Html
from bot.views.chat_message import ChatMessage
from bot.views.events import controls_lines, duration, not_live, percent_of, short_parts
from bot.views.number_format import money, quantity
from bot.views.symbol_halts import hold_name
from core.domain.money import multiply
from core.policy.risk.limits import shown

_POSITIONS_SHOWN = 8
_LIMITS = ("PRICE_BAND_PCT", "MAX_ORDER_NOTIONAL", "MAX_OPEN_POSITIONS", "DAILY_LOSS_LIMIT")


async def run(desk: Desk, _args: Args, _caller: Caller) -> ChatMessage:
    """One screen: modes, positions, today, what waits, each part."""
    uptime = duration(desk.clock.now() - desk.started_at, desk.texts)
    head = desk.texts("status.head", trading_mode=desk.trading_mode.upper(), uptime=uptime)
    lines = [
        head,
        *not_live(desk.trading_mode, desk.texts),
        controls_lines(desk.book.controls, desk.texts),
        "",
        *_positions(desk),
    ]
    lines += [_today(desk), "", _waiting(desk), *_held(desk)]
    known = {"asset": desk.rates.report}
    limits = ", ".join(desk.texts(f"limit.short.{name}", value=shown(desk.book.limits, name), **known) for name in _LIMITS)
    lines.append(desk.texts("status.limits", limits=Html(limits)))
    parts = [desk.texts("status.health"), *short_parts(desk.health(), desk.texts, 120)]
    return ChatMessage("\n".join([*lines, "", *parts]), ((refresh("/status", desk.texts),),))


def _positions(desk: Desk) -> list[Html]:
    texts, held = desk.texts, desk.book.open_positions()
    lines = [texts("status.positions", count=len(held))]
    for index, position in enumerate(held):
        priced = desk.priced(position.symbol)
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


def _today(desk: Desk) -> Html:
    """What this UTC day's exits brought, and what the open positions would."""
    day = desk.clock.now().date().isoformat()
    results = dict(sorted(desk.book.results_of(day).items()))
    held = unrealised(desk)
    besides = desk.texts("status.besides", results=_amounts(desk, held)) if held else Html("")
    if not results:
        return desk.texts("status.today_none", unrealised=besides)
    line = desk.texts("status.today", results=_amounts(desk, results), unrealised=besides)
    return Html("\n".join([line, *together(desk, results)]))


def _amounts(desk: Desk, results: Mapping[str, Decimal]) -> Html:
    told = (desk.texts("status.result", profit=money(profit, signed=True), quote=quote) for quote, profit in results.items())
    return Html(", ".join(told))


def _waiting(desk: Desk) -> Html:
    return desk.texts(
        "status.waiting",
        approvals=len(desk.book.approvals),
        orders=len(desk.book.in_flight),
        messages=len(desk.inbox),
        alerts=desk.alerts_waiting(),
    )


def _held(desk: Desk) -> list[Html]:
    held = Html(", ".join(hold_name(hold, desk.texts) for hold in desk.book.active_holds()))
    return [desk.texts("status.held", symbols=held)] if held else []


COMMAND = Command("status", run)
