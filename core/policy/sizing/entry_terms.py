"""The terms of an entry: up to which price it may fill, and whether it may rest."""

from decimal import Decimal

from core.domain.instrument import Instrument
from core.domain.limit_entry import LimitEntry
from core.domain.money import HUNDRED, divide, floor_to_step, multiply
from core.domain.order_terms import AT_MARKET, EntryStyle, OrderTerms, within
from core.policy.decision_context import RiskLimits


def entry_terms(reference: Decimal, instrument: Instrument, limits: RiskLimits, entry: LimitEntry | None = None) -> OrderTerms:
    """Returns the terms of an entry on a signal of the price `reference` (quote asset). By default it takes what is offered up to
    PRICE_BAND_PCT above that: then the exchange itself keeps the band, whatever the market does in the meantime. With an `entry`
    it has a limit of its own, rounded down to the symbol's tick: it never pays more than was asked."""
    if entry is not None:
        return OrderTerms(entry.type, entry.time_in_force, floor_to_step(entry.limit_price, instrument.price_step))
    if limits.entry_style is EntryStyle.MARKET:
        return AT_MARKET
    limit_price = band_edge(reference, instrument, limits)
    return within(limit_price) if limit_price > 0 else AT_MARKET


def band_edge(reference: Decimal, instrument: Instrument, limits: RiskLimits) -> Decimal:
    """Returns the most that an entry on a signal of the price `reference` may pay, in quote asset, on the symbol's tick."""
    return floor_to_step(multiply(reference, 1 + divide(limits.price_band_pct, HUNDRED)), instrument.price_step)
