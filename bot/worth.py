"""What is held, at the present price. From memory."""

from collections import defaultdict
from decimal import Decimal

from bot.desk import Desk
from core.domain.money import multiply


def unrealised(desk: Desk) -> dict[str, Decimal]:
    """The profit that open positions have now, by quote asset; without those whose price is not known."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for position in desk.book.open_positions():
        priced = desk.priced(position.symbol)
        if priced.price is not None:
            found[priced.quote_asset] += multiply(position.qty, priced.price) - position.cost
    return dict(found)
