"""Promises about positions that several entries have bought: their plans count from the average price, and none of our purchases
ends what protects us."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from core.adapters.ledger.tables import plan_tables, result_tables
from core.domain.money import ZERO
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from tests.simulation.as_booked import trades_as_booked
from tests.simulation.books import Whose, book_of
from tests.simulation.evidence import Evidence

_NEAR = Decimal("0.0005")  # of the price: coins of a position may have paid a fee since
_SCRAP = 10  # quote asset; what is worth less may be what is left of an earlier position


def _average(seen: Evidence) -> Iterator[str]:
    """Checks that the plan of a position that was added to counts from the average price of what is held."""
    averages = _averages(seen)
    added = {book_of(row) for row in seen.rows(result_tables.positions) if row["is_open"] and row["entries"] > 1}
    for plan in seen.rows(plan_tables.order_plans):
        book = book_of(plan)
        if PlanState(plan["state"]).is_over or book not in added or not averages[book]:
            continue
        if abs(plan["entry_price"] / averages[book] - 1) > _NEAR:
            yield f"the plan of {book} counts from {plan['entry_price']}, what is held has cost {averages[book]} on average"


def _averages(seen: Evidence) -> dict[StrategyBook, Decimal]:
    """Returns what was paid for one unit, without fees, by book, in the order in which the ledger has booked the trades;
    0 where next to nothing is held."""
    whose, held, paid = Whose.of(seen), defaultdict[StrategyBook, Decimal](Decimal), defaultdict[StrategyBook, Decimal](Decimal)
    for order, trade in trades_as_booked(seen):
        book = whose.find(order)
        fee = trade.commission if order.symbol.startswith(trade.commission_asset) else ZERO
        if order.side == "BUY":
            held[book] += trade.qty - fee
            paid[book] += (trade.qty - fee) * trade.price
        elif held[book]:
            paid[book] -= paid[book] * min(trade.qty / held[book], Decimal(1))
            held[book] -= trade.qty
    return defaultdict(Decimal, {book: paid[book] / held[book] for book in held if paid[book] > _SCRAP})


def _spared(seen: Evidence) -> Iterator[str]:
    """Checks that the exchange has ended no order of ours that rested because another of ours would have met it."""
    for order in seen.orders:
        if order.side == "SELL" and order.status == "EXPIRED_IN_MATCH":
            yield f"order {order.client_order_id} was ended by a purchase of ours"


PROMISES = (_average, _spared)
