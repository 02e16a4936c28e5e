"""The rules for open orders, from recorded and damaged symbols of exchangeInfo."""

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.binance import codec
from core.adapters.binance.json_fields import Unreadable
from core.domain.order_terms import OrderType
from core.domain.resting_rules import NOTHING_RESTS, PriceBand, RestingRules
from core.domain.signal import Side
from tests.paths import DATA

OLD = json.loads((DATA / "binance/exchangeInfo_12_symbols.json").read_text())
NEW = json.loads((DATA / "binance/exchangeInfo_2026_rows.json").read_text())
MARKET = Decimal(100)


def rules_of(body: Any, symbol: str) -> RestingRules:
    return codec.instruments(body)[symbol].resting


def changed(**changes: Any) -> dict[str, Any]:
    """Returns the newest recorded symbol with other fields."""
    return {**NEW["symbols"][0], **changes}


def with_filter(kind: str, **fields: Any) -> dict[str, Any]:
    """Returns the newest recorded symbol with another filter of this kind."""
    others = [rule for rule in NEW["symbols"][0]["filters"] if rule["filterType"] != kind]
    return changed(filters=[*others, {"filterType": kind, **fields}])


def test_a_symbol_of_2024_has_stops_with_a_limit_only() -> None:
    rules = rules_of(OLD, "WIFUSDC")
    assert rules.oco_allowed
    assert rules.order_types == set(OrderType) - {OrderType.STOP_LOSS, OrderType.TAKE_PROFIT}
    assert (rules.min_price, rules.max_price) == (Decimal("0.001"), Decimal(1000))
    assert (rules.min_notional, rules.max_notional) == (Decimal(1), Decimal(9_000_000))
    assert (rules.most_orders, rules.most_stops, rules.most_lists) == (200, 5, None)


def test_a_symbol_of_2026_lists_every_type_and_has_a_narrow_band() -> None:
    rules = rules_of(NEW, "TSLABUSDT")
    assert rules.order_types == set(OrderType)
    assert rules.sell_band == PriceBand(Decimal("0.9"), Decimal("1.2"))
    assert rules.buy_band == PriceBand(Decimal("0.8"), Decimal("1.1"))
    assert (rules.most_orders, rules.most_stops, rules.most_lists) == (200, 5, 20)


@pytest.mark.parametrize(
    ("side", "price", "allowed"),
    [
        (Side.SELL, "90", True),
        (Side.SELL, "89.99", False),
        (Side.SELL, "120", True),
        (Side.SELL, "120.01", False),
        (Side.BUY, "80", True),
        (Side.BUY, "110.01", False),
    ],
)
def test_each_side_has_a_band_of_its_own(side: Side, price: str, allowed: bool) -> None:
    assert rules_of(NEW, "TSLABUSDT").allows_price(side, Decimal(price), MARKET) is allowed


def test_prices_stay_within_the_price_filter() -> None:
    rules = rules_of(NEW, "BTCUSD")
    assert rules.allows_price(Side.SELL, Decimal(1_000_000), Decimal(900_000))
    assert not rules.allows_price(Side.SELL, Decimal("1000000.01"), Decimal(900_000))


def test_where_both_bands_are_listed_both_are_kept_and_the_old_filter_of_worth_counts() -> None:
    narrow = {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.85", "avgPriceMins": 5}
    rows = changed(filters=[*NEW["symbols"][0]["filters"], narrow])
    assert codec.instrument(rows).resting.sell_band == PriceBand(Decimal("0.9"), Decimal("1.1"))
    assert codec.instrument(rows).resting.buy_band == PriceBand(Decimal("0.85"), Decimal("1.1"))
    assert (rules_of(NEW, "BTCUSD").min_notional, rules_of(NEW, "BTCUSD").max_notional) == (Decimal(1), None)


def test_without_a_filter_nothing_is_limited() -> None:
    lot = [rule for rule in NEW["symbols"][0]["filters"] if rule["filterType"] == "LOT_SIZE"]
    rules = codec.instrument(changed(filters=lot)).resting
    assert rules == RestingRules(order_types=frozenset(OrderType), oco_allowed=True, opo_allowed=True, may_expire_taker=True)


def test_an_entry_may_end_itself_where_the_symbol_lists_that_mode() -> None:
    assert codec.instrument(changed(allowedSelfTradePreventionModes=["EXPIRE_MAKER"])).resting.may_expire_taker is False
    assert codec.instrument(changed(allowedSelfTradePreventionModes="EXPIRE_TAKER")).resting.may_expire_taker is False


@pytest.mark.parametrize(
    "symbol",
    [
        with_filter("PERCENT_PRICE_BY_SIDE", bidMultiplierUp="5", bidMultiplierDown="0.2", askMultiplierUp="5"),
        with_filter("PERCENT_PRICE", multiplierUp=5, multiplierDown="0.2"),
        with_filter("MIN_NOTIONAL", minNotional="five", applyToMarket=False),
        with_filter("MAX_NUM_ORDERS", maxNumOrders=True),
        with_filter("MAX_NUM_ALGO_ORDERS"),
        with_filter("MAX_NUM_ORDER_LISTS", maxNumOrderLists=-1),
        with_filter("PRICE_FILTER", tickSize="0.01", maxPrice="100"),
    ],
)
def test_where_a_filter_is_unreadable_nothing_may_rest_and_market_orders_go_on(symbol: dict[str, Any]) -> None:
    rules = codec.instrument(symbol)
    assert rules.resting == NOTHING_RESTS
    assert rules.market_orders


@pytest.mark.parametrize("flag", ["true", 1, None, False])
def test_order_lists_need_a_plain_yes(flag: Any) -> None:
    assert not codec.instrument(changed(ocoAllowed=flag)).resting.oco_allowed


def test_unknown_order_types_do_no_harm() -> None:
    assert codec.instrument(changed(orderTypes=["MARKET", "LIMIT", "FROM_THE_FUTURE", ["X"], None])).resting.order_types == {
        OrderType.MARKET,
        OrderType.LIMIT,
    }


@given(st.data())
def test_whatever_a_filter_says_only_the_symbol_can_become_unreadable(data: st.DataObject) -> None:
    values = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["0.2", "5", "-1", "NaN", "1e400"])
    filters = [
        {name: value if name == "filterType" else data.draw(values) for name, value in rule.items()}
        if rule["filterType"] != "LOT_SIZE" and data.draw(st.booleans())
        else rule
        for rule in NEW["symbols"][0]["filters"]
    ]
    with suppress(Unreadable):
        found = codec.instrument(changed(filters=filters)).resting
        assert found == NOTHING_RESTS or found.oco_allowed
