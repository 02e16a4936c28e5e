"""/orders: orders in flight, resting orders, pending exits, and the outcome of the last ones."""

import asyncio
from collections.abc import Sequence

from bot.commands.arguments.books import name_of
from bot.commands.base import Args, Command, bad_argument
from bot.commands.caller import Caller
from bot.commands.context import CommandContext
from bot.commands.pagination import refresh
from bot.commands.pending_exits import pending_exit_lines
from bot.commands.protection import leg_line
from bot.texts import Html, short
from bot.views.chat_message import Button, ChatMessage
from bot.views.exit_plan import side_mark, trigger_of
from bot.views.number_format import price, quantity
from core.domain.errors import ExchangeUnavailable, LedgerUnavailable
from core.domain.order import ExecutionReport, Order
from core.domain.order_state_machine import OrderState

_LAST = 8
_MOST_RESTING = 20  # a plan has up to ten
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
        return bad_argument(context, args, COMMAND)
    texts = context.texts
    under_way = list(context.portfolio.in_flight.values())
    now = context.clock.now()
    title = texts("orders.under_way", count=len(under_way))
    lines: list[str] = [
        texts.with_zone(title, now) if under_way else title,
        *(_line(context, order) for order in under_way[:_LAST]),
    ]
    lines += await _resting(context)
    if exits := pending_exit_lines(context):
        lines += ["", *exits]
    try:
        last = await context.ledger.queries.recent_orders(_LAST)
    except LedgerUnavailable:
        lines += ["", texts("answer.ledger_read")]
    else:
        lines += ["", texts.with_zone(texts("orders.last"), now), *(_line(context, order) for order in last)] if last else []
    waits = any(order.waits_to_buy for order in context.portfolio.resting.values())
    cancel = ((Button(texts("orders.cancel"), "/cancel"),),) if under_way or waits else ()
    return ChatMessage("\n".join(lines), ((refresh("/orders", texts),), *cancel))


async def _resting(context: CommandContext) -> list[Html]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            resting = await context.exchange.venue.open_orders()
    except (ExchangeUnavailable, TimeoutError) as error:
        problem = context.texts("answer.exchange", problem=short(str(error) or f"{_ANSWER_SECONDS:g} s", 200))
        return [problem, *_ours(context, list(context.portfolio.resting.values())[:_MOST_RESTING])]
    if not resting:
        return [context.texts("orders.none_rest")]
    known, shown = context.portfolio.resting, resting[:_MOST_RESTING]
    ours = [known[report.client_order_id] for report in shown if report.client_order_id in known]
    others = [_other_line(context, report) for report in shown if report.client_order_id not in known]
    return [context.texts("orders.rest", count=len(resting)), *_ours(context, ours), *others]


def _ours(context: CommandContext, orders: Sequence[Order]) -> list[Html]:
    """Returns a line for each order of ours that rests, below the name of its book: a phone is narrow. The dearest is first."""
    books = dict.fromkeys(order.book for order in orders)
    lines: list[Html] = []
    for book in books:
        lines.append(context.texts("orders.rest_of", symbol=name_of(context, book)))
        of_book = sorted((one for one in orders if one.book == book), key=trigger_of, reverse=True)
        lines += [leg_line(context, order) for order in of_book]
    return lines


def _other_line(context: CommandContext, report: ExecutionReport) -> Html:
    shown = {"symbol": report.symbol, "id": short(report.order_id), "state": report.state.value}
    return context.texts("orders.rest_line", mark=side_mark(report.side), **shown)


def _line(context: CommandContext, order: Order) -> Html:
    return context.texts(
        "orders.line",
        time=context.texts.moment(order.created_at),
        mark=_MARKS.get(order.state, "⏳"),
        side=side_mark(order.side),
        symbol=name_of(context, order.book),
        quantity=quantity(order.executed_qty or order.qty),
        price=price(order.average_price or (trigger_of(order) if order.leg is not None or order.signal.entry else order.price)),
        state=context.texts(f"state.{order.state}"),
    )


COMMAND = Command("orders", run)
