"""Ledger and exchange side by side: what they disagree about, in words. Changes neither."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from core.domain.errors import SymbolUnknown
from core.domain.instrument import Balance, Instrument
from core.domain.money import ZERO, plain
from core.domain.order import ExecutionReport, Order
from core.domain.position import Position
from core.domain.reasons import Reason, reason
from core.domain.signal import OUR_PREFIX
from core.leisure import Leisure
from core.ports import Venue

RECENT = 100
"""The newest orders of a symbol that are compared."""
KnownOrders = Callable[[Sequence[str]], Awaitable[Mapping[str, Order]]]


@dataclass(slots=True)
class Comparison:
    """`differences` are what must not be; `notes` what the owner may want to know."""

    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def compare(
    venue: Venue,
    *,
    positions: Sequence[Position],
    in_flight: Sequence[Order],
    instruments: Mapping[str, Instrument],
    known: KnownOrders,
    leisure: Leisure,
) -> Comparison:
    """Compares holdings, the newest orders of each symbol of `instruments`, and open orders. `known` gives the ledger's orders by
    client order id. Raises ExchangeUnavailable."""
    found = Comparison()
    balances = await leisure.ask(venue.balances)
    for symbol, instrument in sorted(instruments.items()):
        held = sum((one.qty for one in positions if _base(one, instruments) == instrument.base), ZERO)
        try:
            reports = await leisure.ask(partial(venue.recent_orders, symbol, RECENT))
        except SymbolUnknown:
            found.notes.append(f"{symbol}: orders not compared, the exchange knows no such symbol (any more)")
            continue
        orders = await known([report.client_order_id for report in reports])
        differences = differences_of(instrument, held, balances, reports, orders)
        found.differences += [f"{symbol}: {difference}" for difference in differences]
        more = total(balances, instrument.base) - held
        if held and more > 0:
            found.notes.append(f"the exchange holds {plain(more)} {instrument.base} more than the ledger: yours, left alone")
    for position in positions:
        if position.qty and position.symbol not in instruments:
            found.differences.append(
                f"{position.symbol}: {plain(position.qty)} in the ledger, but the exchange knows no such symbol (any more)"
            )
    for order in in_flight:
        found.differences.append(f"{order.symbol}: order {order.client_order_id} is not settled ({order.state})")
    _compare_open_orders(await leisure.ask(venue.open_orders), {order.client_order_id for order in in_flight}, found)
    return found


def differences_of_gone(position: Position) -> list[Reason]:
    """What there is to say of a symbol that the exchange knows no more: what is held of it can be sold by nobody."""
    return [reason("symbol_gone", symbol=position.symbol, qty=plain(position.qty))] if position.qty else []


def _base(position: Position, instruments: Mapping[str, Instrument]) -> str | None:
    instrument = instruments.get(position.symbol)
    return instrument.base if instrument else None


def total(balances: Mapping[str, Balance], asset: str) -> Decimal:
    """All that the exchange holds of `asset`, bound in orders or not."""
    balance = balances.get(asset)
    return balance.total if balance else ZERO


def differences_of(
    instrument: Instrument,
    held: Decimal,
    balances: Mapping[str, Balance],
    reports: Sequence[ExecutionReport],
    orders: Mapping[str, Order],
) -> list[Reason]:
    """What ledger and exchange disagree about in one symbol. `held` (base asset) is the sum of the ledger's positions in its base
    asset, `reports` are the exchange's newest orders, `orders` those of them that the ledger knows.

    More coins than the ledger has are the owner's own, and so are orders without our mark.
    """
    found = []
    missing = held - total(balances, instrument.base)
    if missing > 0 and missing >= instrument.step_size:
        found.append(reason("less_than_ledger", qty=plain(missing), asset=instrument.base))
    for report in reports:
        order = orders.get(report.client_order_id)
        if order is None:
            if report.client_order_id.startswith(OUR_PREFIX) and report.executed_qty:
                found.append(reason("order_unknown", order_id=report.order_id))
        elif not order.state.in_flight and order.executed_qty != report.executed_qty:
            ours, theirs = plain(order.executed_qty), plain(report.executed_qty)
            found.append(reason("order_differs", order_id=report.order_id, ours=ours, theirs=theirs))
    return found


def _compare_open_orders(open_orders: Sequence[ExecutionReport], ours: Collection[str], found: Comparison) -> None:
    for report in open_orders:
        if report.client_order_id in ours:
            continue
        text = f"{report.symbol}: open order {report.order_id} ({report.side}) on the exchange"
        if report.client_order_id.startswith(OUR_PREFIX):
            found.differences.append(f"{text} has our mark and is not in this ledger: another MarketFlow?")
        else:
            found.notes.append(f"{text} is not ours: left alone")
