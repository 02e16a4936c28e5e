"""FIFO tax lots: which purchase each sale disposes of, and its gain. Pure, exact, one execution at a time."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from core.domain.money import EXACT, ZERO, divide, multiply
from core.domain.position import Execution
from core.domain.signal import Side


@dataclass(frozen=True, slots=True)
class Valued:
    """An execution, and the value of its fee in quote asset at settlement, if it was paid in a third asset; None if no price was
    known then."""

    execution: Execution
    third_fee: Decimal | None = None

    @property
    def fee_value(self) -> Decimal:
        """Returns the part of a third-asset fee that the cost or the proceeds have to bear, in quote asset."""
        return self.third_fee or ZERO if in_third_asset(self.execution) else ZERO

    @property
    def unvalued(self) -> str:
        """Returns the asset of a fee without a known price; empty if there is none."""
        return self.execution.fee_asset if in_third_asset(self.execution) and self.third_fee is None else ""


@dataclass(frozen=True, slots=True)
class Lot:
    """The rest of one purchase: `qty` in base asset, `cost` in quote asset, fees included. `third_fee_value` is the part of
    the cost that was a fee in a third asset; `fees_without_price` names the asset of one that could not be valued and is not
    in it."""

    symbol: str
    execution_id: str
    acquired_at: datetime
    qty: Decimal
    cost: Decimal
    fee_asset: str
    third_fee_value: Decimal
    fees_without_price: str


@dataclass(frozen=True, slots=True)
class Disposal:
    """A sale of (a part of) one lot. `proceeds` (net of fees), `cost` and `gain` in quote asset. `acquired_at` is None and the
    cost 0 if the ledger knows no purchase of what was sold. `third_fee_value` is the part of the cost and of the difference to
    the gross proceeds that was fees in a third asset; `fees_without_price` names the assets of those that are in neither."""

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
    third_fee_value: Decimal
    fees_without_price: str


class Lots:
    """The remaining lots of each symbol, oldest first.

    A fee in the base asset reduces what was acquired, or is disposed of with what was sold; one in the quote asset raises the
    cost or lowers the proceeds, and so does one in a third asset at its price of that time. The cost of a part of a lot depends
    only on how much of the lot went before it, and all parts add up to the whole: a later start finds the same amounts.
    """

    def __init__(self) -> None:
        self._open: dict[str, deque[_Purchase]] = {}

    def begin(self, symbol: str, purchases: Iterable[Valued], held: Decimal) -> None:
        """Starts from a position of `held` (base asset): the rest of the last `purchases`, whose newest come first."""
        found: deque[_Purchase] = deque()
        with localcontext(EXACT):
            for one in purchases:
                if held <= 0:
                    break
                bought = _Purchase(one)
                bought.left = min(bought.qty, held)
                held -= bought.left
                found.appendleft(bought)
        self._open[symbol] = found

    def take(self, done: Valued) -> list[Disposal]:
        """Returns what `done` disposes of; nothing if it buys. Call it in the order of the executions."""
        lots = self._open.setdefault(done.execution.symbol, deque())
        with localcontext(EXACT):  # sums too: the usual 28 digits would round a cost above 1e12
            if done.execution.side is Side.SELL:
                return _sold(done, lots)
            lots.append(_Purchase(done))
            return []

    def left(self) -> list[Lot]:
        """Returns the rest of each purchase."""
        with localcontext(EXACT):
            return [purchase.lot() for lots in self._open.values() for purchase in lots if purchase.left > 0]


class _Purchase:
    """One purchase, and how much of it is `left` (base asset)."""

    def __init__(self, bought: Valued) -> None:
        done = bought.execution
        self.bought = bought
        self.qty = acquired(done)
        self.cost = done.quote_qty + bought.fee_value + (done.fee if done.fee_asset == done.quote_asset else ZERO)
        self.left = self.qty

    def lot(self) -> Lot:
        done, gone = self.bought.execution, self.qty - self.left
        return Lot(
            symbol=done.symbol,
            execution_id=done.execution_id,
            acquired_at=done.executed_at,
            qty=self.left,
            cost=self.cost - _share(self.cost, gone, self.qty),
            fee_asset=done.fee_asset,
            third_fee_value=self.bought.fee_value - _share(self.bought.fee_value, gone, self.qty),
            fees_without_price=self.bought.unvalued,
        )

    def part(self, amount: Decimal, qty: Decimal) -> Decimal:
        """Returns the share of `amount` that belongs to the next `qty`."""
        gone = self.qty - self.left
        return _share(amount, gone + qty, self.qty) - _share(amount, gone, self.qty)


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return amount if part == whole else divide(multiply(amount, part), whole)


def acquired(done: Execution) -> Decimal:
    """Returns the net quantity that a purchase acquired, in base asset."""
    return done.qty - done.fee if done.fee_asset == done.base_asset else done.qty


def in_third_asset(done: Execution) -> bool:
    """Tells whether its fee was paid in an asset that it did not trade."""
    return bool(done.fee) and done.fee_asset not in {done.base_asset, done.quote_asset}


def _sold(sale: Valued, lots: deque[_Purchase]) -> list[Disposal]:
    done = sale.execution
    # A fee in the sold asset leaves the lots too: it is disposed of for nothing.
    whole = done.qty + done.fee if done.fee_asset == done.base_asset else done.qty
    proceeds = done.quote_qty - sale.fee_value - (done.fee if done.fee_asset == done.quote_asset else ZERO)
    found: list[Disposal] = []
    gone = ZERO
    while gone < whole:
        lot = lots[0] if lots else None
        qty = whole - gone if lot is None else min(whole - gone, lot.left)
        part, fee = (_share(amount, gone + qty, whole) - _share(amount, gone, whole) for amount in (proceeds, sale.fee_value))
        if qty > 0:
            found.append(_disposal(sale, lot, qty, part, fee))
        gone += qty
        if lot is not None:
            lot.left -= qty
            if lot.left <= 0:
                lots.popleft()
    return found


def _disposal(sale: Valued, lot: _Purchase | None, qty: Decimal, proceeds: Decimal, fee: Decimal) -> Disposal:
    done, bought = sale.execution, lot.bought.execution if lot is not None else None
    cost = lot.part(lot.cost, qty) if lot is not None else ZERO
    assets = {done.fee_asset, bought.fee_asset if bought is not None else ""}
    without_price = {sale.unvalued, lot.bought.unvalued if lot is not None else ""}
    return Disposal(
        symbol=done.symbol,
        qty=qty,
        acquired_at=bought.executed_at if bought is not None else None,
        disposed_at=done.executed_at,
        cost=cost,
        proceeds=proceeds,
        gain=proceeds - cost,
        quote_asset=done.quote_asset,
        bought_by=bought.execution_id if bought is not None else "",
        sold_by=done.execution_id,
        fee_assets=" ".join(sorted(filter(None, assets))),
        third_fee_value=fee + (lot.part(lot.bought.fee_value, qty) if lot is not None else ZERO),
        fees_without_price=" ".join(sorted(filter(None, without_price))),
    )
