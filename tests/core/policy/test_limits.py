"""The owner's limits: what /set accepts, which of several overrides is in force, and which change raises the risk."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.domain.exit_plan import Breakeven
from core.domain.risk_limit import LimitSet
from core.policy.conversion_rates import Rate, Unknown
from core.policy.risk.limits import (
    SETTABLE_LIMITS,
    allows_more,
    asset_of,
    contradictions,
    in_quote,
    is_good,
    shown,
    with_set,
)
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS

AMOUNTS = {"MAX_ORDER_NOTIONAL", "DAILY_LOSS_LIMIT", "TRADE_QUOTE"}


def given(name: str, value: str | None, *, minute: int = 0, asset: str = "USDC") -> LimitSet:
    return LimitSet(name, value, "Ann", NOON + timedelta(minutes=minute), asset=asset if name in AMOUNTS else "")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("MAX_ORDER_NOTIONAL", ["0.01", "999999999999999"], ["0", "-1", "1000000000000000", "much", ""]),
        ("PRICE_BAND_PCT", ["0.01", "100"], ["0", "100.01"]),
        ("MAX_OPEN_POSITIONS", ["1", "10000"], ["0", "10001", "1.5", "-1", "²"]),
        ("SIGNAL_MAX_AGE", ["0.5", "86400"], ["0", "86400.1"]),
        ("NOTHING_OF_OURS", [], ["1"]),
    ],
)
def test_what_a_limit_may_be(name: str, good: list[str], bad: list[str]) -> None:
    assert [value for value in good if not is_good(name, value)] == []
    assert [value for value in bad if is_good(name, value)] == []


@pytest.mark.parametrize("name", SETTABLE_LIMITS)
def test_the_example_of_each_limit_is_good_and_is_in_force_once_set(name: str) -> None:
    limit = SETTABLE_LIMITS[name]
    assert is_good(name, limit.example)
    limits = with_set(LIMITS, [given(name, limit.example)])
    assert getattr(limits, limit.field) == limit.read(limit.example)
    assert limit.read(shown(limits, name)) == limit.read(limit.example)
    assert replace(limits, **{limit.field: getattr(LIMITS, limit.field), "trade_quote": None}) == LIMITS


@pytest.mark.parametrize("name", SETTABLE_LIMITS)
def test_an_amount_is_one_of_the_report_asset_and_of_no_other(name: str) -> None:
    assert asset_of(LIMITS, name) == ("USDC" if name in AMOUNTS else "")
    of_other = with_set(LIMITS, [given(name, "7", asset="BTC")])
    assert (of_other == LIMITS) is (name in AMOUNTS)


def test_the_last_one_set_is_in_force_and_a_spoiled_or_withdrawn_one_is_not() -> None:
    sets = [given("MAX_OPEN_POSITIONS", "9", minute=2), given("MAX_OPEN_POSITIONS", "7", minute=1)]
    assert with_set(LIMITS, sets).max_open_positions == 9
    for value in ("0", "many", None):
        assert with_set(LIMITS, [given("MAX_OPEN_POSITIONS", value)]) == LIMITS
    assert with_set(LIMITS, [given("NOTHING_OF_OURS", "9")]) == LIMITS


@pytest.mark.parametrize(("quote_at", "expected"), [(1, None), (3, Decimal(100))])
def test_of_the_quantity_and_the_amount_of_an_entry_the_last_counts(quote_at: int, expected: Decimal | None) -> None:
    limits = with_set(LIMITS, [given("TRADE_QTY", "30", minute=2), given("TRADE_QUOTE", "100", minute=quote_at)])
    assert (limits.trade_qty, limits.trade_quote) == (Decimal(30), expected)


@pytest.mark.parametrize("last", ["TRADE_QTY", "TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT"])
def test_of_four_sizes_of_an_entry_the_last_counts(last: str) -> None:
    names = ["TRADE_QTY", "TRADE_QUOTE", "TRADE_EQUITY_PCT", "TRADE_RISK_PCT"]
    sets = [given(name, "7", minute=9 if name == last else number) for number, name in enumerate(names)]
    limits = with_set(LIMITS, sets)
    assert [name for name in names[1:] if shown(limits, name)] == ([] if last == "TRADE_QTY" else [last])
    assert limits.size.amount == 7


@pytest.mark.parametrize(
    ("name", "before", "after", "more"),
    [
        ("MAX_ORDER_NOTIONAL", {}, {"max_order_notional": Decimal(1001)}, True),
        ("MAX_ORDER_NOTIONAL", {}, {}, False),
        ("MAX_ORDER_NOTIONAL", {}, {"max_order_notional": Decimal(999)}, False),
        ("EXIT_MAX_AGE", {}, {"exit_max_age": timedelta(seconds=599)}, True),
        ("EXIT_MAX_AGE", {}, {}, False),
        ("EXIT_MAX_AGE", {}, {"exit_max_age": timedelta(seconds=601)}, False),
        ("TRADE_QTY", {}, {"trade_qty": Decimal(21)}, True),
        ("TRADE_QTY", {}, {"trade_qty": Decimal(19)}, False),
        ("TRADE_QTY", {}, {}, False),
        ("BREAKEVEN_AFTER", {"breakeven_after": Breakeven()}, {"breakeven_after": Breakeven(Decimal(3))}, True),
        ("BREAKEVEN_AFTER", {"breakeven_after": Breakeven()}, {"breakeven_after": Breakeven()}, False),
        ("BREAKEVEN_AFTER", {"breakeven_after": Breakeven(Decimal(2))}, {"breakeven_after": Breakeven(Decimal(3))}, True),
        ("BREAKEVEN_AFTER", {"breakeven_after": Breakeven(Decimal(3))}, {"breakeven_after": Breakeven(Decimal(2))}, False),
        ("TRADE_QTY", {"trade_quote": Decimal(9)}, {}, True),
        ("TRADE_QUOTE", {}, {"trade_quote": Decimal(1)}, True),
        ("TRADE_QUOTE", {"trade_quote": Decimal(9)}, {"trade_quote": Decimal(10)}, True),
        ("TRADE_QUOTE", {"trade_quote": Decimal(9)}, {"trade_quote": Decimal(8)}, False),
        ("TRADE_RISK_PCT", {"trade_equity_pct": Decimal(9)}, {"trade_risk_pct": Decimal("0.1")}, True),
        ("TRADE_RISK_PCT", {"trade_risk_pct": Decimal(1)}, {"trade_risk_pct": Decimal(2)}, True),
        ("TRADE_RISK_PCT", {"trade_risk_pct": Decimal(2)}, {"trade_risk_pct": Decimal(1)}, False),
    ],
)
def test_what_raises_the_risk(name: str, before: dict[str, Any], after: dict[str, Any], *, more: bool) -> None:
    assert allows_more(name, replace(LIMITS, **before), replace(LIMITS, **after)) is more


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ({}, []),
        ({"trade_quote": Decimal(1000)}, []),
        ({"trade_quote": Decimal(1001)}, [("TRADE_QUOTE", "MAX_ORDER_NOTIONAL")]),
        ({"price_band_pct": Decimal(50)}, []),
        ({"price_band_pct": Decimal(51)}, [("PRICE_BAND_PCT", "PRICE_SANITY_PCT")]),
    ],
)
def test_which_limits_contradict_each_other(known: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert contradictions(replace(LIMITS, **known)) == found


def test_the_size_of_an_entry_is_converted_at_the_price_of_buying() -> None:
    rate, limits = Rate("EUR", "USDC", Decimal("1.1"), Decimal("1.25")), replace(LIMITS, trade_quote=Decimal(100))
    assert in_quote(limits, rate).trade_quote == Decimal(80)
    assert in_quote(limits, Unknown("EUR", "USDC")) == limits
    assert in_quote(LIMITS, rate) == LIMITS
