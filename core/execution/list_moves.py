"""Replaces what rests for a plan one list after the other, so that never more than one share is without its orders."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from core.domain.order import Order
from core.domain.trade_plan import TradePlan
from core.execution.order_writer import OrderWriter
from core.execution.resting_orders import RestingOrders
from core.policy.exits.bracket_check import Bracket
from core.policy.exits.moves import Move, moves_of
from core.policy.exits.protection import exposed, legs_of
from core.ports.clock import Clock
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio

Send = Callable[[Sequence[Order]], Awaitable[None]]


class ListMoves:
    """Moves lists, in the mailbox of their symbol. Of each both steps are committed before they are done. The lists of one
    attempt have one generation, by which a start after a crash sees that some are not moved yet."""

    def __init__(
        self,
        *,
        portfolio: Portfolio,
        resting: RestingOrders,
        writer: OrderWriter,
        clock: Clock,
        trading_mode: str,
        send: Send,
    ) -> None:
        """Builds it. `send` sends orders whose intent is committed, and commits what became of them."""
        self._portfolio = portfolio
        self._resting = resting
        self._writer = writer
        self._clock = clock
        self._trading_mode = trading_mode
        self._send = send

    async def move(self, plan: TradePlan, parts: Iterable[Bracket]) -> bool:
        """Has `parts` rest in the place of what rests for the plan. Returns False if that is to be decided anew: an order has
        filled meanwhile. One that is refused leaves those after it where they are. Raises LedgerUnavailable."""
        symbol, held = plan.symbol, self._portfolio.position(plan.symbol).qty
        for move in moves_of(parts, self._portfolio.resting_for(symbol), held):
            await self._resting.take_off(symbol, move.off)
            placed = self._portfolio.position(symbol).qty == held and await self._place(plan, move)
            if self._portfolio.position(symbol).qty != held:
                return False
            if not placed:
                return True
        return True

    async def _place(self, before: TradePlan, move: Move) -> bool:
        """Places the part of a move under the generation of the plan `before` the first one. Returns False if it was refused."""
        plan = self._portfolio.plans.get(before.symbol)
        if plan is None or move.part is None:
            return plan is not None
        now = self._clock.now()
        legs = legs_of(replace(plan, generation=before.generation), [move.part], self._trading_mode, now)
        after = replace(exposed(plan, now), generation=before.generation + 1)
        await self._writer.try_commit(CommitBatch(orders=legs, plans=[after]))
        await self._send(legs)
        return all(leg.client_order_id in self._portfolio.resting for leg in legs)
