"""Trading rules of symbols, as far as recorded orders tell them: for a replay that asks no exchange. Pure.

What was rounded to a step is a multiple of it, so the coarsest step that all recorded amounts fit gives the same amounts again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from core.domain.assets import base_of, is_dollar_or_euro, quote_of
from core.domain.instrument import Instrument
from core.domain.money import ZERO, multiply
from core.domain.order import Order
from core.domain.order_terms import OrderType
from core.domain.resting_rules import RestingRules
from core.domain.signal import Side
from core.policy.entries.way import is_together
from core.records.recording import Recording
from core.replay.prices import recorded_points

_FINEST = Decimal("1e-8")
_COARSEST = Decimal(1)
_USUAL_MINIMUM = Decimal(5)  # dollars or euros: of nearly every symbol
_OF_SIZE = frozenset({"below_min_notional", "unsellable", "too_little_to_sell"})


def inferred_rules(recording: Recording) -> Mapping[str, Instrument]:
    """Returns the rules of every symbol that the recording has a price of and whose assets can be told from it."""
    assets = {one.symbol: (one.base_asset, one.quote_asset) for one in recording.executions}
    orders: defaultdict[str, list[Order]] = defaultdict(list)
    for recorded in recording.orders.values():
        orders[recorded.order.symbol].append(recorded.order)
    minimums = _minimums(recording)
    found = {}
    for symbol in {one.symbol for one in recorded_points(recording)} | orders.keys():
        base, quote = assets.get(symbol, (base_of(symbol), quote_of(symbol)))
        if quote is not None:
            minimum = minimums.get(symbol) or _usual_minimum(quote, orders[symbol])
            found[symbol] = _rules(symbol, base, quote, orders[symbol], minimum)
    return found


def _usual_minimum(quote: str, orders: Iterable[Order]) -> Decimal:
    """Returns the usual least worth of an order, or that of the smallest one that was filled."""
    filled = [multiply(one.qty, one.price) for one in orders if one.executed_qty]
    return min([_USUAL_MINIMUM, *filled]) if is_dollar_or_euro(quote) else ZERO


def _rules(symbol: str, base: str, quote: str, orders: Iterable[Order], minimum: Decimal) -> Instrument:
    known = list(orders)
    prices = [price for one in known for price in (one.terms.limit_price, one.terms.stop_price) if price is not None]
    # The price of a decision is the market's own, and on the tick too.
    tick = step_of([*prices, *(one.price for one in known)])
    step = step_of(one.qty for one in known)
    resting = RestingRules(
        order_types=frozenset(OrderType),
        oco_allowed=True,
        opo_allowed=any(is_together(one) and one.side is Side.BUY for one in known),
        min_notional=minimum,
    )
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        status="TRADING",
        tick_size=tick,
        step_size=step,
        min_qty=step,
        max_qty=None,
        min_notional=minimum,
        resting=resting,
    )


def step_of(amounts: Iterable[Decimal]) -> Decimal:
    """Returns the coarsest power of ten, from 1 down to 1e-8, that all amounts are multiples of; the finest of none."""
    decimals = [max(-int(one.normalize().as_tuple().exponent), 0) for one in amounts if one]
    return max(min(Decimal(1).scaleb(-max(decimals)), _COARSEST), _FINEST) if decimals else _FINEST


def _minimums(recording: Recording) -> Mapping[str, Decimal]:
    """Returns the least worth of an order, where a refusal has named it, by symbol."""
    found: dict[str, Decimal] = {}
    for one in recording.messages:
        if one.signal is not None and one.reason is not None and one.reason.code in _OF_SIZE:
            found[one.signal.symbol] = max(found.get(one.signal.symbol, ZERO), Decimal(one.reason.params["minimum"]))
    return found
