"""The effect of an executed order on its position and profit: average cost including fees, net and gross profit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from core.domain.instrument import Instrument
from core.domain.money import EXACT, ZERO, divide, multiply, on_grid, per_cent
from core.domain.order import ExecutionReport, Fill, Order
from core.domain.position import Execution, Position, Trade
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class Fees:
    """The commissions of one order. `base` in base asset; `other` was paid in quote or a third asset, valued in quote asset;
    `base_value` is `base` at its fills' prices; `complete` is False if a third asset could not be valued."""

    base: Decimal
    base_value: Decimal
    other: Decimal
    complete: bool

    @property
    def value(self) -> Decimal:
        """Returns all of it in quote asset."""
        return self.base_value + self.other


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effects of an executed order; `trade` if it closed the position."""

    position: Position
    execution: Execution
    trade: Trade | None
    fee_value: Decimal | None


def add_up_fees(fills: Sequence[Fill], instrument: Instrument, rates: Mapping[str, Decimal]) -> Fees:
    """Adds up the fees. `rates` gives each third asset's price in quote asset at the time of the fills; a missing one is left
    out."""
    base = base_value = other = ZERO
    complete = True
    for fill in fills:
        if fill.fee_asset == instrument.base:
            base += fill.fee
            base_value += multiply(fill.fee, fill.price)
        elif fill.fee_asset == instrument.quote:
            other += fill.fee
        elif fill.fee_asset in rates:
            other += on_grid(multiply(fill.fee, rates[fill.fee_asset]))
        elif fill.fee:
            complete = False
    return Fees(base, base_value, other, complete)


def settle(
    order: Order, report: ExecutionReport, position: Position, instrument: Instrument, rates: Mapping[str, Decimal]
) -> Outcome:
    """Returns the position, the execution row and the closed trade that follow from `report`, whose fills must be complete."""
    with localcontext(EXACT):  # sums too: the usual 28 digits would round a cost above 1e12
        return _settle(order, report, position, instrument, rates)


def _settle(
    order: Order, report: ExecutionReport, position: Position, instrument: Instrument, rates: Mapping[str, Decimal]
) -> Outcome:
    fees = add_up_fees(report.fills, instrument, rates)
    after, profit, cost = (_enter if order.side is Side.BUY else _leave)(position, report, fees, instrument)
    gross = None if profit is None else after.trip_gross - position.trip_gross
    trade = None
    if order.side is Side.SELL and not after.is_open:
        trade = _close(after, order, report, instrument)
        after = Position(after.symbol, after.qty, after.cost, after.value)
    fee, fee_asset = _fee_columns(report.fills, fees, instrument)
    execution = Execution(
        execution_id=order.client_order_id,
        symbol=order.symbol,
        executed_at=report.at,
        side=order.side,
        qty=report.executed_qty,
        price=divide(report.quote_qty, report.executed_qty),
        profit_pct=None if profit is None else per_cent(profit, cost),
        signal_type=order.signal.signal_type,
        signal_id=order.signal.signal_id,
        client_order_id=order.client_order_id,
        order_id=report.order_id,
        quote_qty=report.quote_qty,
        fee=fee,
        fee_asset=fee_asset,
        profit_quote=profit,
        gross_quote=gross,
        base_asset=instrument.base,
        quote_asset=instrument.quote,
        trading_mode=order.trading_mode,
    )
    return Outcome(after, execution, trade, fees.value if fees.complete else None)


def _enter(
    position: Position, report: ExecutionReport, fees: Fees, instrument: Instrument
) -> tuple[Position, Decimal | None, Decimal]:
    after = replace(
        position,
        qty=position.qty + report.executed_qty - fees.base,
        cost=position.cost + report.quote_qty + fees.other,
        value=position.value + report.quote_qty - fees.base_value,
        opened_at=position.opened_at or report.at,
    )
    return replace(after, is_open=instrument.sellable(after.qty)), None, ZERO


def _leave(
    position: Position, report: ExecutionReport, fees: Fees, instrument: Instrument
) -> tuple[Position, Decimal | None, Decimal]:
    gone = min(report.executed_qty + fees.base, position.qty)
    if gone == position.qty:
        cost, value = position.cost, position.value
    else:
        cost = divide(multiply(position.cost, gone), position.qty)
        value = divide(multiply(position.value, gone), position.qty)
    # A base-asset fee that the position does not cover was paid from the owner's other coins.
    uncovered = min(max(report.executed_qty + fees.base - position.qty, ZERO), fees.base)
    price = divide(report.quote_qty, report.executed_qty)
    proceeds = report.quote_qty - fees.other - on_grid(multiply(uncovered, price))
    profit = proceeds - cost
    left = position.qty - gone
    after = replace(
        position,
        qty=left,
        cost=position.cost - cost,
        value=position.value - value,
        is_open=not instrument.is_remainder(left, price),
        trip_sold=position.trip_sold + report.executed_qty,
        trip_cost=position.trip_cost + cost,
        trip_proceeds=position.trip_proceeds + proceeds,
        trip_gross=position.trip_gross + report.quote_qty - value,
    )
    return after, profit, cost


def _close(position: Position, order: Order, report: ExecutionReport, instrument: Instrument) -> Trade:
    profit = position.trip_proceeds - position.trip_cost
    return Trade(
        trade_id=order.client_order_id,
        symbol=position.symbol,
        opened_at=position.opened_at or report.at,
        closed_at=report.at,
        qty=position.trip_sold,
        entry_cost=position.trip_cost,
        proceeds=position.trip_proceeds,
        profit=profit,
        profit_pct=per_cent(profit, position.trip_cost),
        gross=position.trip_gross,
        quote_asset=instrument.quote,
        trading_mode=order.trading_mode,
    )


def _fee_columns(fills: Sequence[Fill], fees: Fees, instrument: Instrument) -> tuple[Decimal, str]:
    """Returns `fee` and `fee_asset` of the row: as paid if in one asset, otherwise all of it valued in the quote asset."""
    assets = {fill.fee_asset for fill in fills if fill.fee}
    if len(assets) == 1:
        return sum((fill.fee for fill in fills), ZERO), assets.pop()
    return fees.value, instrument.quote
