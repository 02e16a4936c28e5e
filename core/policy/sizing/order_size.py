"""Sizes orders: the quantity that the settings ask for, within the symbol's own rules."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from core.domain.entry_way import EntryWay
from core.domain.instrument import Instrument
from core.domain.limit_entry import LimitEntry
from core.domain.money import HUNDRED, ZERO, amount, divide, multiply, plain
from core.domain.order_terms import AT_MARKET, OrderTerms
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import Side
from core.domain.trade_size import SizeCap, SizeKind, Sizing, TradeSize
from core.policy.decision_context import RiskLimits, SizeRequest
from core.policy.exits.quantity import exit_quantity
from core.policy.sizing.entry_size import EntryMoney, entry_size
from core.policy.sizing.entry_terms import entry_terms
from core.policy.sizing.fees import TAKER_FEE


@dataclass(frozen=True, slots=True)
class SizedOrder:
    """An order that is sized and not yet approved by the risk rules. `qty` in base asset; `price` in quote asset is the current
    one. `sizing` is how the quantity was computed, where it was; `way` is that of an entry with a plan."""

    side: Side
    qty: Decimal
    price: Decimal
    terms: OrderTerms = AT_MARKET
    sizing: Sizing | None = None
    way: EntryWay | None = None

    @property
    def worst_price(self) -> Decimal:
        """Returns the price that it may fill at in the worst case, as far as that is limited; in quote asset."""
        return self.price if self.terms.limit_price is None else self.terms.limit_price

    @property
    def expected_price(self) -> Decimal:
        """Returns the price (quote asset) that it is expected to fill at: the market's, or its own limit where that is lower."""
        return min(self.price, self.worst_price)

    @property
    def notional(self) -> Decimal:
        """Returns the most that it may be worth, in quote asset."""
        return multiply(self.qty, self.worst_price)


_USUAL = SizeRequest()
_ROOM = Decimal("0.9")
_TOO_SMALL = frozenset({"below_min_qty", "below_min_notional", "unsellable"})


def size(
    side: Side,
    instrument: Instrument,
    price: Decimal,
    position: Position,
    limits: RiskLimits,
    *,
    price_known: bool = True,
    reference: Decimal | None = None,
    size_request: SizeRequest = _USUAL,
    free: Decimal | None = None,
    entry: LimitEntry | None = None,
    asked: TradeSize | None = None,
    money: EntryMoney | None = None,
) -> tuple[SizedOrder, Reason | None]:
    """Returns the order to ask for, and why the exchange would refuse it (filters.md: LOT_SIZE, MARKET_LOT_SIZE, NOTIONAL).

    An entry takes the `size_request`, else what is `asked`, else the settings' size; `money` is what per cent of the equity count
    from. Its price band counts from the signal's price, `reference` (None: the current one); one with an `entry` has a limit of
    its own instead. Where the size is an amount of quote asset, no more is spent, even at the limit.

    An exit takes the whole position, or as much of it as one order may: after fees taken in the base asset that is less than what
    was bought, and the exchange refuses to sell more (-2010). If `free` says that the exchange has less of it, it takes that. It
    is never refused for being worth too little: the exchange uses the average price of the last minutes, and will decide.
    """
    if side is Side.SELL:
        return _exit(instrument, price, position, price_known=price_known, size_request=size_request, free=free)
    nothing_yet = SizedOrder(side, ZERO, price, entry_terms(reference or price, instrument, limits, entry))
    if not nothing_yet.worst_price:  # a limit below the symbol's tick buys nothing
        return nothing_yet, _unfit_quantity(nothing_yet, instrument)
    wanted = entry_size(_asked(size_request, asked or limits.size), nothing_yet.worst_price, money, limits)
    if isinstance(wanted, Reason):
        return nothing_yet, wanted
    qty = instrument.market_quantity(multiply(wanted.qty, size_request.share))
    sized = replace(nothing_yet, qty=qty, sizing=wanted.sizing)
    return sized, _unfit(sized, instrument, limits, money)


def _sold(position: Position, size_request: SizeRequest) -> Decimal:
    return position.qty if size_request.qty is None else min(position.qty, size_request.qty)


