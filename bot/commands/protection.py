"""Plans and the orders that protect positions, as the commands show them. Answers from memory."""

from decimal import Decimal

from bot.commands.arguments.books import name_of
from bot.commands.context import CommandContext
from bot.texts import Html
from bot.views.entry_alerts import order_line
from bot.views.exit_plan import Guard, away, guard_lines, plan_lines, purpose, side_mark, trigger_of
from bot.views.number_format import price, quantity
from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.policy.exits.protection import at_prices


def protection_lines(context: CommandContext, position: Position) -> list[Html]:
    """Returns whether a position is protected, and where its stop and targets are."""
    priced = context.exchange.priced(position.symbol)
    plan = context.portfolio.plans.get(position.book)
    if plan is not None and priced.instrument is not None:
        plan = at_prices(plan, priced.instrument)
    protected = context.portfolio.protected(position.book)
    return guard_lines(Guard(position, priced.base, plan, protected, priced.price), context.texts)


def entry_plan_lines(
    context: CommandContext, exits: ExitPlan, instrument: Instrument, average: Decimal, market: Decimal
) -> list[Html]:
    """Returns the exit plan of a purchase in numbers: it counts from `average` while the market is at `market` (quote asset)."""
    plan = TradePlan("", instrument.symbol, exits, PlanState.ENTERING, average, context.clock.now(), 0)
    return plan_lines(at_prices(plan, instrument), market, context.texts)


def exposed_lines(context: CommandContext) -> list[Html]:
    """Returns the positions that lack the protection which their plan wants, for a known reason; nothing if there are none."""
    plans, held = context.portfolio.plans.values(), context.portfolio.position
    names = [name_of(context, plan.book) for plan in plans if plan.why is not None and held(plan.book).is_open]
    return [context.texts("status.exposed", symbols=", ".join(names))] if names else []


def leg_line(context: CommandContext, order: Order) -> Html:
    """Returns a resting order of ours on one line: what it is for, its quantity, the price it waits for, and how far that is."""
    texts = context.texts
    market = context.exchange.priced(order.symbol).price
    if order.waits_to_buy:
        return order_line(order, market, texts)
    return texts(
        "protection.order",
        mark=side_mark(order.side),
        purpose=purpose(order, context.portfolio.plans.get(order.book), texts),
        quantity=quantity(order.qty - order.executed_qty),
        price=price(trigger_of(order)),
        away=away(trigger_of(order), market, texts),
    )


def taken_off_lines(context: CommandContext, book: StrategyBook, qty: Decimal) -> list[Html]:
    """Returns that what protects the book's position is taken off before `qty` (base asset) of it are sold, and the steps below
    it for good."""
    waiting = len(context.portfolio.entries_for(book))
    steps = [context.texts("protection.steps_off", count=waiting)] if waiting else []
    if not context.portfolio.protected(book):
        return steps
    is_part = qty < context.portfolio.protected(book)
    return [context.texts("protection.taken_off_part" if is_part else "protection.taken_off"), *steps]


def legs_lines(context: CommandContext, key: str) -> list[Html]:
    """Returns the sentence `key` with the number of orders that protect positions; nothing if there are none."""
    count = sum(order.protects for order in context.portfolio.resting.values())
    return [context.texts(key, count=count)] if count else []
