"""The trades of the exchange in the order in which the ledger has booked them: it may hear of a sale after a purchase that came
later, and what a unit has cost, and when a position was closed, goes by what was booked."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from core.adapters.ledger.tables import order_tables
from core.domain.money import ZERO
from tests.simulation.evidence import Evidence
from tests.venue.model import Order, Trade

_NEVER = 2**62


def trades_as_booked(seen: Evidence) -> Iterator[tuple[Order, Trade]]:
    """Yields every trade of ours, with its order: what the exchange says of it, when the ledger has booked it."""
    steps, orders = _steps(seen), {(order.symbol, order.order_id): order for order in seen.orders}
    filled, found = defaultdict[str, Decimal](Decimal), list[tuple[int, Order, Trade]]()
    for trade in seen.venue.trades:
        if (order := orders.get((trade.symbol, trade.order_id))) is None:
            continue
        name = order.client_order_id
        filled[name] += trade.qty
        found.append((_booked_at(steps[name], filled[name]), order, trade))
    yield from ((order, trade) for _, order, trade in sorted(found, key=lambda one: one[0]))


def _steps(seen: Evidence) -> dict[str, list[tuple[Decimal, int]]]:
    """Returns how much of each order was booked by which step of the ledger, by its client order id."""
    steps: dict[str, list[tuple[Decimal, int]]] = defaultdict(list)
    for row in sorted(seen.rows(order_tables.order_steps), key=lambda row: row["seq"]):
        booked = steps[row["client_order_id"]]
        if row["executed_qty"] > (booked[-1][0] if booked else ZERO):
            booked.append((row["executed_qty"], row["seq"]))
    return steps


def _booked_at(booked: list[tuple[Decimal, int]], qty: Decimal) -> int:
    """Returns the step that booked the first `qty` (base asset) of an order, or a later one if none did."""
    place = bisect_left(booked, qty, key=lambda one: one[0])
    return booked[place][1] if place < len(booked) else _NEVER
