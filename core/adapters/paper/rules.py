"""Refuses what the exchange would, in its sequence: filters, the number of open orders, prices on the wrong side, balance. Pure.

Sources: filters.md; rest-api.md, "New order" and "New order list - OCO"; errors.md.
"""

from collections.abc import Sequence
from decimal import Decimal

from core.adapters.paper.account import PaperAccount, worth_of
from core.adapters.paper.matching import reaches, would_trigger
from core.domain.instrument import Instrument, Quote
from core.domain.money import ZERO, floor_to_step
from core.domain.order import EntryList, LegRequest, ListRequest, OrderRequest
from core.domain.order_terms import OrderTerms, OrderType
from core.domain.reasons import Reason, reason
from core.domain.signal import Side

# filters.md, TRAILING_DELTA, in basis points; every recorded symbol has these (exchangeInfo of 2024, 2025 and 2026).
_TRAILING_DELTAS = range(10, 2001)

_ABOVE = {OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
_BELOW = {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}


def refusal(request: OrderRequest, rules: Instrument, quote: Quote, account: PaperAccount) -> Reason | None:
    """Returns why the exchange would refuse the order."""
    price = quote.price_for(request.side)
    if broken := _broken(request, rules, price) or _too_many([request.terms], rules, account):
        return broken
    if wrong := _wrong_side(request.terms, request.side, price):
        return wrong
    asset, needed = (rules.quote, bound_worth(request, price)) if request.side is Side.BUY else (rules.base, request.qty)
    return reason("insufficient_balance", asset=asset) if account.free(asset) < needed else None


def list_refusal(request: ListRequest, rules: Instrument, quote: Quote, account: PaperAccount) -> Reason | None:
    """Returns why the exchange would refuse the order list, which it refuses as a whole."""
    if misfit := _misfit(request, rules):
        return misfit
    legs = legs_of(request)
    for leg in legs:
        if broken := _broken(leg, rules, quote.bid):
            return broken
    if broken := _too_many([leg.terms for leg in legs], rules, account, is_list=True):
        return broken
    above, below = _pair_price(request.above.terms), _pair_price(request.below.terms)
    if (above is not None and above <= quote.bid) or (below is not None and below >= quote.bid):
        return reason("list_prices", code=-2010)
    for leg in legs:
        if wrong := _wrong_side(leg.terms, leg.side, quote.bid):
            return wrong
    return reason("insufficient_balance", asset=rules.base) if account.free(rules.base) < request.qty else None


def entry_refusal(request: EntryList, rules: Instrument, quote: Quote, account: PaperAccount) -> Reason | None:
    """Returns why the exchange would refuse an entry with its exits, which it refuses as a whole. The exits are judged once they
    have a quantity: see `exits_refusal`."""
    entry, exits = request.entry, request.exits
    if entry.side is not Side.BUY:
        return _bad_list(-1222, "Working order in an OPO list must be a bid")
    if entry.terms.type is not OrderType.LIMIT or entry.terms.may_rest or not exits:
        return _bad_list(-1014, "Unsupported order combination")
    if not rules.resting.opo_allowed:
        return _type_off(request.symbol, "OPO orders are not supported for this symbol")
    if len(exits) > 1 and (misfit := _misfit(_pair(request, ZERO), rules)):
        return misfit
    terms = [entry.terms, *(leg.terms for leg in exits)]
    return _too_many(terms, rules, account, is_list=True) or refusal(entry, rules, quote, account)


def exits_refusal(request: EntryList, qty: Decimal, rules: Instrument, quote: Quote, account: PaperAccount) -> Reason | None:
    """Returns why the exchange would not place the exits of an entry that has bought `qty` (base asset) for them."""
    if len(request.exits) > 1:
        return list_refusal(_pair(request, qty), rules, quote, account)
    return next((refusal(leg, rules, quote, account) for leg in exits_of(request, qty)), None)


def exits_of(request: EntryList, qty: Decimal) -> tuple[OrderRequest, ...]:
    """Returns the exits of an entry as orders to sell `qty`, in the sequence in which the exchange numbers them."""
    if len(request.exits) > 1:
        return legs_of(_pair(request, qty))
    mark = request.entry.mark
    return tuple(
        OrderRequest(leg.client_order_id, request.symbol, Side.SELL, qty, mark, leg.terms, request.entry.strategy)
        for leg in request.exits
    )


def _pair(request: EntryList, qty: Decimal) -> ListRequest:
    above, below = request.exits
    return ListRequest(request.list_id, request.symbol, qty, above, below, request.entry.mark, request.entry.strategy)


def legs_of(request: ListRequest) -> tuple[OrderRequest, OrderRequest]:
    """Returns the two orders of a list, in the sequence in which the exchange numbers them: the stop, then the target."""

    def order(leg: LegRequest) -> OrderRequest:
        return OrderRequest(
            leg.client_order_id, request.symbol, Side.SELL, request.qty, request.mark, leg.terms, request.strategy
        )

    return order(request.below), order(request.above)


def bound_worth(request: OrderRequest, price: Decimal) -> Decimal:
    """Returns what a BUY binds, in quote asset: at its limit, without one at its stop price, else at the market's `price`."""
    return worth_of(request.qty, request.terms.limit_price or request.terms.stop_price or price)


def _bad_list(code: int, message: str) -> Reason:
    return reason("bad_request", message=message, code=code)


def _type_off(symbol: str, message: str) -> Reason:
    return reason("order_type_off", symbol=symbol, message=message, code=-2010)


def _broken(request: OrderRequest, rules: Instrument, price: Decimal) -> Reason | None:
    if request.terms.limit_price is None and not rules.market_orders:
        return reason("market_orders_off", symbol=request.symbol)
    if request.terms.may_rest and request.terms.type not in rules.resting.order_types:
        words = request.terms.type.replace("_", " ").capitalize()
        return _type_off(request.symbol, f"{words} orders are not supported for this symbol")
    broken = _broken_filter(request, rules, price)
    return reason("filter_failure", filter=broken) if broken else None


def _broken_filter(request: OrderRequest, rules: Instrument, price: Decimal) -> str | None:
    """Returns the first filter that an order breaks. A step or an upper limit of 0 checks nothing."""
    qty, terms, resting = request.qty, request.terms, rules.resting
    for named in (terms.limit_price, terms.stop_price):
        if named is not None and (named <= 0 or floor_to_step(named, rules.price_step) != named):
            return "PRICE_FILTER"
        if named is not None and not resting.allows_price(request.side, named, price):
            return "PERCENT_PRICE_BY_SIDE"
    if terms.trailing_delta is not None and terms.trailing_delta not in _TRAILING_DELTAS:
        return "TRAILING_DELTA"
    lots = [("LOT_SIZE", rules.min_qty, rules.max_qty, rules.step_size)]
    if terms.limit_price is None:
        lots.append(("MARKET_LOT_SIZE", rules.market_min_qty, rules.market_max_qty, rules.market_step_size))
    for name, least, most, step in lots:
        if qty <= 0 or qty < least or (most is not None and qty > most) or floor_to_step(qty, step) != qty:
            return name
    return "NOTIONAL" if _is_worth_wrong(terms, rules, worth_of(qty, terms.limit_price or price)) else None


def _is_worth_wrong(terms: OrderTerms, rules: Instrument, worth: Decimal) -> bool:
    """Tells whether an order of `worth` (quote asset) is too small or too large. Those with a limit keep to both rules: where
    the exchange applies them to MARKET orders too, they are the same."""
    bounds = [(rules.min_notional, rules.max_notional)]
    if terms.type.has_limit:
        bounds.append((rules.resting.min_notional, rules.resting.max_notional))
    return any(worth < least or (most is not None and worth > most) for least, most in bounds)


def _too_many(new: Sequence[OrderTerms], rules: Instrument, account: PaperAccount, *, is_list: bool = False) -> Reason | None:
    there, most_of = account.open_of(rules.symbol), rules.resting
    resting = [order.resting for order in there if order.resting is not None]
    added = [terms for terms in new if terms.type is not OrderType.MARKET]  # which is never open
    algo = [terms for terms in added if terms.type.has_trigger]
    counts = (
        ("MAX_NUM_ORDERS", len(added), len(resting), most_of.most_orders),
        ("MAX_NUM_ALGO_ORDERS", len(algo), sum(one.terms.type.has_trigger for one in resting), most_of.most_stops),
        ("MAX_NUM_ORDER_LISTS", int(is_list), len({one.list_id for one in resting if one.list_id}), most_of.most_lists),
    )
    for name, more, open_now, most in counts:
        if more and most is not None and more + open_now > most:
            return reason("too_many_open", filter=name)
    return None


def _wrong_side(terms: OrderTerms, side: Side, price: Decimal) -> Reason | None:
    """Refuses a stop that is reached already, and a maker that would take."""
    if terms.type.has_trigger and would_trigger(terms, side, price):
        return reason("would_trigger", code=-2010)
    if terms.type is OrderType.LIMIT_MAKER and reaches(terms, side, price):
        return reason("would_take", code=-2010)
    return None


def _misfit(request: ListRequest, rules: Instrument) -> Reason | None:
    """Refuses types that a list to sell cannot have at their place, and lists where there are none."""
    above, below = request.above.terms.type, request.below.terms.type
    if {above, below} & {OrderType.MARKET, OrderType.LIMIT}:
        return _bad_list(-1158, "Order type not supported in OCO")
    if above not in _ABOVE:
        return _bad_list(-1197, "A stop loss order in a sell OCO must be below")
    if below is OrderType.LIMIT_MAKER:
        return _bad_list(-1166, "A limit order in a sell OCO must be above")
    if below not in _BELOW:
        return _bad_list(-1199, "A take profit order in a sell OCO must be above")
    if not rules.resting.oco_allowed:
        return _type_off(request.symbol, "OCO orders are not supported for this symbol")
    return None


def _pair_price(terms: OrderTerms) -> Decimal | None:
    """Returns the price that must lie on its leg's side of the market; None for a trailing leg without one."""
    if terms.type in {OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT_LIMIT}:
        return terms.limit_price
    return terms.stop_price
