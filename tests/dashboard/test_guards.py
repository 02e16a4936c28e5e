"""The words and numbers about a position's protection, and about what rests, in both languages."""

import re
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
from dashboard.guards import guard_note, guard_pill, order_cells, plan_cells
from dashboard.texts import texts
from dashboard.tiles import account_tiles, unrealised_words
from tests.core.adapters.ledger.test_guards import PLAN, entry_at_limit, leg
from tests.core.adapters.ledger.values import NOW, order, position

EXPOSED = replace(PLAN, state=PlanState.EXPOSED, exposed_since=NOW, why=reason("unanswered"))
LATER = replace(PLAN, exits=ExitPlan(trailing=Trailing(Decimal(2), Decimal(5))))
TIMED = replace(PLAN, exits=ExitPlan(time_limit=timedelta(hours=1)))
EN, RU = texts("en"), texts("ru")


def held(plan: TradePlan | None, protected: str = "20", bid: str | None = "0.5") -> OpenPosition:
    market = None if bid is None else Decimal(bid)
    return OpenPosition(position("20"), market, NOW, None if plan is None else at_its_prices(plan), Decimal(protected))


def plain(html: str) -> str:
    return re.sub("<[^>]*>", "", html)


@pytest.mark.parametrize(
    ("one", "words", "in_russian"),
    [
        (held(None), "no exit plan", "без плана выхода"),
        (held(PLAN), "guarded", "под защитой"),
        (held(PLAN, "12"), "guarded: 12 of 20", "под защитой 12 из 20"),
        (held(EXPOSED, "0"), "exposed since 12:00:00 UTC", "без защиты с 12:00:00 UTC"),
        (held(TIMED, "0"), "time limit only", "только лимит времени"),
        (held(LATER, "0"), "no stop yet", "стопа ещё нет"),
    ],
)
def test_a_guard_in_words(one: OpenPosition, words: str, in_russian: str) -> None:
    assert plain(guard_pill(one, EN, is_watched=True)) == words
    assert plain(guard_pill(one, RU, is_watched=True)) == in_russian


def test_what_nothing_guards_says_why_and_who_watches() -> None:
    why = EN.reason(reason("unanswered"))
    assert plain(guard_note(held(EXPOSED, "0"), EN, is_watched=True)) == f"watched by MarketFlow ({why})"
    assert plain(guard_note(held(EXPOSED, "0"), EN, is_watched=False)) == f"NOT watched: MarketFlow is silent ({why})"
    assert plain(guard_note(held(LATER, "0"), EN, is_watched=False)) == "NOT watched: MarketFlow is silent"
    assert "down" in guard_pill(held(LATER, "0"), EN, is_watched=False)
    assert [guard_note(one, EN, is_watched=False) for one in (held(None), held(PLAN))] == ["", ""]


def test_stop_and_targets_have_their_distance_to_the_price() -> None:
    assert plan_cells(held(PLAN), EN) == {
        "Stop": "0.4750 (-5.00%)",
        "Target 1 of 2": "0.5500 (+10.00%) · 50%",
        "Target 2 of 2": "0.6000 (+20.00%) · 50%",
    }
    assert plan_cells(held(PLAN, bid=None), EN)["Stop"] == "0.4750"
    assert plan_cells(held(PLAN), RU)["Стоп"] == "0,4750 (-5,00%)"
    assert plan_cells(held(TIMED), EN) == {"Sold at the latest": "01 Mar 2026 13:00 UTC"}
    assert plan_cells(held(None), EN) == {}


def test_a_resting_order_says_what_it_is_for() -> None:
    stop, target = leg(LegKind.STOP, 1, "0.475"), leg(LegKind.TARGET, 1, "0.6")
    bid = Decimal("0.5")
    rows = [
        order_cells(RestingOrder(one, bid, number, count), EN)
        for one, number, count in ((stop, 0, 0), (target, 2, 2), (target, 1, 1))
    ]
    assert [(row[1], row[4], row[5]) for row in rows] == [
        ("stop", "0.4750", "-5.00%"),
        ("target 2 of 2", "0.6000", "+20.00%"),
        ("target", "0.6000", "+20.00%"),
    ]
    entry = order_cells(RestingOrder(entry_at_limit(), None), RU)
    assert (entry[1], plain(entry[2]), entry[3], entry[5], entry[9]) == ("вход", "BUY", "15", "", "01.03 12:05")
    assert order_cells(RestingOrder(order(1, 1, OrderState.ACCEPTED), bid), EN)[1] == "exit"


def test_what_is_not_known_is_no_zero() -> None:
    known, unknown = held(PLAN, bid="0.5"), held(PLAN, bid=None)
    assert unrealised_words([known], EN) == "+0.40 USDC"
    assert unrealised_words([known, unknown], EN) == "+0.40 USDC and unknown"
    assert unrealised_words([unknown], RU) == "неизвестно"
    assert unrealised_words([], EN) == "nothing held"
    assert [tile.name for tile in account_tiles(None, [unknown], EN)] == ["Unrealised"]
