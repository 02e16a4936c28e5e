"""Computes how much an entry asks for: as given, or counted from the equity and cut to what is allowed and free. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from core.domain.exit_plan import StopLoss
from core.domain.money import EXACT, HUNDRED, ZERO, divide, divide_down, multiply, plain
from core.domain.reasons import Reason, reason
from core.domain.trade_size import SizeCap, SizeKind, Sizing, TradeSize
from core.policy.conversion_rates import Rate
from core.policy.decision_context import RiskLimits
from core.policy.exits.bracket import level_price
from core.policy.funds import Funds
from core.policy.sizing.fees import TAKER_FEE


@dataclass(frozen=True, slots=True)
class EntryMoney:
    """The money that a computed size counts from: the account's funds, the rate of the quote asset in the report asset, and the
    stop of the entry's plan (None: it has none)."""

    funds: Funds
    rate: Rate
    stop: StopLoss | None


@dataclass(frozen=True, slots=True)
class EntrySize:
    """The quantity that an entry asks for, in base asset; with the computation behind it, if there was one."""

    qty: Decimal
    sizing: Sizing | None = None


def entry_size(size: TradeSize, worst: Decimal, money: EntryMoney | None, limits: RiskLimits) -> EntrySize | Reason:
    """Returns how much to buy at the `worst` price (quote asset) that the entry may fill at; or why that is unknown. An amount of
    quote asset buys what it pays even at that price."""
    if size.kind is SizeKind.QUOTE:
        return EntrySize(divide_down(size.amount, worst))
    if size.kind is SizeKind.QUANTITY:
        return EntrySize(size.amount)
    return reason("balances_unknown") if money is None else _computed(size, worst, money, limits)


def _computed(size: TradeSize, worst: Decimal, money: EntryMoney, limits: RiskLimits) -> EntrySize | Reason:
    """Returns the size that per cent of the equity come to, cut to MAX_ORDER_NOTIONAL and to what is free; or why there is
    none."""
    share = divide_down(multiply(money.funds.equity, size.amount), HUNDRED)
    amount = money.rate.within(share)
    qty, stop_pct = divide_down(amount, worst), None
    if size.kind is SizeKind.RISK:
        loss = _loss(money.stop, worst)
        if money.stop is None or loss is None:
            return reason("risk_without_stop", found=plain(size.amount))
        qty = divide_down(amount, loss)
        stop_pct = divide(multiply(EXACT.subtract(worst, level_price(money.stop.level, worst, -1)), HUNDRED), worst)
    wanted = money.rate.at_most(multiply(qty, worst))
    sizing = Sizing(size.kind, size.amount, money.funds.equity, wanted, limits.report_asset, stop_pct)
    return _cut(EntrySize(qty, sizing), sizing, worst, money, limits)


def _cut(wanted: EntrySize, sizing: Sizing, worst: Decimal, money: EntryMoney, limits: RiskLimits) -> EntrySize:
    """Returns the size within MAX_ORDER_NOTIONAL and what is free."""
    allowed = divide_down(money.rate.within(limits.max_order_notional), worst)
    paid = divide_down(money.funds.free, worst)
    qty = min(wanted.qty, allowed, paid)
    if qty == wanted.qty:
        return wanted
    cap = SizeCap.FREE if paid < allowed else SizeCap.NOTIONAL
    most = money.rate.at_worst(money.funds.free) if cap is SizeCap.FREE else limits.max_order_notional
    cut = Sizing(sizing.kind, sizing.pct, sizing.equity, sizing.wanted, sizing.report, sizing.stop_pct, cap, most)
    return EntrySize(qty, cut)


def _loss(stop: StopLoss | None, worst: Decimal) -> Decimal | None:
    """Returns what one unit bought at `worst` loses when its stop sells it, with both fees, in quote asset; None without a stop
    below that price."""
    if stop is None:
        return None
    trigger = level_price(stop.level, worst, -1)
    if not ZERO <= trigger < worst:
        return None
    kept = multiply(1 - TAKER_FEE, 1 - TAKER_FEE)
    return EXACT.subtract(worst, multiply(trigger, kept))
