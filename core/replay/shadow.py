"""Compares what was traded with its shadow, order by order, and explains each difference to the last digit. Pure.

The effect of an order on its book is the money that it moved and what it bought or sold at the last known price of its symbol.
The effects of all orders add up to the book's result, so the differences do, too.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.money import EXACT, ZERO, divide, multiply
from core.domain.position import Execution
from core.domain.signal import Side
from core.records.shadow import CurvePoint, ShadowOrder, ShadowReport, ShadowSum, Stage
from core.replay.comparison import total


@dataclass(frozen=True, slots=True)
class _Effect:
    """The effect of orders of one side: what they bought, or sold if `sign` is below zero, in base asset; its `worth` at the
    prices of their fills, and the fees in quote asset and in base asset."""

    sign: int
    qty: Decimal
    worth: Decimal
    fee: Decimal
    base_fee: Decimal

    def at(self, mark: Decimal) -> Decimal:
        """Returns what it is worth at the price `mark`."""
        with_held = EXACT.subtract(multiply(self.qty, mark), self.worth) * self.sign
        return EXACT.subtract(EXACT.subtract(with_held, self.fee), multiply(self.base_fee, mark))

    def worth_of(self, qty: Decimal) -> Decimal:
        """Returns what `qty` is worth at its average price."""
        return self.worth if qty == self.qty else divide(multiply(self.worth, qty), self.qty)


def _effect(done: Sequence[Execution], fee_values: Mapping[str, Decimal]) -> _Effect:
    """Returns the effect of all executions of one entry, or of all exits of one position."""
    in_base = total(one.fee for one in done if one.fee_asset == one.base_asset)
    in_quote = total(one.fee for one in done if one.fee_asset == one.quote_asset)
    third = [one for one in done if one.fee_asset not in {one.base_asset, one.quote_asset}]
    fee = EXACT.add(in_quote, total(fee_values.get(one.client_order_id, ZERO) for one in third))
    sign = 1 if done[0].side is Side.BUY else -1
    return _Effect(sign, total(one.qty for one in done), total(one.quote_qty for one in done), fee, in_base)


_Groups = Mapping[str, Sequence[Execution]]


def grouped(executions: Iterable[Execution], name_of: Callable[[Execution], str]) -> _Groups:
    """Returns the executions that belong together: each entry, and all exits of a position with a plan."""
    found: defaultdict[str, list[Execution]] = defaultdict(list)
    for one in executions:
        is_planned_exit = one.side is Side.SELL and one.plan_id is not None
        found[f"{one.plan_id}:exits" if is_planned_exit else name_of(one)].append(one)
    return found


@dataclass(frozen=True, slots=True)
class ShadowBooks:
    """The grouped executions of both books; `decided` are the prices at which orders were decided, by client order id, `price`
    the last known price of a symbol (None: the execution's own counts), and `fee_values` what fees in a third asset were
    worth."""

    traded: _Groups
    shadow: _Groups
    decided: Mapping[str, Decimal]
    price: Callable[[str], Decimal | None]
    fee_values: Mapping[str, Decimal]

    def report(self, since: datetime | None, until: datetime) -> ShadowReport:
        """Returns sums, differences and curves."""
        names = self.traded.keys() | self.shadow.keys()
        orders = [self._order(self.traded.get(name, ()), self.shadow.get(name, ())) for name in names]
        return ShadowReport(
            since=since,
            until=until,
            sums=self._sums(orders),
            orders=tuple(sorted(orders, key=lambda one: (-abs(one.difference), one.at))),
            curve=tuple(self._curve()),
        )

    def _mark(self, one: Execution) -> Decimal:
        return self.price(one.symbol) or one.price

    def _worth(self, done: Sequence[Execution]) -> Decimal:
        return _effect(done, self.fee_values).at(self._mark(done[0])) if done else ZERO

    def _order(self, traded: Sequence[Execution], shadow: Sequence[Execution]) -> ShadowOrder:
        about = [*traded, *shadow][0]
        stages = self._stages(traded, shadow)
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

    def _stages(self, traded: Sequence[Execution], shadow: Sequence[Execution]) -> dict[Stage, Decimal]:
        if not traded or not shadow:
            return {Stage.MISSED: EXACT.subtract(self._worth(traded), self._worth(shadow))}
        ours, paper, mark = _effect(traded, self.fee_values), _effect(shadow, self.fee_values), self._mark(traded[0])
        on_paper = paper.worth_of(ours.qty)
        decided = total(self._decided(one, paper) for one in traded)
        fees = EXACT.add(EXACT.subtract(ours.fee, paper.fee), multiply(EXACT.subtract(ours.base_fee, paper.base_fee), mark))
        more = multiply(EXACT.subtract(ours.qty, paper.qty), mark)
        return {
            Stage.DELAY: EXACT.subtract(on_paper, decided) * ours.sign,
            Stage.EXECUTION: EXACT.subtract(decided, ours.worth) * ours.sign,
            Stage.PART: EXACT.subtract(more, EXACT.subtract(on_paper, paper.worth)) * ours.sign,
            Stage.FEES: -fees,
        }

    def _decided(self, one: Execution, paper: _Effect) -> Decimal:
        """Returns what an order was worth when it was decided; what a plan sold was decided when the plan was."""
        price = self.decided.get(one.client_order_id)
        return paper.worth_of(one.qty) if price is None else multiply(one.qty, price)

    def _sums(self, orders: Iterable[ShadowOrder]) -> Mapping[str, ShadowSum]:
        ours, paper = self._results(self.traded), self._results(self.shadow)
        stages: defaultdict[str, dict[Stage, Decimal]] = defaultdict(dict)
        for one in orders:
            for stage, amount in one.stages.items():
                stages[one.quote][stage] = EXACT.add(stages[one.quote].get(stage, ZERO), amount)
        return {
            quote: ShadowSum(quote, ours.get(quote, ZERO), paper.get(quote, ZERO), stages[quote])
            for quote in sorted(ours.keys() | paper.keys())
        }

    def _results(self, groups: _Groups) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for done in groups.values():
            quote = done[0].quote_asset
            found[quote] = EXACT.add(found.get(quote, ZERO), self._worth(done))
        return found

    def _curve(self) -> Iterator[CurvePoint]:
        done = [(one, True) for each in self.traded.values() for one in each]
        done += [(one, False) for each in self.shadow.values() for one in each]
        sums: dict[tuple[str, bool], Decimal] = {}
        for one, is_traded in sorted(done, key=lambda each: each[0].executed_at):
            quote = one.quote_asset
            sums[quote, is_traded] = EXACT.add(sums.get((quote, is_traded), ZERO), self._worth([one]))
            yield CurvePoint(one.executed_at, quote, sums.get((quote, True), ZERO), sums.get((quote, False), ZERO))
