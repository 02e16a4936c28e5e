"""The words and numbers about a position's protection, and about what rests."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.adapters.ledger.guards import OpenPosition, RestingOrder, at_its_prices
from core.domain.exit_plan import ExitPlan, Trailing
from core.domain.order_state_machine import OrderState
from core.domain.plan_leg import LegKind
from core.domain.reasons import reason
from core.domain.trade_plan import PlanState, TradePlan
from dashboard.guards import guard_cells, guard_words, order_row
from dashboard.trades import unrealised_words
from tests.core.adapters.ledger.test_guards import PLAN, entry_at_limit, leg
from tests.core.adapters.ledger.values import NOW, order, position

EXPOSED = replace(PLAN, state=PlanState.EXPOSED, exposed_since=NOW, why=reason("unanswered"))
LATER = replace(PLAN, exits=ExitPlan(trailing=Trailing(Decimal(2), Decimal(5))))
TIMED = replace(PLAN, exits=ExitPlan(time_limit=timedelta(hours=1)))


def held(plan: TradePlan | None, protected: str = "20", bid: str | None = "0.5") -> OpenPosition:
    market = None if bid is None else Decimal(bid)
    return OpenPosition(position("20"), market, NOW, None if plan is None else at_its_prices(plan), Decimal(protected))


@pytest.mark.parametrize(
    ("one", "alive", "silent"),
    [
        (held(None), "no exit plan", "no exit plan"),
        (held(PLAN), "🛡 guarded", "🛡 guarded"),
        (held(PLAN, "12"), "🛡 guarded: 12 of 20", "🛡 guarded: 12 of 20"),
        (
            held(EXPOSED, "0"),
            f"⚠️ exposed since 12:00:00 UTC, watched by MarketFlow ({reason('unanswered')})",
            f"❌ exposed since 12:00:00 UTC, NOT watched: MarketFlow is silent ({reason('unanswered')})",
        ),
        (held(TIMED, "0"), "⏱ time limit only", "❌ time limit only; MarketFlow is silent"),
        (held(LATER, "0"), "⏱ no stop yet", "❌ no stop yet; MarketFlow is silent"),
    ],
)
def test_a_guard_in_words(one: OpenPosition, alive: str, silent: str) -> None:
    assert guard_words(one, is_watched=True) == alive
    assert guard_words(one, is_watched=False) == silent


def test_stop_and_targets_have_their_distance_to_the_price() -> None:
    cells = guard_cells(held(PLAN), is_watched=True)
    assert (cells["stop"], cells["targets"]) == ("0.475 (-5.00%)", "0.55 (+10.00%) 50%, 0.6 (+20.00%) 50%")
    assert guard_cells(held(PLAN, bid=None), is_watched=True)["stop"] == "0.475"
    sold = guard_cells(replace(held(PLAN), sold=frozenset({0})), is_watched=True)
    assert sold["targets"] == "0.55 sold, 0.6 (+20.00%) 50%"
    assert guard_cells(replace(held(PLAN), sold=frozenset({1})), is_watched=True)["targets"] == "0.55 (+10.00%) 50%, 0.6 sold"
    assert guard_cells(held(TIMED), is_watched=True)["sold at the latest"] == "2026-03-01 13:00:00"
    assert set(guard_cells(held(None), is_watched=True)) == set(cells)  # a table has the same columns in every row


def test_a_resting_order_says_what_it_is_for() -> None:
    stop, target = leg(LegKind.STOP, 1, "0.475"), leg(LegKind.TARGET, 1, "0.6")
    bid = Decimal("0.5")
    rows = [
        order_row(RestingOrder(one, bid, number, count)) for one, number, count in ((stop, 0, 0), (target, 2, 2), (target, 1, 1))
    ]
    assert [(row["for"], row["price"], row["from the market"]) for row in rows] == [
        ("stop", "0.475", "-5.00%"),
        ("target 2 of 2", "0.6", "+20.00%"),
        ("target", "0.6", "+20.00%"),
    ]
    entry = order_row(RestingOrder(entry_at_limit(), None))
    shown = (entry["for"], entry["side"], entry["quantity"], entry["until"], entry["from the market"])
    assert shown == ("entry", "BUY", "15", "2026-03-01 12:05:00", "")
    assert order_row(RestingOrder(order(1, 1, OrderState.ACCEPTED), bid))["for"] == "exit"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([Decimal("1.5"), Decimal("-0.25")], "+1.25 USDC"),
        ([Decimal("1.5"), None], "+1.50 USDC and unknown"),
        ([None, None], "unknown"),
    ],
)
def test_what_is_not_known_is_no_zero(values: list[Decimal | None], words: str) -> None:
    assert unrealised_words(values, "USDC") == words
