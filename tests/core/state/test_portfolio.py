"""The in-memory portfolio: positions, orders under way, approvals and profits."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.position import Execution, Position
from core.domain.signal import Side
from core.domain.strategy_book import StrategyBook
from core.domain.trading_state import TradingState
from core.records.commit_batch import CommitBatch
from core.state.portfolio import Portfolio
from tests.core.adapters.ledger import values
from tests.core.decision_contexts import HELD
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS

TODAY = NOON.date().isoformat()


def earned(profit: str, *, days: int = 0) -> Execution:
    return replace(values.execution(1, Decimal(profit)), executed_at=NOON + timedelta(days=days))


def order(symbol: str, state: OrderState = OrderState.SUBMITTED, side: Side = Side.BUY) -> Order:
    return replace(
        values.order(1, state=state), client_order_id=f"mf-{symbol}", signal=values.signal(1, symbol=symbol), side=side
    )


def test_an_entry_under_way_counts_as_a_position_and_its_own_id_does_not() -> None:
    portfolio = Portfolio(TradingState(), LIMITS)
    portfolio.apply(CommitBatch(orders=[order("WIFUSDC"), order("SOLUSDC", OrderState.UNKNOWN)]))
    assert portfolio.count_open(besides="") == 2
    assert portfolio.count_open(besides="mf-WIFUSDC") == 1


def test_a_symbol_both_held_and_under_way_counts_once() -> None:
    portfolio = Portfolio(TradingState(), LIMITS, positions={HELD.book: HELD})
    portfolio.apply(CommitBatch(orders=[order("WIFUSDC")]))
    assert portfolio.count_open(besides="") == 1


def test_an_exit_under_way_is_no_further_position() -> None:
    portfolio = Portfolio(TradingState(), LIMITS)
    portfolio.apply(CommitBatch(orders=[order("WIFUSDC", side=Side.SELL)]))
    assert portfolio.count_open(besides="") == 0


def test_dust_is_no_open_position() -> None:
    portfolio = Portfolio(TradingState(), LIMITS, positions={HELD.book: replace(HELD, is_open=False)})
    assert (portfolio.count_open(besides=""), portfolio.open_positions()) == (0, [])
    assert portfolio.instruments_needed(()) == {"WIFUSDC"}


def test_positions_are_shown_oldest_first() -> None:
    older = replace(HELD, symbol="SOLUSDC", opened_at=NOON - timedelta(days=1))
    portfolio = Portfolio(TradingState(), LIMITS, positions={HELD.book: HELD, older.book: older})
    assert [position.symbol for position in portfolio.open_positions()] == ["SOLUSDC", "WIFUSDC"]


def test_a_settled_order_is_no_longer_in_flight() -> None:
    portfolio = Portfolio(TradingState(), LIMITS)
    portfolio.apply(CommitBatch(orders=[order("WIFUSDC")]))
    assert portfolio.in_flight_for("WIFUSDC") is not None
    portfolio.apply(CommitBatch(orders=[order("WIFUSDC", OrderState.FILLED)], positions=[HELD]))
    assert portfolio.in_flight_for("WIFUSDC") is None
    assert portfolio.position(StrategyBook("WIFUSDC")) == HELD


def test_a_day_result_adds_up_and_starts_anew_the_next_day() -> None:
    portfolio = Portfolio(TradingState(), LIMITS, _day=TODAY)
    portfolio.apply(CommitBatch(executions=[earned("-3.5"), earned("1")]))
    assert portfolio.results_of(TODAY).get("USDC", 0) == Decimal("-2.5")
    assert portfolio.results_of(TODAY).get("BTC", 0) == 0
    assert portfolio.results_of("2026-03-02").get("USDC", 0) == 0
    portfolio.apply(CommitBatch(executions=[earned("7", days=1)]))
    assert portfolio.results_of("2026-03-02").get("USDC", 0) == 7
    portfolio.apply(CommitBatch(executions=[earned("-50")]))  # an exit of yesterday, found late
    assert portfolio.results_of("2026-03-02").get("USDC", 0) == 7


def test_an_entry_earns_nothing() -> None:
    portfolio = Portfolio(TradingState(), LIMITS, _day=TODAY)
    portfolio.apply(CommitBatch(executions=[values.execution()]))
    assert portfolio.results_of(TODAY).get("USDC", 0) == 0


def test_what_is_not_held_is_an_empty_position() -> None:
    assert Portfolio(TradingState(), LIMITS).position(StrategyBook("WIFUSDC")) == Position("WIFUSDC")
