"""Wrong programs that forget, double or give up a pending exit."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from bot.commands.liquidation import PanicTimer
from core.domain.approval import Approval
from core.domain.instrument import Instrument
from core.domain.order import Order
from core.domain.pending_exit import PendingExit
from core.domain.signal import Side, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import Panic, TradingState
from core.execution import decision_service as decisions
from core.execution import placement as placing
from core.execution.pending_exits import Attempt, PendingExits
from core.policy import admission
from core.policy.decision_context import RiskLimits
from core.policy.exits import pending as policy_of_exits
from core.policy.risk import signal_age
from tests.simulation.breaking import Variant, loads, patched, swap


async def _counts_on_what_it_counted(self: PanicTimer, panic: Panic, book: StrategyBook) -> None: ...


def _goes_by_the_entrys_age(side: Side, limits: RiskLimits) -> timedelta:
    del side
    return limits.signal_max_age


async def _first_rules(self: PendingExits, symbol: str) -> Instrument | None:
    return self._market.instrument(symbol)


async def _all_is_free(_self: PendingExits, _book: StrategyBook) -> None: ...


async def _sells_all_there_is(self: PendingExits, signal: Signal, *rest: Any) -> Attempt:
    """Sizes a later attempt by the current position."""
    wanted = self._portfolio.exits.get(signal.book)
    if wanted is not None and signal.is_again:
        self._portfolio.exits[signal.book] = replace(wanted, qty=self._portfolio.position(signal.book).qty)
    return await _ATTEMPT(self, signal, *rest)


_ATTEMPT = PendingExits.attempt


def _done_with_one_order(wanted: PendingExit, *rest: Any) -> PendingExit:
    return replace(_AFTER_FILLS(wanted, *rest), ended_at=rest[-1])


def _fails_for_good(_wanted: PendingExit | None, order: Order, *_: Any) -> Any:
    return _AFTER_FAILURE(None, order, *_)


_AFTER_FILLS, _AFTER_FAILURE = policy_of_exits.after_fills, policy_of_exits.after_failure


def _question_ends_it(self: PendingExits, approval: Approval) -> list[PendingExit]:
    wanted = self._portfolio.exits.get(approval.signal.book)
    return [] if wanted is None else [replace(wanted, ended_at=self._clock.now())]


def _calm(trading_state: TradingState | None) -> TradingState | None:
    return None if trading_state is None else replace(trading_state, panic=None)


def _without_checks(*names: str) -> tuple[Any, ...]:
    return tuple(check for check in admission.CHECKS if check[0].__name__ not in names)


WRONG_EXITS: Mapping[str, Variant] = {
    "a panic does not look at the book again": swap(PanicTimer, "_sell", _counts_on_what_it_counted),
    "a panic is forgotten at the start": loads(lambda state: replace(state, trading_state=_calm(state.trading_state))),
    "an exit expires by the entry's age": lambda: patched(
        patch.object(signal_age, "good_for", _goes_by_the_entrys_age),
        patch.object(decisions, "good_for", _goes_by_the_entrys_age),
    ),
    "an exit is sized by the old rules": swap(PendingExits, "_read_rules", _first_rules),
    "an exit is sized by the old balance": swap(PendingExits, "_free", _all_is_free),
    "an exit sells more than it was to when it came": swap(PendingExits, "attempt", _sells_all_there_is),
    "the rest of an exit is forgotten": swap(placing, "after_fills", _done_with_one_order),
    "an exit that was refused once is given up": swap(placing, "after_failure", _fails_for_good),
    "an exit that is wanted is forgotten at the start": loads(lambda state: replace(state, exits=[])),
    "something is entered while an exit is wanted": swap(admission, "CHECKS", _without_checks("not_leaving", "right_side")),
    "a question that nobody answered ends the exit": swap(PendingExits, "closed", _question_ends_it),
}
