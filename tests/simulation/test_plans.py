"""The judge's demands on what is told of a protection that was refused, or that others ended, and their limits."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.adapters.ledger.codec import events
from core.adapters.ledger.tables import notification_tables, order_tables, plan_tables
from core.domain.events.protection import ProtectionFailed
from core.domain.plan_leg import LegKind, PlanLeg
from core.domain.reasons import reason
from tests.core.virtual_time import NOON
from tests.simulation.evidence import Evidence
from tests.simulation.plans import _attempts, _ended_by_others, _failures

PLAN, SYMBOL = "mf-" + "0" * 29, "WIFUSDC"
STOP = PlanLeg(PLAN, LegKind.STOP, 1, 0).client_order_id


def legs(state: str, *, generation: int = 0, why: str | None = None) -> list[dict[str, Any]]:
    """Returns the two orders of a list, with the target at 0.5."""
    limits = {LegKind.TARGET: Decimal("0.5"), LegKind.STOP: Decimal("0.44")}
    list_id = PlanLeg(PLAN, LegKind.LIST, 1, generation).client_order_id
    return [
        {
            "client_order_id": PlanLeg(PLAN, kind, 1, generation).client_order_id,
            "plan_id": PLAN,
            "symbol": SYMBOL,
            "side": "SELL",
            "leg": kind,
            "generation": generation,
            "list_id": list_id,
            "state": state,
            "reason_code": why,
            "limit_price": limit_price,
            "executed_qty": Decimal(0),
            "updated_at": NOON,
        }
        for kind, limit_price in limits.items()
    ]


def history(found: list[dict[str, Any]], **plan: Any) -> SimpleNamespace:
    """Returns a history with one plan, its orders as `found`, and nothing told."""
    row = {"plan_id": PLAN, "symbol": SYMBOL, "inbox_seq": 7, "state": "CLOSED", "generation": 1, "closed_at": None, **plan}
    rows: dict[Any, list[dict[str, Any]]] = {
        plan_tables.order_plans: [row],
        notification_tables.outbox: [],
        order_tables.order_steps: [],
    }
    venue = SimpleNamespace(trades=[])
    return SimpleNamespace(rows=rows.__getitem__, legs=found, orders=[], venue=venue, lost_legs=[STOP], accident="", _rows=rows)


def told(seen: SimpleNamespace, code: str) -> None:
    event = ProtectionFailed(SYMBOL, Decimal(40), NOON, reason(code, status="EXPIRED"), 7)
    seen._rows[notification_tables.outbox].append({"body": events.encode(event)})


def broken(promise: Any, seen: SimpleNamespace) -> int:
    return len(list(promise(cast("Evidence", seen))))


@pytest.mark.parametrize(("our_trade", "count"), [(None, 2), ("0.5", 0), ("0.501", 0), ("0.499", 2), ("0.6", 2)])
def test_a_list_that_was_refused_for_its_prices_is_told_unless_our_own_trade_explains_it(
    our_trade: str | None, count: int
) -> None:
    seen = history(legs("REJECTED", why="list_prices"))
    seen.venue.trades = [SimpleNamespace(symbol=SYMBOL, price=Decimal(our_trade))] if our_trade is not None else []
    assert broken(_failures, seen) == count


def test_a_second_refusal_is_not_explained_by_the_same_trade() -> None:
    refused = [leg for generation in range(2) for leg in legs("REJECTED", generation=generation, why="list_prices")]
    seen = history(refused)
    seen.venue.trades = [SimpleNamespace(symbol=SYMBOL, price=Decimal("0.5"))]
    assert broken(_failures, seen) == 2
    told(seen, "list_prices")
    assert broken(_failures, seen) == 0


@pytest.mark.parametrize(("state", "bought", "count"), [("MISSED", "0", 0), ("MISSED", "20", 2), ("CLOSED", "0", 2)])
def test_nothing_is_told_of_what_was_to_protect_a_purchase_that_was_missed(state: str, bought: str, count: int) -> None:
    seen = history(legs("REJECTED", why="rate_limited"), state=state)
    seen.orders = [SimpleNamespace(client_order_id=PLAN, side="BUY", quote_qty=Decimal(bought))]
    assert broken(_failures, seen) == count


def test_a_protection_that_others_ended_is_told() -> None:
    seen = history(legs("EXPIRED"))
    assert broken(_ended_by_others, seen) == 1
    told(seen, "rate_limited")
    assert broken(_ended_by_others, seen) == 1
    told(seen, "protection_ended")
    assert broken(_ended_by_others, seen) == 0


@pytest.mark.parametrize(
    ("change", "plan"),
    [
        ({"executed_qty": Decimal(1)}, {}),  # the other of the list had sold
        ({}, {"closed_at": NOON + timedelta(seconds=60)}),  # what was left was sold soon after
    ],
)
def test_it_need_not_be_told_where_the_position_was_sold(change: dict[str, Any], plan: dict[str, Any]) -> None:
    found = legs("EXPIRED")
    found[0] |= change
    assert broken(_ended_by_others, history(found, **plan)) == 0


def test_it_need_not_be_told_where_we_had_begun_to_cancel_it() -> None:
    seen = history(legs("CANCELED"))
    seen._rows[order_tables.order_steps].append({"client_order_id": STOP, "state": "CANCEL_SUBMITTED"})
    assert broken(_ended_by_others, seen) == 0


@pytest.mark.parametrize(("generation", "count"), [(0, 0), (1, 0), (2, 1)])
def test_a_plan_counts_no_attempt_without_its_orders(generation: int, count: int) -> None:
    assert broken(_attempts, history(legs("ACCEPTED"), generation=generation)) == count
