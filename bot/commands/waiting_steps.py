"""Steps that wait below a position, as the commands show them. Answers from memory."""

from decimal import Decimal

from bot.commands.context import CommandContext
from bot.texts import Html, Texts
from bot.views.exit_plan import away
from bot.views.number_format import price, quantity
from core.domain.dca_step import StepPlace
from core.domain.money import ZERO
from core.domain.order import Order
from core.domain.position import Position
from core.policy.entries.steps import belongs


def waiting_steps_lines(context: CommandContext, position: Position) -> list[Html]:
    """Returns how many entries have bought a position and how many may, and each step that waits: its quantity, its price, and
    how far that is from the market. Nothing where one entry is all there may be."""
    steps = _steps(context, position)
    most = context.portfolio.limits_for(position.book).max_entries
    if not steps and most == 1 and position.entry_count <= 1:
        return []
    used = {"number": position.entry_count, "most": max(most, position.entry_count)}
    if not steps:
        return [context.texts("positions.entries", **used)]
    market = context.exchange.priced(position.symbol)
    head = context.texts("positions.steps", count=len(steps), **used)
    return [head, *(_line(place, order, market.price, context.texts) for place, order in steps)]


def _steps(context: CommandContext, position: Position) -> list[tuple[StepPlace, Order]]:
    entries = context.portfolio.entries_for(position.book)
    steps = [(one.signal.step, one) for one in entries if one.signal.step is not None and belongs(one.signal.step, position)]
    return sorted(steps, key=lambda pair: pair[0].number)


def _line(place: StepPlace, order: Order, market: Decimal | None, texts: Texts) -> Html:
    at = order.terms.limit_price or ZERO
    shown = {"quantity": quantity(order.qty - order.executed_qty), "price": price(at)}
    return texts("positions.step", number=place.number, away=away(at, market, texts), **shown)
