"""Lives days of paper trading with three strategies: at each midnight the books are equal. `make chaos` lives a week."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
import structlog
from sqlalchemy import Update, update

from bot.views.number_format import money
from core.adapters.ledger.tables import order_tables, paper_tables, plan_tables, result_tables
from tests.week.life import Life, Report, living

DAYS = float(os.environ.get("DAYS", "0.04"))  # an hour
SEED = int(os.environ.get("WEEK_SEED", "1"))
_A_DAY = 600.0  # seconds that a busy machine may take for one
_UNTOLD_SECONDS = 10.0  # the longest that a position may be without its protection, and nobody be told
_ALWAYS = (
    *("executed as entry", "executed as stop", "executed as target", "entries that added"),
    *("told plan_changed", "told entry_rests"),
)
_IN_A_DAY = (
    *("executed as time_limit", "executed as exit", "entries with their exits", "plan MISSED", "plan CLOSED"),
    *("told entry_missed", "told entry_chased", "leg E", "sold by SELL_SM"),
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Says nothing of what happens every minute of a week."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


@pytest.mark.timeout(120 + DAYS * _A_DAY)
def test_days_of_paper_trading_end_with_equal_books() -> None:
    report = _lived(SEED, DAYS)
    print(f"\nseed {SEED}: {DAYS:g} days, {report.summary()}\n{report.pnl}")
    assert report.broken == []
    assert report.worst <= _UNTOLD_SECONDS
    assert [what for what in (*_ALWAYS, *(_IN_A_DAY if DAYS >= 1 else ())) if not report.seen[what]] == []
    for strategy, profit in report.profits.items():
        assert f"{strategy}: <b>{money(profit, signed=True)} USDC</b>" in report.pnl
    assert f"<b>{money(sum(report.profits.values(), Decimal(0)), signed=True)} USDC</b>" in report.pnl.splitlines()[1]


def _lived(seed: int, days: float) -> Report:
    with living(seed) as loop:
        return loop.run_until_complete(Life(loop, seed, days).live())


_FILLS, _POSITIONS, _EXECUTIONS = order_tables.fills, result_tables.positions, result_tables.executions
_EXITS, _OF_TRAILS = _EXECUTIONS.c.profit_quote.is_not(None), _POSITIONS.c.strategy == "trails"
_DAYS, _PAPER, _ORDERS = result_tables.day_results, paper_tables.paper_balances, order_tables.orders
_OPEN_PLANS, _RESTING = plan_tables.order_plans.c.state == "GUARDED", _ORDERS.c.state == "ACCEPTED"
_FALSIFIED: dict[str, tuple[Update, str]] = {
    "a balance": (update(_PAPER).where(_PAPER.c.asset == "USDC").values(amount=Decimal(1)), "its fills make"),
    "a fee": (update(_FILLS).values(fee=Decimal(0)), "the ledger has no fill"),
    "coins": (update(_POSITIONS).values(qty=Decimal(7)), "in the ledger, its orders left"),
    "a strategy": (update(_POSITIONS).where(_OF_TRAILS).values(strategy="others"), "its orders left"),
    "a result": (update(_EXECUTIONS).where(_EXITS).values(profit_quote=Decimal(1)), "its executions say"),
    "a day": (update(_DAYS).values(profit=Decimal(3)), "its days 3"),
    "a cost": (update(_POSITIONS).values(cost=Decimal(9)), "the ledger says 9"),
    "fees before and after": (update(_EXECUTIONS).values(gross_quote=Decimal(0)), "in fees, the ledger says"),
    "an order that rests": (update(_ORDERS).where(_RESTING).values(state="CANCELED"), "on the exchange alone"),
    "a plan": (update(plan_tables.order_plans).where(_OPEN_PLANS).values(state="CLOSED"), "rests without a"),
    "a position": (update(_POSITIONS).values(is_open=False), "rests without a position"),
}  # fmt: skip


def test_books_that_are_wrong_are_noticed() -> None:
    with living(2) as loop:
        life = Life(loop, 2, 0.0)
        loop.run_until_complete(life.until_something_rests())
        assert life.books().broken() == []
        for what, (change, sentence) in _FALSIFIED.items():
            with _falsified(life, change) as broken:
                assert any(sentence in one for one in broken), (what, broken)


@contextmanager
def _falsified(life: Life, change: Update) -> Iterator[list[str]]:
    """Yields what the books say of a ledger in which `change` was made; it is undone afterwards."""
    before = life.disk.snapshot()
    with life.disk.transactions.begin():
        life.disk.transactions.execute(change)
    yield life.books().broken()
    life.disk.put_back(before)
