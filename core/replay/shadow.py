"""Compares what was traded with its shadow, order by order, and explains each difference to the last digit. Pure.

The effect of an order on its book is the money that it moved and what it bought or sold at the last known price of its symbol.
The effects of all orders add up to the book's result, so the differences do, too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import EXACT, ZERO, multiply
from core.domain.position import Execution
from core.domain.signal import Side
from core.records.shadow import CurvePoint, ShadowOrder, ShadowReport, ShadowSum, Stage
from core.replay.comparison import total


@dataclass(frozen=True, slots=True)
class _Effect:
    """The effect of one order: amounts of base asset as bought (below zero: sold), prices and fees in quote asset."""

    qty: Decimal
    price: Decimal
    fee: Decimal
    base_fee: Decimal

    def at(self, mark: Decimal) -> Decimal:
        """Returns what it is worth at the price `mark`."""
        with_held = multiply(self.qty, EXACT.subtract(mark, self.price))
        return EXACT.subtract(EXACT.subtract(with_held, self.fee), multiply(self.base_fee, mark))


def _effect(one: Execution, fee_values: Mapping[str, Decimal]) -> _Effect:
    qty = one.qty if one.side is Side.BUY else -one.qty
    if one.fee_asset == one.base_asset:
        return _Effect(qty, EXACT.divide(one.quote_qty, one.qty), ZERO, one.fee)
    fee = one.fee if one.fee_asset == one.quote_asset else fee_values.get(one.client_order_id, ZERO)
    return _Effect(qty, EXACT.divide(one.quote_qty, one.qty), fee, ZERO)


@dataclass(frozen=True, slots=True)
class ShadowBooks:
    """Executions of both books; `decided` are the prices at which orders were decided, by client order id, `price` the last known
    price of a symbol (None: the execution's own counts), and `fee_values` what fees in a third asset were worth."""

    traded: Iterable[Execution]
    shadow: Iterable[Execution]
    decided: Mapping[str, Decimal]
    price: Callable[[str], Decimal | None]
    fee_values: Mapping[str, Decimal]

    def report(self, since: datetime | None, until: datetime) -> ShadowReport:
        """Returns sums, differences and curves."""
        traded, shadow = ({one.client_order_id: one for one in each} for each in (self.traded, self.shadow))
        orders = [self._order(traded.get(name), shadow.get(name)) for name in traded.keys() | shadow.keys()]
        return ShadowReport(
            since=since,
            until=until,
            sums=self._sums(traded.values(), shadow.values(), orders),
            orders=tuple(sorted(orders, key=lambda one: (-abs(one.difference), one.at))),
            curve=tuple(self._curve(traded, shadow)),
        )

    def _mark(self, one: Execution) -> Decimal:
        return self.price(one.symbol) or one.price

    def _order(self, traded: Execution | None, shadow: Execution | None) -> ShadowOrder:
        about = traded or shadow
        if about is None:
            raise ValueError("an order of neither book")
        stages = self._stages(traded, shadow, self._mark(about))
        return ShadowOrder(
            client_order_id=about.client_order_id,
            at=about.executed_at,
            symbol=about.symbol,
            side=about.side,
            strategy=about.strategy,
            quote=about.quote_asset,
            difference=total(stages.values()),
            stages={stage: amount for stage, amount in stages.items() if amount},
        )

    def _stages(self, traded: Execution | None, shadow: Execution | None, mark: Decimal) -> dict[Stage, Decimal]:
        if traded is None or shadow is None:
            earned, missed = (ZERO if one is None else _effect(one, self.fee_values).at(mark) for one in (traded, shadow))
            return {Stage.MISSED: EXACT.subtract(earned, missed)}
        ours, paper = _effect(traded, self.fee_values), _effect(shadow, self.fee_values)
        decided = self.decided.get(traded.client_order_id, paper.price)
        fees = EXACT.add(EXACT.subtract(ours.fee, paper.fee), multiply(EXACT.subtract(ours.base_fee, paper.base_fee), mark))
        return {
            Stage.DELAY: multiply(ours.qty, EXACT.subtract(paper.price, decided)),
            Stage.EXECUTION: multiply(ours.qty, EXACT.subtract(decided, ours.price)),
            Stage.PART: multiply(EXACT.subtract(ours.qty, paper.qty), EXACT.subtract(mark, paper.price)),
            Stage.FEES: -fees,
        }

    def _sums(
        self, traded: Iterable[Execution], shadow: Iterable[Execution], orders: Iterable[ShadowOrder]
    ) -> Mapping[str, ShadowSum]:
        ours, paper = self._results(traded), self._results(shadow)
        stages: defaultdict[str, dict[Stage, Decimal]] = defaultdict(dict)
        for one in orders:
            for stage, amount in one.stages.items():
                stages[one.quote][stage] = EXACT.add(stages[one.quote].get(stage, ZERO), amount)
        return {
            quote: ShadowSum(quote, ours.get(quote, ZERO), paper.get(quote, ZERO), stages[quote])
            for quote in sorted(ours.keys() | paper.keys())
        }

    def _results(self, executions: Iterable[Execution]) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for one in executions:
            effect = _effect(one, self.fee_values).at(self._mark(one))
            found[one.quote_asset] = EXACT.add(found.get(one.quote_asset, ZERO), effect)
        return found

    def _curve(self, traded: Mapping[str, Execution], shadow: Mapping[str, Execution]) -> Iterator[CurvePoint]:
        done = [(one.executed_at, one, True) for one in traded.values()]
        done += [(one.executed_at, one, False) for one in shadow.values()]
        sums: dict[tuple[str, bool], Decimal] = {}
        for at, one, is_traded in sorted(done, key=lambda each: each[0]):
            key, effect = (one.quote_asset, is_traded), _effect(one, self.fee_values).at(self._mark(one))
            sums[key] = EXACT.add(sums.get(key, ZERO), effect)
            quote = one.quote_asset
            yield CurvePoint(at, quote, sums.get((quote, True), ZERO), sums.get((quote, False), ZERO))
