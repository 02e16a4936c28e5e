"""Wrong programs that move a stop wrongly: down, short of the fees, not at all, or with nothing in its place."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.domain.exit_plan import Level
from core.domain.instrument import Instrument
from core.domain.money import ceil_to_step, divide
from core.domain.order_state_machine import OrderState
from core.domain.position import Position
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState, TradePlan
from core.engine import exit_handler, protection_timer
from core.execution import plan_changes, resting_orders
from core.execution.protection import Protection
from core.policy.exits import breakeven, trailing
from core.policy.exits.bracket import level_price
from core.policy.exits.protection import guarded
from core.records.commit_batch import CommitBatch
from tests.simulation.breaking import Variant, swap


def _checks_nothing(_self: Protection, _plan: TradePlan, _instrument: Instrument, _price: Decimal) -> None: ...


def _without_fees(position: Position, instrument: Instrument, _offset_pct: Decimal) -> Decimal:
    return ceil_to_step(divide(position.value, position.qty), instrument.price_step)


def _stays(plan: TradePlan, *_: Any) -> TradePlan:
    return plan


def _down(plan: TradePlan, price: Decimal, move: Any, now: Any) -> TradePlan:
    after = _MOVE(plan, price, move, now)
    stop = after.exits.stop
    if after is plan or stop is None:
        return plan
    return replace(after, exits=replace(after.exits, stop=replace(stop, level=Level(price=price * Decimal("0.98")))))


def _believed(plan: TradePlan, *rest: Any) -> TradePlan:
    """Takes the stop for moved at once."""
    after = _MOVE(plan, *rest)
    return replace(after, state=PlanState.GUARDED, exposed_since=None, due_at=None)


def _never(*_: Any) -> bool:
    return False


def _anywhere(plan: TradePlan, bid: Decimal, instrument: Instrument) -> Decimal | None:
    """Follows the market up and down."""
    found, follows = _NEXT(plan, bid, instrument), plan.exits.trailing
    if found is not None or plan.exits.stop is None or follows is None or follows.activation_pct is not None:
        return found
    price = ceil_to_step(bid * (1 - follows.pct / 100), instrument.price_step)
    return price if level_price(plan.exits.stop.level, plan.entry_price, -1) > price * Decimal("1.001") else None


def _followed(plan: TradePlan, *rest: Any) -> TradePlan:
    """Takes the stop for moved at once."""
    after = _FOLLOW(plan, *rest)
    return plan if after is plan else guarded(after)


async def _replaces_first(self: Protection, book: StrategyBook, instrument: Instrument, price: Decimal) -> None:
    """Takes off the first list alone, and places all anew."""
    resting = self._portfolio.resting_for(book)
    first = [order for order in resting if order.list_id == resting[0].list_id] if resting else []
    leaving = [self._writer.move(order, OrderState.CANCEL_SUBMITTED) for order in first]
    await self._writer.try_commit(CommitBatch(orders=leaving))
    await self._resting.finish_cancel(leaving)
    if (left := self._portfolio.plans.get(book)) is None:
        return
    batch = CommitBatch()
    legs = self.intend(left, self._portfolio.position(book), instrument, price, batch)
    await self._writer.try_commit(batch)
    await self.send(legs)


_MOVE, _FOLLOW, _NEXT = breakeven.with_stop_at, trailing.trailed, trailing._next_stop

WRONG_STOPS: Mapping[str, Variant] = {
    "what protects is taken off before its replacement was checked": swap(Protection, "_obstacle", _checks_nothing),
    "breakeven forgets the fees": swap(breakeven, "breakeven_price", _without_fees),
    "a stop stays where it is after the first target": swap(resting_orders, "after_first_target", _stays),
    "a stop is moved down": swap(breakeven, "with_stop_at", _down),
    "an exit of a plan that has ended is obeyed": swap(exit_handler, "is_void", _never),
    "the time of a plan is never over": swap(protection_timer, "is_over", _never),
    "a stop that follows stays where it is": swap(protection_timer, "wants_to_move", _never),
    "a stop that follows goes down, too": swap(trailing, "_next_stop", _anywhere),
    "a stop that follows is taken for moved at once": swap(plan_changes, "trailed", _followed),
    "a move takes off the first list alone": swap(Protection, "_replace", _replaces_first),
    "a stop is taken for moved at once": swap(breakeven, "with_stop_at", _believed),
}
