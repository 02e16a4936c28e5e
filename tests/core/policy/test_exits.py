"""A pending exit by itself: when it is tried again, how much of it is left, and what ends it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.domain.pending_exit import PendingExit
from core.domain.reasons import reason
from core.domain.signal import BY_HAND, PANIC, Side
from core.policy.exits.pending import after_failure, after_fills, good_until, is_due, of_order, put_off
from core.policy.exits.quantity import exit_quantity
from tests.core.decision_contexts import HELD, said
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS, instrument

BUSY, AWAY = reason("exchange_busy"), reason("unreachable", detail="connection refused")
OF_PANIC = replace(said(PANIC), source=BY_HAND)
WANTED = PendingExit(said("SELL_SM"), Decimal("19.98"), NOON, NOON)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def executed(qty: str, state: OrderState = OrderState.FILLED) -> Order:
    worth = Decimal(qty) * Decimal("0.48")
    placed = Order("mf-1", WANTED.signal, 1, Side.SELL, Decimal("19.98"), Decimal("0.48"), state, "paper", NOON, NOON)
    return replace(placed, executed_qty=Decimal(qty), quote_qty=worth)


@pytest.mark.parametrize(
    ("failures", "retry_after", "pause"),
    [(0, 0, 0), (1, 0, 1), (5, 0, 15), (6, 0, 30), (99, 0, 30), (0, 8, 8), (6, 8, 30), (0, 300, 300), (0, 301, 300)],
)
def test_it_waits_longer_with_each_failure_or_as_the_exchange_asks(failures: int, retry_after: float, pause: float) -> None:
    after, _ = put_off(replace(WANTED, failures=failures), BUSY, NOON, LIMITS, retry_after)
    assert (after.due_at - NOON, after.failures) == (seconds(pause), failures + 1)


@pytest.mark.parametrize(("age", "pause"), [(500, 100.001), (600, 0.001), (700, 0)])
def test_it_does_not_wait_beyond_its_end_unless_it_is_a_panics(age: float, pause: float) -> None:
    old = replace(WANTED, since=NOON - seconds(age))
    after, _ = put_off(old, BUSY, NOON, LIMITS, retry_after=300)
    assert after.due_at - NOON == seconds(pause)
    lasting, _ = put_off(replace(old, signal=OF_PANIC), BUSY, NOON, LIMITS, retry_after=300)
    assert (lasting.due_at - NOON, lasting.until) == (seconds(300), None)


def test_a_reason_is_news_once() -> None:
    first, is_news = put_off(WANTED, BUSY, NOON, LIMITS)
    assert is_news
    assert not put_off(first, BUSY, NOON, LIMITS)[1]
    assert put_off(first, AWAY, NOON, LIMITS)[1]


@pytest.mark.parametrize(("ahead", "due"), [(-5, True), (0, True), (0.001, False), (300, False), (300.001, True)])
def test_it_is_due_in_time_and_after_a_clock_was_set_back(ahead: float, *, due: bool) -> None:
    assert is_due(replace(WANTED, due_at=NOON + seconds(ahead)), NOON) is due


@pytest.mark.parametrize(
    ("held", "qty", "state", "expected"),
    [
        ("0", "19.98", OrderState.FILLED, ("0", True, 0)),
        ("0.005", "19.975", OrderState.FILLED, ("0.005", True, 0)),  # less than an order may ask for
        ("4.98", "15", OrderState.FILLED, ("4.98", False, 0)),
        ("4.98", "15", OrderState.EXPIRED, ("4.98", False, 1)),
        ("24.98", "15", OrderState.FILLED, ("4.98", False, 0)),
        ("5", "19.98", OrderState.FILLED, ("0", True, 0)),  # all of it, of a position that has grown meanwhile
        ("2", "15", OrderState.FILLED, ("2", False, 0)),
        ("5", "20.48", OrderState.FILLED, ("0", True, 0)),  # an order that was larger than what was wanted by then
    ],
)
def test_what_is_left_is_due_and_what_is_sold_is_over(
    held: str, qty: str, state: OrderState, expected: tuple[str, bool, float]
) -> None:
    rules, left = replace(instrument(), min_notional=Decimal(0)), Decimal(held)
    position = replace(HELD, qty=left, is_open=rules.sellable(left))
    failed = replace(WANTED, failures=3, why=BUSY, due_at=NOON + seconds(9))
    after = after_fills(failed, executed(qty, state), position, rules, NOON)
    rest, over, pause = expected
    assert (after.qty, after.ended_at) == (Decimal(rest), NOON if over else None)
    if not over:
        assert (after.due_at - NOON, after.failures, after.why) == (seconds(pause), 0, None)


@pytest.mark.parametrize(
    ("changes", "held", "qty"),
    [
        ({}, "19.98", "19.98"),
        ({}, "30", "19.98"),
        ({}, "7", "7"),
        ({}, "0", None),
        ({"side": Side.BUY}, "19.98", None),
        ({"order_id": "28"}, "19.98", None),
    ],
)
def test_an_older_versions_sale_is_wanted_up_to_what_was_ordered_and_is_held(
    changes: dict[str, Any], held: str, qty: str | None
) -> None:
    sale = replace(executed("0", OrderState.SUBMITTED), **changes)
    found = of_order(sale, Decimal(held), NOON + seconds(5))
    assert (found.qty if found else None) == (Decimal(qty) if qty is not None else None)
    if found is not None:
        assert (found.since, found.due_at) == (NOON, NOON + seconds(5))


def test_it_is_good_from_its_signal_or_the_later_approval() -> None:
    assert good_until(WANTED, LIMITS) == NOON + seconds(600)
    assert good_until(replace(WANTED, approved_at=NOON + seconds(90)), LIMITS) == NOON + seconds(690)
    assert good_until(replace(WANTED, approved_at=NOON - seconds(90)), LIMITS) == NOON + seconds(600)
    assert good_until(replace(WANTED, signal=OF_PANIC), LIMITS) is None


def test_an_order_that_sold_nothing_leaves_its_exit_waiting_and_says_so_once() -> None:
    failed = replace(executed("0", OrderState.EXPIRED), reason=BUSY)
    (waiting,), (event,) = after_failure(WANTED, failed, NOON, LIMITS)
    assert (waiting.failures, event.kind) == (1, "exit_waits")
    assert after_failure(waiting, failed, NOON, LIMITS)[1] == []
    exits, (event,) = after_failure(None, failed, NOON, LIMITS)
    assert (exits, event.kind) == ([], "order_failed")


@pytest.mark.parametrize(("free", "sold"), [(None, "20"), ("30", "20"), ("7", "7"), ("0", "0"), ("-1", "0")])
def test_no_more_is_sold_than_is_free(free: str | None, sold: str) -> None:
    assert exit_quantity(Decimal(20), Decimal(free) if free is not None else None) == Decimal(sold)
