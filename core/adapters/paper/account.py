"""The paper account while one commit is prepared: what changes, and what is free and locked then. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from core.adapters.paper.matching import move, reaches
from core.adapters.paper.paper_book import PaperOrder, PaperState, Resting
from core.domain.assets import FEE_COIN
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO, floor_to_step, multiply
from core.domain.order import ExecutionReport, Fill, OrderRequest
from core.domain.order_state_machine import OrderState
from core.domain.order_terms import TimeInForce
from core.domain.signal import Side
from core.domain.strategy_book import strategy_number

# user-data-stream.md, "Order Expiry Reason"
_OTHER_LEG = "OCO_TRIGGER"
_UNFILLED_IOC = "UNFILLED_IOC_QUANTITY_EXPIRED"
_UNFILLED_FOK = "UNFILLED_FOK_ORDER_EXPIRED"
_UNPAID = "REJECTED"
NOT_PLACED = "REJECTED"
"""The end of an exit that could not be placed once its entry had filled."""
ENTRY_MISSED = "OTO_PHASE_ONE_EXPIRED"
"""The end of an exit whose entry has not filled."""

_PRECISION = Decimal("1e-8")  # Binance's finest unit; anything smaller is truncated


class PaperAccount:
    """A copy of the state that orders are placed, filled and ended in. `fee` is a fraction of what is received; `now` dates all
    that happens. Only `changed` and `balances` are to be recorded."""

    def __init__(self, state: PaperState, fee: Decimal, now: datetime) -> None:
        self.balances = dict(state.balances)
        self.changed: dict[str, PaperOrder] = {}
        self._open = {order.report.order_id: order for order in state.resting}
        self._next_order_id = state.next_order_id
        self._fee = fee
        self._now = now

    @property
    def state(self) -> PaperState:
        """Returns the state after the commit."""
        return PaperState(self.balances, self._next_order_id, tuple(self._open.values()))

    def open_of(self, symbol: str) -> list[PaperOrder]:
        """Returns the open orders of `symbol`, oldest first."""
        return [order for order in self._open.values() if order.report.symbol == symbol]

    def free(self, asset: str) -> Decimal:
        """Returns how much of `asset` no open order binds."""
        return self.balances.get(asset, ZERO) - locked(self.state).get(asset, ZERO)

    def add(self, request: OrderRequest, rules: Instrument, worth: Decimal, list_id: str = "") -> PaperOrder:
        """Opens an order; a BUY locks `worth` (quote asset)."""
        report = ExecutionReport(
            client_order_id=request.client_order_id,
            order_id=str(self._next_order_id),
            symbol=request.symbol,
            side=request.side,
            state=OrderState.ACCEPTED,
            executed_qty=ZERO,
            quote_qty=ZERO,
            at=self._now,
            mark=request.mark,
            strategy_number=strategy_number(request.strategy),
            qty=request.qty,
            terms=request.terms,
        )
        self._next_order_id += 1
        bound = worth if request.side is Side.BUY else request.qty
        order = PaperOrder(report, Resting(request.terms, rules.base, rules.quote, bound, list_id))
        self._keep(order)
        return order

    def execute(self, order: PaperOrder, price: Decimal) -> None:
        """Lets a new order take what the market offers at `price` (quote asset); what cannot, rests or expires."""
        resting = _open(order)
        if resting.awaits_trigger:
            return
        if reaches(resting.terms, order.report.side, price):
            self._fill(order, price)
        elif resting.terms.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
            self._expire(order)

    def follow(self, quote: Quote) -> None:
        """Shows the market's prices to the open orders of its symbol, oldest first."""
        for order in self.open_of(quote.symbol):
            if order.report.order_id not in self._open:
                continue  # the other leg of its list began before it
            resting, side = _open(order), order.report.side
            moved = move(resting, side, quote.price_for(side))
            followed = replace(order, resting=moved.resting)
            if moved.price is not None or moved.resting.triggered:
                self._end_others(order, OrderState.EXPIRED, _OTHER_LEG)
            if moved.price is not None:
                self._fill(followed, moved.price)
            elif moved.expires:
                self._expire(followed)
            elif moved.resting is not resting:
                self._keep(followed)

    def add_ended(self, request: OrderRequest, rules: Instrument, why: str) -> PaperOrder:
        """Adds an exit that never came to wait for its price: it ends for the reason `why`."""
        order = self.add(request, rules, ZERO)
        self._end(order, OrderState.EXPIRED, why)
        return order

    def received(self, entry: ExecutionReport, free_before: Decimal) -> Decimal:
        """Returns how much of the base asset an entry has brought for its exits. Its commission comes out of that only if too
        little was free before, or it is BNB (faqs/opo.md)."""
        fee = sum((fill.fee for fill in entry.fills), ZERO)
        from_free = free_before >= fee and all(fill.fee_asset != FEE_COIN for fill in entry.fills)
        return entry.executed_qty if from_free else entry.executed_qty - fee

    def cancel(self, order: PaperOrder) -> None:
        """Cancels an open order, and with a leg its list."""
        self._end_others(order, OrderState.CANCELED)
        self._end(order, OrderState.CANCELED)

    def _end_others(self, order: PaperOrder, state: OrderState, why: str = "") -> None:
        list_id = _open(order).list_id
        for other in list(self._open.values()):
            if list_id and other is not order and _open(other).list_id == list_id:
                self._end(other, state, why)

    def _fill(self, order: PaperOrder, price: Decimal) -> None:
        """Fills the whole order, unless a stop to buy costs more than it locked and the account has free: that one expires."""
        report, resting = order.report, _open(order)
        del self._open[report.order_id]  # what it locked pays for it
        worth = worth_of(report.qty, price)
        paid, given = (resting.quote, worth) if report.side is Side.BUY else (resting.base, report.qty)
        got, received = (resting.base, report.qty) if report.side is Side.BUY else (resting.quote, worth)
        if self.free(paid) < given:
            self._end(order, OrderState.EXPIRED, _UNPAID)
            return
        fee = floor_to_step(multiply(received, self._fee), _PRECISION)
        fill = Fill(report.symbol, report.order_id, price, report.qty, fee, got, self._now)
        self.balances[paid] = self.balances.get(paid, ZERO) - given
        self.balances[got] = self.balances.get(got, ZERO) + received - fee
        done = replace(report, state=OrderState.FILLED, executed_qty=report.qty, quote_qty=worth, at=self._now, fills=(fill,))
        self._keep(PaperOrder(done))

    def _expire(self, order: PaperOrder) -> None:
        """Ends an order that found nothing within its limit and may not rest."""
        fok = _open(order).terms.time_in_force is TimeInForce.FOK
        self._end(order, OrderState.EXPIRED, _UNFILLED_FOK if fok else _UNFILLED_IOC)

    def _end(self, order: PaperOrder, state: OrderState, why: str = "") -> None:
        self._keep(PaperOrder(replace(order.report, state=state, at=self._now, expiry_reason=why)))

    def _keep(self, order: PaperOrder) -> None:
        order_id = order.report.order_id
        self.changed[order_id] = order
        if order.resting is None:
            self._open.pop(order_id, None)
        else:
            self._open[order_id] = order


def worth_of(qty: Decimal, price: Decimal) -> Decimal:
    """Returns what `qty` (base asset) costs at `price`, in quote asset."""
    return floor_to_step(multiply(qty, price), _PRECISION)


def locked(state: PaperState) -> Mapping[str, Decimal]:
    """Returns what the open orders bind, by asset; a list binds what its larger leg needs."""
    groups: dict[tuple[str, str], Decimal] = {}
    for order in state.resting:
        asset, amount = order.locks
        group = (asset, _open(order).list_id or order.report.order_id)
        groups[group] = max(groups.get(group, ZERO), amount)
    found: dict[str, Decimal] = {}
    for (asset, _), amount in groups.items():
        found[asset] = found.get(asset, ZERO) + amount
    return found


def balances_of(state: PaperState) -> Mapping[str, Balance]:
    """Returns every balance that is not 0, by asset."""
    bound = locked(state)
    return {
        asset: Balance(asset, total - bound.get(asset, ZERO), bound.get(asset, ZERO))
        for asset, total in state.balances.items()
        if total
    }


def _open(order: PaperOrder) -> Resting:
    if order.resting is None:
        raise ValueError(f"order {order.report.order_id} is over")
    return order.resting
