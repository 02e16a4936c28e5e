"""First in, first out: which purchase each sale disposes of, and what was gained by it. Pure, exact."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import ZERO, divide, multiply
from core.domain.position import Execution
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of one purchase: `qty` in base asset, `cost` in quote asset, fees included."""

    symbol: str
    execution_id: str
    acquired_at: datetime
    qty: Decimal
    cost: Decimal
    fee_asset: str


@dataclass(frozen=True, slots=True)
class Disposal:
    """A sale of (a part of) one lot. `proceeds` (net of fees), `cost` and `gain` in quote asset. `acquired_at` is None and the
    cost 0 where the ledger knows no purchase of what was sold."""

    symbol: str
    qty: Decimal
    acquired_at: datetime | None
    disposed_at: datetime
    cost: Decimal
    proceeds: Decimal
    gain: Decimal
    quote_asset: str
    bought_by: str
    sold_by: str
    fee_assets: str


def lots_of(executions: Iterable[Execution]) -> tuple[list[Disposal], list[Lot]]:
    """Every disposal in the order of the sales, and the lots that are left. `executions` come in their order.

    A fee in the base asset lowers what was acquired, or is disposed of with what was sold; one in the quote asset raises the cost
    or lowers the proceeds; one in another asset is named beside the lot. The last part of a lot takes what rounding left, so that
    nothing is lost.
    """
    open_lots: dict[str, deque[Lot]] = {}
    disposals: list[Disposal] = []
    for done in executions:
        lots = open_lots.setdefault(done.symbol, deque())
        if done.side is Side.BUY:
            lots.append(_bought(done))
        else:
            disposals += _sold(done, lots)
    return disposals, [lot for lots in open_lots.values() for lot in lots]


def _bought(done: Execution) -> Lot:
    qty = done.qty - done.fee if done.fee_asset == done.base_asset else done.qty
    cost = done.quote_qty + done.fee if done.fee_asset == done.quote_asset else done.quote_qty
    return Lot(done.symbol, done.execution_id, done.executed_at, qty, cost, done.fee_asset)


def _sold(done: Execution, lots: deque[Lot]) -> list[Disposal]:
    # A fee in what is sold leaves the lots too: it is disposed of for nothing.
    left = done.qty + done.fee if done.fee_asset == done.base_asset else done.qty
    proceeds = _proceeds(done)
    found: list[Disposal] = []
    while left > 0 and lots:
        lot = lots.popleft()
        qty = min(left, lot.qty)
        cost = lot.cost if qty == lot.qty else divide(multiply(lot.cost, qty), lot.qty)
        part = proceeds if qty == left else divide(multiply(proceeds, qty), left)
        if qty < lot.qty:
            lots.appendleft(Lot(lot.symbol, lot.execution_id, lot.acquired_at, lot.qty - qty, lot.cost - cost, lot.fee_asset))
        found.append(_disposal(done, lot, qty, cost, part))
        left, proceeds = left - qty, proceeds - part
    if left > 0:
        found.append(_disposal(done, None, left, ZERO, proceeds))
    return found


def _proceeds(done: Execution) -> Decimal:
    return done.quote_qty - done.fee if done.fee_asset == done.quote_asset else done.quote_qty


def _disposal(done: Execution, lot: Lot | None, qty: Decimal, cost: Decimal, proceeds: Decimal) -> Disposal:
    assets = {done.fee_asset, lot.fee_asset if lot is not None else done.fee_asset}
    return Disposal(
        symbol=done.symbol,
        qty=qty,
        acquired_at=lot.acquired_at if lot is not None else None,
        disposed_at=done.executed_at,
        cost=cost,
        proceeds=proceeds,
        gain=proceeds - cost,
        quote_asset=done.quote_asset,
        bought_by=lot.execution_id if lot is not None else "",
        sold_by=done.execution_id,
        fee_assets=" ".join(sorted(asset for asset in assets if asset)),
    )
