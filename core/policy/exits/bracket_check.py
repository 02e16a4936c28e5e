"""Checks the orders of an exit plan against the symbol's rules: what the exchange would refuse is not sent. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.money import ZERO, amount, multiply, plain
from core.domain.order_terms import OrderTerms, OrderType
from core.domain.reasons import Reason, reason
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class Bracket:
    """One part of a plan: `number` from 1 to 5, as in `PlanLeg`, is that of its target; sells `qty` (base asset) at its target or
    at its stop. With both it is an order list (OCO), with one of them a single order. `wanted` is the plan's price (quote asset)
    of a target that is placed above it, as the market has passed that."""

    number: int
    qty: Decimal
    target: OrderTerms | None = None
    stop: OrderTerms | None = None
    wanted: Decimal | None = None

    @property
    def orders(self) -> tuple[OrderTerms, ...]:
        """Returns the terms of its orders: one, or two of which the first to fill cancels the other."""
        return tuple(terms for terms in (self.target, self.stop) if terms is not None)


@dataclass(frozen=True, slots=True)
class OpenOrders:
    """Counts the open orders on a symbol: all of them, those that wait for a price (stops), and order lists."""

    orders: int = 0
    stops: int = 0
    lists: int = 0


NOTHING_OPEN = OpenOrders()


def missing(plan: ExitPlan, instrument: Instrument) -> Reason | None:
    """Returns what the plan needs and the symbol does not have: an order type, or order lists."""
    types = instrument.resting.order_types
    if plan.stop is not None and not types & {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}:
        return reason("order_type_missing", type=OrderType.STOP_LOSS, symbol=instrument.symbol)
    if plan.targets and OrderType.LIMIT_MAKER not in types:
        return reason("order_type_missing", type=OrderType.LIMIT_MAKER, symbol=instrument.symbol)
    if plan.stop is not None and plan.targets and not instrument.resting.oco_allowed:
        return reason("order_lists_missing", symbol=instrument.symbol)
    return None


def refusal(parts: tuple[Bracket, ...], instrument: Instrument, market: Decimal, beside: OpenOrders) -> Reason | None:
    """Returns why the exchange would refuse one of the orders while the market is at `market` (quote asset) and `beside` are
    open; None if it would accept all."""
    return next(_refusals(parts, instrument, market, beside), None)


def _refusals(parts: tuple[Bracket, ...], instrument: Instrument, market: Decimal, beside: OpenOrders) -> Iterator[Reason]:
    for part in parts:
        yield from _unfit_prices(part, instrument, market)
    for part in parts:
        yield from _unfit_quantity(part, instrument)
        for terms in part.orders:
            yield from _unfit_worth(part, terms, instrument)
    yield from _too_many(parts, instrument, beside)


def _unfit_prices(part: Bracket, instrument: Instrument, market: Decimal) -> Iterator[Reason]:
    """Checks that nothing fills or triggers at once, and that each price is in the exchange's band (the trigger's too)."""
    stop = part.stop.stop_price if part.stop is not None else None
    target = part.target.limit_price if part.target is not None else None
    if stop is not None and stop >= market:
        yield reason("stop_reached", found=plain(stop), market=plain(market))
    if target is not None and target <= market:
        yield reason("target_reached", found=plain(target), market=plain(market))
    for terms in part.orders:
        for price in (terms.stop_price, terms.limit_price):
            if price is not None and not (price > 0 and instrument.resting.allows_price(Side.SELL, price, market)):
                yield reason("price_out_of_band", found=plain(price), market=plain(market))


def _unfit_quantity(part: Bracket, instrument: Instrument) -> Iterator[Reason]:
    """Checks LOT_SIZE, and MARKET_LOT_SIZE for a stop that becomes a MARKET order."""
    at_market = part.stop is not None and part.stop.type is OrderType.STOP_LOSS
    least = instrument.least_market_qty if at_market else instrument.min_qty
    most = instrument.most_market_qty if at_market else instrument.max_qty
    about = {"number": part.number, "qty": plain(part.qty), "base": instrument.base}
    if part.qty <= 0 or part.qty < least:
        yield reason("part_below_min_qty", **about, minimum=plain(max(least, instrument.step_size)))
    if most is not None and part.qty > most:
        yield reason("part_above_max_qty", **about, maximum=plain(most))


def _unfit_worth(part: Bracket, terms: OrderTerms, instrument: Instrument) -> Iterator[Reason]:
    """Checks NOTIONAL at the order's own price: after a fall to the stop, what is left must still be sellable."""
    limited, price = terms.limit_price is not None, terms.limit_price or terms.stop_price or ZERO
    least = instrument.resting.min_notional if limited else instrument.min_notional
    most = instrument.resting.max_notional if limited else instrument.max_notional
    worth = multiply(part.qty, price)
    about = {"number": part.number, "value": amount(worth), "quote": instrument.quote, "price": plain(price)}
    if worth < least:
        yield reason("part_below_min_notional", **about, minimum=plain(least))
    if most is not None and worth > most:
        yield reason("part_above_max_notional", **about, maximum=plain(most))


def _too_many(parts: tuple[Bracket, ...], instrument: Instrument, beside: OpenOrders) -> Iterator[Reason]:
    """Checks how many may be open (filters.md: MAX_NUM_ORDERS, MAX_NUM_ALGO_ORDERS, MAX_NUM_ORDER_LISTS)."""
    rules, terms = instrument.resting, [one for part in parts for one in part.orders]
    stops, lists = sum(one.type.has_trigger for one in terms), sum(len(part.orders) > 1 for part in parts)
    for code, needed, now, limit in (
        ("stops_full", stops, beside.stops, rules.most_stops),
        ("orders_full", len(terms), beside.orders, rules.most_orders),
        ("lists_full", lists, beside.lists, rules.most_lists),
    ):
        if limit is not None and needed and now + needed > limit:
            yield reason(code, needed=needed, open=now, symbol=instrument.symbol, limit=limit)
