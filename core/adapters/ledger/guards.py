"""Positions with what protects them, and the orders that rest, as far as the ledger knows: for those who only look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from core.adapters.ledger.reader import LedgerReader
from core.adapters.ledger.tables import order_tables, plan_tables, result_tables, upkeep_tables
from core.domain.exit_plan import Level
from core.domain.order import Order
from core.domain.plan_leg import LegKind
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.protection import bound
from core.policy.exits.targets import sold_places, target_number

_POSITIONS, _MARKS = result_tables.positions, upkeep_tables.marks
_HELD = (
    select(_POSITIONS, _MARKS.c.bid, _MARKS.c.at)
    .outerjoin(_MARKS, _MARKS.c.symbol == _POSITIONS.c.symbol)
    .where(_POSITIONS.c.is_open)
    .order_by(_POSITIONS.c.opened_at, _POSITIONS.c.symbol, _POSITIONS.c.strategy)
)


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """An open position and its last known selling price (`bid`, quote asset; None if never recorded). `plan` is its exit plan,
    each level as a price (None: it has none); resting orders of it sell `protected` (base asset). `sold` are the places of its
    targets, from 0, that have sold."""

    position: Position
    bid: Decimal | None
    marked_at: datetime | None
    plan: TradePlan | None = None
    protected: Decimal = Decimal(0)
    sold: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order of ours that rests on the exchange. A target has its `number` of the `count` that its plan has; both are 0 for any
    other. `bid` as in `OpenPosition`."""

    order: Order
    bid: Decimal | None
    number: int = 0
    count: int = 0

    @property
    def price(self) -> Decimal:
        """Returns the price that it waits for, in quote asset."""
        terms = self.order.terms
        return terms.stop_price or terms.limit_price or self.order.price


class Guards:
    """Reads what is held and what rests. Every method raises LedgerUnavailable."""

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader

    async def positions(self) -> Sequence[OpenPosition]:
        """Returns the positions that are held and could be sold, the oldest first."""
        plans, legs = await self._plans(), [order for order in await self._orders() if order.protects]
        found = []
        for row in await self._reader.read(_HELD):
            position = result_tables.position_of(row)
            plan, own = plans.get(position.book), [order for order in legs if order.book == position.book]
            shown = at_its_prices(plan) if plan is not None else None
            sold = sold_places(plan) if plan is not None else frozenset()
            found.append(OpenPosition(position, row["bid"], row["at"], shown, bound(own), sold))
        return found

    async def resting(self) -> Sequence[RestingOrder]:
        """Returns the orders that rest on the exchange, by symbol, those of the highest price first."""
        plans = await self._plans()
        bids = {row["symbol"]: row["bid"] for row in await self._reader.read(select(_MARKS))}
        found = [_resting(order, plans.get(order.book), bids.get(order.symbol)) for order in await self._orders()]
        return sorted(found, key=lambda one: (one.order.symbol, -one.price))

    async def _plans(self) -> Mapping[StrategyBook, TradePlan]:
        question = select(plan_tables.order_plans).where(plan_tables.IS_OPEN)
        return {plan.book: plan for plan in map(plan_tables.plan_of, await self._reader.read(question))}

    async def _orders(self) -> Sequence[Order]:
        found = await self._reader.read(select(order_tables.orders).where(order_tables.IN_FLIGHT))
        return [order for order in map(order_tables.order_of, found) if order.rests]


def at_its_prices(plan: TradePlan) -> TradePlan:
    """Returns the plan with every level as a price. Unlike those of its orders it is not rounded to the symbol's step, which no
    ledger knows."""
    stop = plan.exits.stop
    exits = replace(
        plan.exits,
        stop=None if stop is None else replace(stop, level=Level(level_price(stop.level, plan.entry_price, -1))),
        targets=tuple(
            replace(target, level=Level(level_price(target.level, plan.entry_price, 1))) for target in plan.exits.targets
        ),
    )
    return replace(plan, exits=exits)


def _resting(order: Order, plan: TradePlan | None, bid: Decimal | None) -> RestingOrder:
    if plan is None or order.leg is None or order.leg.kind is not LegKind.TARGET:
        return RestingOrder(order, bid)
    return RestingOrder(order, bid, target_number(plan, order), len(plan.exits.targets))
