"""/orders: orders in flight, resting orders, pending exits, and the outcome of the last ones."""

import asyncio

from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.commands.pending_exits import pending_exit_lines
from bot.texts import Html, short
from bot.views.chat_message import Button, ChatMessage
from bot.views.number_format import price, quantity
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState
from core.domain.signal import Side

_LAST = 8
_ANSWER_SECONDS = 4.0
_MARKS = {
    OrderState.FILLED: "✅",
    OrderState.REJECTED: "❗",
    OrderState.DENIED: "🚫",
    OrderState.DECLINED: "✖️",
    OrderState.CANCELED: "↩️",
    OrderState.EXPIRED: "⌛",
    OrderState.AWAITING_APPROVAL: "❓",
}


async def run(context: CommandContext, args: Args, _caller: Caller) -> ChatMessage:
    """Shows the rest where the exchange does not answer soon."""
    if args:
        return bad_argument(context, args, "orders")
    texts = context.texts
    under_way = list(context.portfolio.in_flight.values())
    lines: list[str] = [texts("orders.under_way", count=len(under_way)), *(_line(context, order) for order in under_way[:_LAST])]
    lines += await _resting(context)
    if exits := pending_exit_lines(context):
        lines += ["", *exits]
    try:
        last = await context.ledger.queries.recent_orders(_LAST)
    except LedgerUnavailable:
        lines += ["", texts("answer.ledger_read")]
    else:
        lines += ["", texts("orders.last"), *(_line(context, order) for order in last)] if last else []
    cancel = ((Button(texts("orders.cancel"), "/cancel"),),) if under_way else ()
    return ChatMessage("\n".join(lines), ((refresh("/orders", texts),), *cancel))


async def _resting(context: CommandContext) -> list[Html]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            resting = await context.exchange.venue.open_orders()
    except (ExchangeUnavailable, TimeoutError) as error:
        return [context.texts("answer.exchange", problem=short(str(error) or f"{_ANSWER_SECONDS:g} s", 200))]
    if not resting:
        return [context.texts("orders.none_rest")]
    return [context.texts("orders.rest", count=len(resting)), *(_resting_line(context, report) for report in resting[:_LAST])]


def _resting_line(context: CommandContext, report: ExecutionReport) -> Html:
    shown = {"symbol": report.symbol, "id": short(report.order_id), "state": report.state.value}
    return context.texts("orders.rest_line", mark=_side(report.side), **shown)


def _line(context: CommandContext, order: Order) -> Html:
    return context.texts(
        "orders.line",
        time=context.texts.moment(order.created_at),
        mark=_MARKS.get(order.state, "⏳"),
        side=_side(order.side),
        symbol=order.symbol,
        quantity=quantity(order.executed_qty or order.qty),
        price=price(order.average_price or order.price),
        state=context.texts(f"state.{order.state}"),
    )


def _side(side: Side) -> str:
    return "🟩" if side is Side.BUY else "🔴"


COMMAND = Command("orders", run)
