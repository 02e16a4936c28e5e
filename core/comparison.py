"""Ledger and exchange side by side: what they disagree about, in words. Changes neither."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from core.domain.instrument import Balance, Instrument
from core.domain.money import ZERO, plain
from core.domain.order import ExecutionReport, Order
from core.domain.position import Execution, Position
from core.ports import Venue

OUR_PREFIX = "mf-"


@dataclass(slots=True)
class Comparison:
    """`differences` are what must not be; `notes` what the owner may want to know."""

    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def compare(
    venue: Venue,
    *,
    positions: Sequence[Position],
    executions: Sequence[Execution],
    in_flight: Sequence[Order],
    instruments: Mapping[str, Instrument],
) -> Comparison:
    """Compares holdings, the given executions with their fees, and open orders. Raises ExchangeUnavailable."""
    found = Comparison()
    _compare_holdings(positions, instruments, await venue.balances(), found)
    for execution in executions:
        await _compare_execution(execution, venue, found)
    for order in in_flight:
        found.differences.append(f"{order.symbol}: order {order.client_order_id} is not settled ({order.state})")
    _compare_open_orders(await venue.open_orders(), {order.client_order_id for order in in_flight}, found)
    return found


def _compare_holdings(
    positions: Sequence[Position], instruments: Mapping[str, Instrument], balances: Mapping[str, Balance], found: Comparison
) -> None:
    held: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for position in positions:
        if position.symbol in instruments:
            held[instruments[position.symbol].base] += position.qty
        elif position.qty:
            found.differences.append(
                f"{position.symbol}: {plain(position.qty)} in the ledger, but the exchange knows no such symbol"
            )
    for asset, qty in sorted(held.items()):
        balance = balances.get(asset)
        there = balance.free + balance.locked if balance else ZERO
        if there < qty:
            found.differences.append(f"the exchange holds {plain(qty - there)} {asset} less than the ledger: sold elsewhere?")
        elif there > qty:
            found.notes.append(f"the exchange holds {plain(there - qty)} {asset} more than the ledger: yours, left alone")


async def _compare_execution(execution: Execution, venue: Venue, found: Comparison) -> None:
    what = f"{execution.symbol}: order {execution.order_id}"
    report = await venue.find_order(execution.symbol, execution.client_order_id)
    if report is None:
        found.differences.append(f"{what} is in the ledger, the exchange does not know it")
        return
    for name, ours, theirs in (
        ("order id", execution.order_id, report.order_id),
        ("quantity", plain(execution.qty), plain(report.executed_qty)),
        ("quote amount", plain(execution.quote_qty), plain(report.quote_qty)),
    ):
        if ours != theirs:
            found.differences.append(f"{what}: {name} is {ours} in the ledger, {theirs} on the exchange")
    fills = await venue.fills(execution.symbol, execution.order_id)
    fees: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in fills:
        fees[fill.fee_asset] += fill.fee
    if set(fees) == {execution.fee_asset} and fees[execution.fee_asset] != execution.fee:
        theirs = plain(fees[execution.fee_asset])
        found.differences.append(
            f"{what}: fee is {plain(execution.fee)} {execution.fee_asset} in the ledger, {theirs} on the exchange"
        )


def _compare_open_orders(open_orders: Sequence[ExecutionReport], ours: Collection[str], found: Comparison) -> None:
    for report in open_orders:
        if report.client_order_id in ours:
            continue
        text = f"{report.symbol}: open order {report.order_id} ({report.side}) on the exchange"
        if report.client_order_id.startswith(OUR_PREFIX):
            found.differences.append(f"{text} has our mark and is not in this ledger: another MarketFlow?")
        else:
            found.notes.append(f"{text} is not ours: left alone")