def _exit(
    instrument: Instrument,
    price: Decimal,
    position: Position,
    *,
    price_known: bool,
    size_request: SizeRequest,
    free: Decimal | None,
) -> tuple[SizedOrder, Reason | None]:
    left = exit_quantity(position.qty, free)
    if left < position.qty and left < instrument.least_market_qty:
        nothing = reason("nothing_free", free=plain(left), base=instrument.base)
        return SizedOrder(Side.SELL, instrument.market_quantity(left), price), nothing
    wanted = multiply(_sold(replace(position, qty=left), size_request), size_request.share)
    qty = min([wanted, *_most(instrument, price if price_known else None)])
    sized = SizedOrder(Side.SELL, instrument.market_quantity(qty), price)
    return sized, _unfit_quantity(sized, instrument)


def _asked(size_request: SizeRequest, asked: TradeSize) -> TradeSize:
    if size_request.qty is not None:
        return TradeSize(SizeKind.QUANTITY, size_request.qty)
    return TradeSize(SizeKind.QUOTE, size_request.quote) if size_request.quote is not None else asked


def _unfit(sized: SizedOrder, instrument: Instrument, limits: RiskLimits, money: EntryMoney | None) -> Reason | None:
    """Returns why an entry is unfit: too little money, where that is what made it small."""
    unfit = _unfit_quantity(sized, instrument) or _unfit_worth(sized, instrument, limits)
    is_cut = sized.sizing is not None and sized.sizing.cap is SizeCap.FREE
    if unfit is None or unfit.code not in _TOO_SMALL or money is None or not is_cut:
        return unfit
    return reason("nothing_to_spend", free=amount(money.funds.free), quote=instrument.quote)


def _most(instrument: Instrument, price: Decimal | None) -> Iterator[Decimal]:
    """Yields the most that one order may sell, by quantity and, with room for a moving price, by worth."""
    if instrument.most_market_qty is not None:
        yield instrument.most_market_qty
    if instrument.max_notional is not None and price:
        least = max(instrument.least_market_qty, instrument.step_size, instrument.market_step_size)
        yield max(divide(multiply(instrument.max_notional, _ROOM), price), least)


def _unfit_quantity(sized: SizedOrder, instrument: Instrument) -> Reason | None:
    if sized.qty <= 0 or sized.qty < instrument.least_market_qty:
        minimum = plain(max(instrument.least_market_qty, instrument.step_size))
        return reason("below_min_qty", qty=plain(sized.qty), base=instrument.base, minimum=minimum)
    most = instrument.most_market_qty
    if most is not None and sized.qty > most:
        return reason("above_max_qty", qty=plain(sized.qty), base=instrument.base, maximum=plain(most))
    return None


def _unfit_worth(sized: SizedOrder, instrument: Instrument, limits: RiskLimits) -> Reason | None:
    worth = multiply(sized.qty, sized.expected_price)
    if worth < instrument.min_notional:
        return reason("below_min_notional", value=amount(worth), quote=instrument.quote, minimum=plain(instrument.min_notional))
    if instrument.max_notional is not None and sized.notional > instrument.max_notional:
        return reason(
            "above_max_notional", value=amount(sized.notional), quote=instrument.quote, maximum=plain(instrument.max_notional)
        )
    return _unsellable(sized, instrument, limits)


def _unsellable(sized: SizedOrder, instrument: Instrument, limits: RiskLimits) -> Reason | None:
    """Refuses a purchase that could not be sold again after its fee, and after a fall as large as PRICE_BAND_PCT."""
    left = instrument.market_quantity(multiply(sized.qty, 1 - TAKER_FEE))
    fallen = multiply(sized.expected_price, 1 - divide(limits.price_band_pct, HUNDRED))
    worth = multiply(left, fallen)
    if left >= instrument.least_market_qty and worth >= instrument.min_notional:
        return None
    band, minimum = plain(limits.price_band_pct), plain(instrument.min_notional)
    return reason("unsellable", value=amount(worth), quote=instrument.quote, band=band, minimum=minimum)
