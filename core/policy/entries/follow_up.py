"""Makes the order that goes on where an entry's time was over: at the market within the price band, or moved after it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.instrument import Instrument, Quote
from core.domain.limit_entry import LimitEntry, OnTimeout
from core.domain.money import ZERO, divide, floor_to_step, multiply, plain
from core.domain.order import Booked, Order
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import OrderTerms, within
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.policy.decision_context import RiskLimits
from core.policy.sizing.entry_terms import band_edge

MOST_CHASES = 5
"""The most times that one entry is moved after the market."""


@dataclass(frozen=True, slots=True)
class Market:
    """The market where an entry goes on: its `quote` (None: unknown), and the lowest price at which an order of ours offers what
    was bought so far (quote asset; None: none does)."""

    quote: Quote | None
    our_offer: Decimal | None = None

    def beside(self, orders: Iterable[Order]) -> "Market":
        """Returns the market with `orders` in it, which protect what was bought: those with a target offer it."""
        offers = [one.terms.limit_price for one in orders if one.side is Side.SELL and not one.terms.type.has_trigger]
        known = [offer for offer in (self.our_offer, *offers) if offer is not None]
        return replace(self, our_offer=min(known, default=None))


def wants_more(order: Order) -> bool:
    """Tells whether the owner wants what `order` did not buy in time bought otherwise."""
    entry = order.signal.entry
    return entry is not None and entry.on_timeout is not OnTimeout.CANCEL and order.waits_to_buy


def follow_up(order: Order, instrument: Instrument, market: Market, limits: RiskLimits, now: datetime) -> Order | Reason | None:
    """Returns the order for what `order`, which has ended, did not buy, about to be sent; None if nothing is wanted or left, or
    why there is none.

    It asks for no more than was left, and never for more money: what the order before it did not spend at its limit is all that
    it may cost. It stays below the orders that sell what was bought: the exchange would end those.
    """
    entry, quote = order.signal.entry, market.quote
    if entry is None or not wants_more(order):
        return None
    leg = _next_leg(order)
    if entry.on_timeout is OnTimeout.REPRICE and leg.generation > MOST_CHASES:
        return reason("chases_used_up", count=MOST_CHASES)
    if entry.on_timeout is OnTimeout.REPRICE and quote is None:
        return reason("price_unknown", symbol=order.symbol)
    terms = _terms(entry, _highest(order, instrument, market, limits), instrument, quote)
    limit_price = terms.limit_price or ZERO
    if limit_price <= 0:
        return reason("price_unknown", symbol=order.symbol)
    left = order.qty - order.executed_qty
    qty = instrument.market_quantity(min(left, divide(money_left(order), limit_price)))
    if not _fits(qty, limit_price, instrument):
        return reason("rest_too_small", qty=plain(left), base=instrument.base)
    price = quote.ask if quote is not None else limit_price
    expires_at = now + entry.expires_in if terms.may_rest and entry.expires_in is not None else None
    following = replace(order, leg=leg, qty=qty, price=price, terms=terms, expires_at=expires_at)
    return _about_to_be_sent(replace(following, arrival_price=quote.middle if quote is not None else None), leg, now)


def _about_to_be_sent(order: Order, leg: PlanLeg, now: datetime) -> Order:
    """Returns an order of which nothing has happened yet."""
    return replace(
        order,
        client_order_id=leg.client_order_id,
        state=OrderState.SUBMITTED,
        created_at=now,
        updated_at=now,
        order_id=None,
        executed_qty=ZERO,
        quote_qty=ZERO,
        reason=None,
        booked=Booked(),
        sent_at=None,
        answered_at=None,
    )


def money_left(order: Order) -> Decimal:
    """Returns what `order` might still have spent at its limit, in quote asset."""
    return multiply(order.qty, order.terms.limit_price or ZERO) - order.quote_qty


def money_bound(order: Order) -> Decimal:
    """Returns what an entry that rests locks on the exchange, in quote asset: what it did not buy yet, at its limit."""
    return multiply(order.qty - order.executed_qty, order.terms.limit_price or ZERO)


def _next_leg(order: Order) -> PlanLeg:
    if order.leg is None:
        return PlanLeg(order.client_order_id, LegKind.ENTRY, 1, 1)
    return replace(order.leg, generation=order.leg.generation + 1)


def _highest(order: Order, instrument: Instrument, market: Market, limits: RiskLimits) -> Decimal:
    """Returns the most that the next order may pay, in quote asset."""
    edge = band_edge(order.signal.close, instrument, limits)
    return edge if market.our_offer is None else min(edge, market.our_offer - instrument.price_step)


def _terms(entry: LimitEntry, edge: Decimal, instrument: Instrument, quote: Quote | None) -> OrderTerms:
    if entry.on_timeout is OnTimeout.MARKET or quote is None:
        return within(edge)
    moved = floor_to_step(min(quote.bid, edge), instrument.price_step)
    return OrderTerms(entry.type, entry.time_in_force, moved)


def _fits(qty: Decimal, limit_price: Decimal, instrument: Instrument) -> bool:
    least = max(instrument.min_notional, instrument.resting.min_notional)
    return qty > 0 and qty >= instrument.least_market_qty and multiply(qty, limit_price) >= least
