"""The effect of an executed order on its position and profit: average cost including fees, net and gross profit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext

from core.domain.instrument import Instrument
from core.domain.money import EXACT, ZERO, divide, multiply, on_grid, per_cent
from core.domain.order import Booked, ExecutionReport, Fill, Order
from core.domain.position import Execution, Position, Trade
from core.domain.signal import ADOPTED, Side
from core.domain.trade_plan import TradePlan
from core.policy.execution_role import entry_id_of, plan_id_of, role_of


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
class Booking:
    """The effect of some fills: the position afterwards, and the trade if they closed it. `result` is of an exit alone."""

    position: Position
    result: Booked | None
    trade: Trade | None


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


def book(
    order: Order, part: ExecutionReport, position: Position, instrument: Instrument, rates: Mapping[str, Decimal]
) -> Booking:
    """Returns the effect of `part`: the fills of `order` that are not in `position` yet, which must be complete, and none others.
    An order that stays open closes no position: it may still sell the rest."""
    with localcontext(EXACT):  # sums too: the usual 28 digits would round a cost above 1e12
        return _book(order, part, position, instrument, rates)


def _book(
    order: Order, part: ExecutionReport, position: Position, instrument: Instrument, rates: Mapping[str, Decimal]
) -> Booking:
    fees = add_up_fees(part.fills, instrument, rates)
    if order.side is Side.BUY:
        if not part.executed_qty:  # it bought nothing: no entry is counted, and no position opened
            return Booking(position, None, None)
        after = _enter(position, part, fees, instrument)
        if part.executed_qty == order.executed_qty:  # its first fills: those of two entries may come by turns
            after = _counted(after, order, position)
        # What was ordered is held whatever it is worth; a part of it may be so little that no order could sell it again.
        is_scrap = order.executed_qty < order.qty and instrument.is_remainder(after.qty, order.average_price)
        return Booking(replace(after, is_open=after.is_open and (position.is_open or not is_scrap)), None, None)
    if not order.executed_qty:  # it sold nothing: the position is as it was
        return Booking(position, Booked(), None)
    after, result = _leave(position, part, fees)
    price = divide(order.quote_qty, order.executed_qty)
    after = replace(after, is_open=not instrument.is_remainder(after.qty, price) if part.state.final else after.qty > 0)
    if after.is_open or not after.trip_sold:
        return Booking(after, result, None)
    trade = _close(after, order, part, instrument)
    return Booking(replace(Position.empty(after.book), qty=after.qty, cost=after.cost, value=after.value), result, trade)


def execution_of(
    order: Order, report: ExecutionReport, instrument: Instrument, rates: Mapping[str, Decimal], plan: TradePlan | None = None
) -> tuple[Execution, Decimal | None]:
    """Returns the execution row of an order that is at its end, all of whose fills are booked, and its fee in quote asset (None
    if a fee could not be valued). `plan` is that of the position."""
    with localcontext(EXACT):
        fees = add_up_fees(report.fills, instrument, rates)
        is_exit = order.side is Side.SELL
        fee, fee_asset = _fee_columns(report.fills, fees, instrument)
        execution = Execution(
            execution_id=order.client_order_id,
            symbol=order.symbol,
            executed_at=report.at,
            side=order.side,
            qty=report.executed_qty,
            price=divide(report.quote_qty, report.executed_qty),
            profit_pct=per_cent(order.booked.profit, order.booked.cost) if is_exit else None,
            signal_type=order.signal.signal_type,
            signal_id=order.signal.signal_id,
            client_order_id=order.client_order_id,
            order_id=report.order_id,
            quote_qty=report.quote_qty,
            fee=fee,
            fee_asset=fee_asset,
            profit_quote=order.booked.profit if is_exit else None,
            gross_quote=order.booked.gross if is_exit else None,
            base_asset=instrument.base,
            quote_asset=instrument.quote,
            trading_mode=order.trading_mode,
            strategy=order.signal.strategy,
            role=role_of(order),
            plan_id=plan_id_of(order, plan),
            signal_price=order.signal.close if order.signal.source != ADOPTED else None,
            arrival_price=order.arrival_price,
            asked_qty=order.qty,
            fee_quote=fees.value if fees.complete else None,
        )
        return execution, execution.fee_quote


def settle(
    order: Order, report: ExecutionReport, position: Position, instrument: Instrument, rates: Mapping[str, Decimal]
) -> Outcome:
    """Returns the position, the execution row and the closed trade that follow from `report`, whose fills must be complete, of an
    order that is at its end and of which nothing is booked yet."""
    order = replace(order, executed_qty=report.executed_qty, quote_qty=report.quote_qty)
    booking = book(order, report, position, instrument, rates)
    execution, fee_value = execution_of(replace(order, booked=booking.result or Booked()), report, instrument, rates)
    return Outcome(booking.position, execution, booking.trade, fee_value)


def more(before: Booked, result: Booked) -> Booked:
    """Returns the sums with one more result."""
    with localcontext(EXACT):
        return Booked(before.profit + result.profit, before.cost + result.cost, before.gross + result.gross)


def _enter(position: Position, report: ExecutionReport, fees: Fees, instrument: Instrument) -> Position:
    after = replace(
        position,
        qty=position.qty + report.executed_qty - fees.base,
        cost=position.cost + report.quote_qty + fees.other,
        value=position.value + report.quote_qty - fees.base_value,
        opened_at=position.opened_at or report.at,
    )
    return replace(after, is_open=instrument.sellable(after.qty))


def _counted(after: Position, order: Order, before: Position) -> Position:
    """Returns the position with its entries counted: one that fills in parts, or by several orders, is one."""
    name = entry_id_of(order)
    if name == before.last_entry:
        return after
    return replace(after, entries=before.entry_count + 1, last_entry=name)


def _leave(position: Position, report: ExecutionReport, fees: Fees) -> tuple[Position, Booked]:
    if not report.executed_qty:
        return position, Booked()
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
    gross = report.quote_qty - value
    after = replace(
        position,
        qty=position.qty - gone,
        cost=position.cost - cost,
        value=position.value - value,
        trip_sold=position.trip_sold + report.executed_qty,
        trip_cost=position.trip_cost + cost,
        trip_proceeds=position.trip_proceeds + proceeds,
        trip_gross=position.trip_gross + gross,
    )
    return after, Booked(proceeds - cost, cost, gross)


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
        strategy=position.strategy,
    )


def _fee_columns(fills: Sequence[Fill], fees: Fees, instrument: Instrument) -> tuple[Decimal, str]:
    """Returns `fee` and `fee_asset` of the row: as paid if in one asset, otherwise all of it valued in the quote asset."""
    assets = {fill.fee_asset for fill in fills if fill.fee}
    if len(assets) == 1:
        return sum((fill.fee for fill in fills), ZERO), assets.pop()
    return fees.value, instrument.quote
