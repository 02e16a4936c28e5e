"""Sizes market orders: the quantity that the settings ask for, within the symbol's own rules."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from core.domain.instrument import Instrument
from core.domain.money import EXACT, HUNDRED, divide, multiply, plain
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.policy.decision_context import RiskLimits, SizeRequest
from core.policy.exits.quantity import exit_quantity


@dataclass(frozen=True, slots=True)
class SizedOrder:
    """An order that is sized and not yet approved by the risk rules. `qty` in base asset; `price` in quote asset is the current
    one."""

    side: Side
    qty: Decimal
    price: Decimal

    @property
    def notional(self) -> Decimal:
        """Returns its worth, in quote asset."""
        return multiply(self.qty, self.price)


_USUAL = SizeRequest()
_ROOM = Decimal("0.9")
TAKER_FEE = Decimal("0.001")  # Binance's standard fee, taken out of what is bought


def size(
    side: Side,
    instrument: Instrument,
    price: Decimal,
    position: Position,
    limits: RiskLimits,
    *,
    price_known: bool = True,
    size_request: SizeRequest = _USUAL,
    free: Decimal | None = None,
) -> tuple[SizedOrder, Reason | None]:
    """Returns the order to ask for, and why the exchange would refuse it (filters.md: LOT_SIZE, MARKET_LOT_SIZE, NOTIONAL).

    An entry takes the `size_request`, else TRADE_QUOTE or TRADE_QTY. An exit takes the whole position, or as much of it as one
    order may: after fees taken in the base asset that is less than what was bought, and the exchange refuses to sell more
    (-2010). If `free` says that the exchange has less of it, it takes that. It is never refused for being worth too little: the
    exchange uses the average price of the last minutes, and will decide.
    """
    if side is Side.SELL:
        left = exit_quantity(position.qty, free)
        if left < position.qty and left < instrument.least_market_qty:
            return SizedOrder(side, instrument.market_quantity(left), price), reason(
                "nothing_free", free=plain(left), base=instrument.base
            )
        position = replace(position, qty=left)
    qty = multiply(_qty(side, price, position, limits, size_request), size_request.share)
    if side is Side.SELL:
        qty = min([qty, *_most(instrument, price if price_known else None)])
    sized = SizedOrder(side, instrument.market_quantity(qty), price)
    unfit = _unfit_quantity(sized, instrument)
    return sized, unfit or (_unfit_worth(sized, instrument, limits) if side is Side.BUY else None)


def _most(instrument: Instrument, price: Decimal | None) -> Iterator[Decimal]:
    """Yields the most that one order may sell, by quantity and, with room for a moving price, by worth."""
    if instrument.most_market_qty is not None:
        yield instrument.most_market_qty
    if instrument.max_notional is not None and price:
        least = max(instrument.least_market_qty, instrument.step_size, instrument.market_step_size)
        yield max(divide(multiply(instrument.max_notional, _ROOM), price), least)


def _qty(side: Side, price: Decimal, position: Position, limits: RiskLimits, size_request: SizeRequest) -> Decimal:
    if side is Side.SELL:
        return position.qty if size_request.qty is None else min(position.qty, size_request.qty)
    if size_request.qty is not None:
        return size_request.qty
    if size_request.quote is not None:
        return divide(size_request.quote, price)
    return limits.trade_qty if limits.trade_quote is None else divide(limits.trade_quote, price)


def _unfit_quantity(sized: SizedOrder, instrument: Instrument) -> Reason | None:
    if sized.qty <= 0 or sized.qty < instrument.least_market_qty:
        minimum = plain(max(instrument.least_market_qty, instrument.step_size))
        return reason("below_min_qty", qty=plain(sized.qty), base=instrument.base, minimum=minimum)
    most = instrument.most_market_qty
    if most is not None and sized.qty > most:
        return reason("above_max_qty", qty=plain(sized.qty), base=instrument.base, maximum=plain(most))
    return None


def _unfit_worth(sized: SizedOrder, instrument: Instrument, limits: RiskLimits) -> Reason | None:
    if sized.notional < instrument.min_notional:
        return reason(
            "below_min_notional", value=amount(sized.notional), quote=instrument.quote, minimum=plain(instrument.min_notional)
        )
    if instrument.max_notional is not None and sized.notional > instrument.max_notional:
        return reason(
            "above_max_notional", value=amount(sized.notional), quote=instrument.quote, maximum=plain(instrument.max_notional)
        )
    return _unsellable(sized, instrument, limits)


def _unsellable(sized: SizedOrder, instrument: Instrument, limits: RiskLimits) -> Reason | None:
    """Refuses a purchase that could not be sold again after its fee, and after a fall as large as PRICE_BAND_PCT."""
    left = instrument.market_quantity(multiply(sized.qty, 1 - TAKER_FEE))
    fallen = multiply(sized.price, 1 - divide(limits.price_band_pct, HUNDRED))
    worth = multiply(left, fallen)
    if left >= instrument.least_market_qty and worth >= instrument.min_notional:
        return None
    band, minimum = plain(limits.price_band_pct), plain(instrument.min_notional)
    return reason("unsellable", value=amount(worth), quote=instrument.quote, band=band, minimum=minimum)


def amount(value: Decimal) -> str:
    """Formats a quote amount for the reader: two decimals, or four significant digits below 1. Rounds down, so that what is too
    little never looks enough."""
    decimals = 2 if abs(value) >= 1 or not value else 3 - value.adjusted()
    return f"{value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN, context=EXACT):f}"
