"""The orders of an exit plan pass every filter of the exchange and never sell more than is held, or there is a reason."""

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.binance.codec import instrument as parsed
from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.domain.instrument import Instrument
from core.domain.order_terms import OrderTerms, OrderType, TimeInForce
from core.domain.reasons import Reason
from core.domain.resting_rules import NOTHING_RESTS
from core.policy.exits.bracket import Purchase, brackets
from core.policy.exits.bracket_check import NOTHING_OPEN, Bracket, OpenOrders
from tests.paths import DATA
from tests.venue.filters import Market, SymbolRules, edited
from tests.venue.model import OrderRequest

FILES = ("exchangeInfo_12_symbols.json", "exchangeInfo_2026_rows.json")
RECORDED = [entry for name in FILES for entry in json.loads((DATA / "binance" / name).read_text())["symbols"]]
SYMBOLS: dict[str, Any] = {f"{entry['symbol']} {len(entry['orderTypes'])}": entry for entry in RECORDED}
WIF = parsed(SYMBOLS["WIFUSDC 5"])  # tick 0.001, step 0.01, worth from 1; stops with a limit only
TSLAB = parsed(SYMBOLS["TSLABUSDT 7"])  # tick 0.01, step 0.001, worth from 5; sells at 0.9 to 1.2 times the price
WORTH = {"minNotional": "5", "applyMinToMarket": True, "maxNotional": "9000000", "applyMaxToMarket": False, "avgPriceMins": 5}
# Rules that the recorded symbols lack, and others have.
VARIANTS: list[dict[str, Any]] = [
    {},
    {"market_step_size": "0.1", "market_min_qty": "0.5"},
    {"market_step_size": "0.00001000"},
    {"max_qty": "100", "market_max_qty": "10"},
    {"filters": {"NOTIONAL": {**WORTH, "minNotional": "50", "maxNotional": "500", "applyMaxToMarket": True}}},
    {"filters": {"NOTIONAL": {**WORTH, "applyMinToMarket": False}}},
]


def stop(pct: str) -> StopLoss:
    return StopLoss(Level(pct=Decimal(pct)))


def target(pct: str, share: str = "100") -> Target:
    return Target(Level(pct=Decimal(pct)), Decimal(share))


def bought(qty: str = "100", entry: str = "0.5", market: str | None = None) -> Purchase:
    return Purchase(Decimal(qty), Decimal(entry), Decimal(market or entry))


def placed(
    plan: ExitPlan, rules: Instrument = WIF, held: Purchase | None = None, beside: OpenOrders = NOTHING_OPEN
) -> tuple[Bracket, ...]:
    found = brackets(plan, rules, held or bought(), beside)
    assert not isinstance(found, Reason), str(found)
    return found


def refused(plan: ExitPlan, rules: Instrument = WIF, held: Purchase | None = None, beside: OpenOrders = NOTHING_OPEN) -> str:
    found = brackets(plan, rules, held or bought(), beside)
    assert isinstance(found, Reason)
    return str(found)


def limit_stop(trigger: str, limit: str) -> OrderTerms:
    return OrderTerms(OrderType.STOP_LOSS_LIMIT, TimeInForce.GTC, Decimal(limit), Decimal(trigger))


def market_stop(trigger: str) -> OrderTerms:
    return OrderTerms(OrderType.STOP_LOSS, stop_price=Decimal(trigger))


def maker(price: str) -> OrderTerms:
    return OrderTerms(OrderType.LIMIT_MAKER, limit_price=Decimal(price))


# --- what is placed


def test_a_stop_and_a_target_are_one_list_of_all_that_is_held() -> None:
    assert placed(ExitPlan(stop("5"), (target("10"),)), held=bought("99.909")) == (
        Bracket(1, Decimal("99.90"), maker("0.55"), limit_stop("0.475", "0.470")),
    )


def test_where_the_symbol_lists_market_stops_the_stop_has_no_limit() -> None:
    assert placed(ExitPlan(stop("5")), TSLAB, bought("2", "250")) == (Bracket(1, Decimal(2), None, market_stop("237.5")),)


def test_a_ladder_gives_the_rest_to_its_last_part() -> None:
    plan = ExitPlan(stop("5"), (target("5", "33"), target("10", "33"), target("20", "34")))
    assert [(part.number, part.qty) for part in placed(plan, held=bought("100.05"))] == [
        (1, Decimal("33.01")), (2, Decimal("33.01")), (3, Decimal("34.03")),
    ]  # fmt: skip


def test_what_the_targets_leave_has_a_stop_alone() -> None:
    parts = placed(ExitPlan(stop("5"), (target("5", "25"), target("10", "25"))))
    assert [(part.number, part.qty, part.target is None) for part in parts] == [
        (1, Decimal(25), False), (2, Decimal(25), False), (3, Decimal(50), True),
    ]  # fmt: skip
    assert {part.stop for part in parts} == {limit_stop("0.475", "0.470")}


def test_without_a_stop_the_targets_sell_their_shares_and_no_more() -> None:
    parts = placed(ExitPlan(targets=(target("5", "25"), target("10", "25"))))
    assert [(part.qty, part.orders) for part in parts] == [
        (Decimal(25), (maker("0.525"),)), (Decimal(25), (maker("0.550"),)),
    ]  # fmt: skip


def test_fixed_prices_are_taken_and_the_stop_has_its_own_offset() -> None:
    plan = ExitPlan(StopLoss(Level(price=Decimal("0.45")), Decimal(10)), (Target(Level(price=Decimal("0.6"))),))
    assert placed(plan)[0].orders == (maker("0.6"), limit_stop("0.45", "0.405"))


def test_prices_are_rounded_up_to_the_tick_and_the_limit_of_a_stop_down() -> None:
    orders = placed(ExitPlan(stop("5"), (target("5"),)), held=bought(entry="0.4801"))[0].orders
    assert orders == (maker("0.505"), limit_stop("0.457", "0.452"))  # 0.504105, 0.456095, 0.45243


def test_a_market_stop_also_keeps_the_step_of_market_orders() -> None:
    coarse = replace(TSLAB, market_step_size=Decimal("0.1"))
    parts = placed(ExitPlan(stop("5"), (target("5", "50"),)), coarse, bought("1.57", "250"))
    assert [part.qty for part in parts] == [Decimal("0.7"), Decimal("0.8")]


def test_an_empty_plan_places_nothing() -> None:
    assert placed(ExitPlan()) == ()


# --- what cannot rest


@pytest.mark.parametrize(
    ("plan", "rules", "held", "sentence"),
    [
        (
            ExitPlan(stop("5")),
            replace(WIF, resting=NOTHING_RESTS),
            bought(),
            "the exchange does not accept STOP_LOSS orders for WIFUSDC",
        ),
        (
            ExitPlan(targets=(target("5"),)),
            replace(WIF, resting=NOTHING_RESTS),
            bought(),
            "the exchange does not accept LIMIT_MAKER orders for WIFUSDC",
        ),
        (
            ExitPlan(stop("5"), (target("5"),)),
            replace(WIF, resting=replace(WIF.resting, oco_allowed=False)),
            bought(),
            "the exchange does not accept order lists (OCO) for WIFUSDC",
        ),
        (ExitPlan(stop("5")), WIF, bought(market="0.475"), "the market, now at 0.475, is already at or below the stop 0.475"),
        (
            ExitPlan(targets=(target("5"),)),
            WIF,
            bought(market="0.525"),
            "the market, now at 0.525, is already at or above the target 0.525",
        ),
        (
            ExitPlan(stop("11")),
            TSLAB,
            bought("1", "250"),
            "the exchange accepts no order at 222.5 while the market is at 250",
        ),
        (
            ExitPlan(targets=(target("25"),)),
            TSLAB,
            bought("1", "250"),
            "the exchange accepts no order at 312.5 while the market is at 250",
        ),
        (
            ExitPlan(stop("5"), (target("5", "0.1"),)),
            TSLAB,
            bought("0.5", "250"),
            "part 1 of the exit plan, 0 TSLAB, is below the exchange's minimum order of 0.001",
        ),
        (
            ExitPlan(stop("5"), (target("5", "10"),)),
            TSLAB,
            bought("0.2", "250"),
            "part 1 of the exit plan is worth 4.75 USDT at 237.5, below the exchange's minimum of 5",
        ),
        (
            ExitPlan(stop("5")),
            TSLAB,
            bought("600", "250"),
            "part 1 of the exit plan, 600 TSLAB, is above the exchange's maximum order of 585.20788284",
        ),
        (
            ExitPlan(targets=(target("5"),)),
            WIF,
            bought("18000000"),
            "part 1 of the exit plan is worth 9450000.00 USDC at 0.525, above the exchange's maximum of 9000000",
        ),
        (
            ExitPlan(targets=(target("60", "60"), target("20", "60"))),
            WIF,
            bought(),
            "together the targets sell 120% of the position; the most is 100",
        ),
    ],
)
def test_a_plan_that_cannot_rest_is_refused_with_the_reason(
    plan: ExitPlan, rules: Instrument, held: Purchase, sentence: str
) -> None:
    assert refused(plan, rules, held) == sentence


def test_what_is_worth_enough_now_and_too_little_at_the_stop_is_refused() -> None:
    assert "is worth 0.9900 USDC at 0.396, below" in refused(ExitPlan(stop("20")), held=bought("2.5"))
    assert refused(ExitPlan(stop("20")), held=bought("2.5")).startswith("part 1 of the exit plan")
    assert placed(ExitPlan(stop("1")), held=bought("2.5"))


LADDER = ExitPlan(stop("5"), (target("5", "50"), target("10", "50")))
FULL = replace(TSLAB.resting, most_orders=10, most_stops=5, most_lists=3)


@pytest.mark.parametrize(
    ("beside", "sentence"),
    [
        (OpenOrders(orders=6, stops=3, lists=1), None),
        (OpenOrders(stops=4), "the exit plan needs stop orders: 2; open on TSLABUSDT: 4, the exchange's limit is 5"),
        (OpenOrders(orders=7), "the exit plan needs orders: 4; open on TSLABUSDT: 7, the exchange's limit is 10"),
        (OpenOrders(lists=2), "the exit plan needs order lists (OCO): 2; open on TSLABUSDT: 2, the exchange's limit is 3"),
    ],
)
def test_open_orders_leave_room_or_not(beside: OpenOrders, sentence: str | None) -> None:
    found = brackets(LADDER, replace(TSLAB, resting=FULL), bought("10", "250"), beside)
    assert (str(found) if isinstance(found, Reason) else None) == sentence


def test_a_target_alone_needs_no_room_for_stops() -> None:
    full = OpenOrders(orders=7, stops=5, lists=3)
    assert placed(ExitPlan(targets=(target("5"),)), replace(TSLAB, resting=FULL), bought("10", "250"), full)


# --- whatever the plan, the symbol and the amount


def independent(entry: Any, parts: tuple[Bracket, ...], held: Purchase, beside: OpenOrders) -> None:
    """Checks the orders as the documentation has it, from the recorded symbol, and by nothing of what made them."""
    limits = {rule["filterType"]: rule for rule in entry["filters"]}
    for part in parts:
        assert part.orders
        for terms in part.orders:
            assert terms.type in entry["orderTypes"]
            strictly(entry, part.qty, terms, held.market)
        assert len(part.orders) == 1 or entry["ocoAllowed"]
    stops = sum(terms.type.has_trigger for part in parts for terms in part.orders)
    for kind, field, count in (
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", beside.stops + stops),
        ("MAX_NUM_ORDERS", "maxNumOrders", beside.orders + sum(len(part.orders) for part in parts)),
        ("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", beside.lists + sum(len(part.orders) > 1 for part in parts)),
    ):
        assert kind not in limits or count <= limits[kind][field]


def strictly(entry: Any, qty: Decimal, terms: OrderTerms, price: Decimal) -> None:
    """Checks an order as the loopback Binance does: a price to trigger at like one to fill at, and what is sold at the market
    when the stop is reached as if it were sold there."""
    rules = SymbolRules(entry)
    if terms.limit_price is not None:
        rules.check(request(entry, qty, terms.limit_price), Market(price, price, qty))
    if terms.stop_price is not None:
        prices_alone = SymbolRules(edited(entry, {"filters": {"NOTIONAL": None, "MIN_NOTIONAL": None}}))
        prices_alone.check(request(entry, qty, terms.stop_price), Market(price, price, qty))
    if terms.type is OrderType.STOP_LOSS and terms.stop_price is not None:
        rules.check(request(entry, qty, None), Market(terms.stop_price, terms.stop_price, qty))


def request(entry: Any, qty: Decimal, price: Decimal | None) -> OrderRequest:
    """Returns a LIMIT order at `price`, a MARKET order without one."""
    kind, stays = ("MARKET", None) if price is None else ("LIMIT", "GTC")
    return OrderRequest(entry["symbol"], "SELL", kind, stays, qty, None, price, "x", "NONE")


percents = st.decimals("0.05", "99.95", places=2)
levels = st.builds(Level, pct=percents)


@st.composite
def plans(draw: st.DrawFn) -> ExitPlan:
    cuts = draw(st.lists(st.integers(1, 100), max_size=4, unique=True))
    edges = [0, *sorted(cuts), *([100] if draw(st.booleans()) else [])]
    shares = [Decimal(high - low) for low, high in pairwise(edges) if high > low]
    stop_loss = draw(st.none() | st.builds(StopLoss, levels, st.none() | st.decimals(0, 50, places=1)))
    return ExitPlan(stop_loss, tuple(Target(draw(levels), share) for share in shares))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ExitPlan, Purchase, OpenOrders]:
    changes = draw(st.sampled_from(VARIANTS))
    entry = edited(SYMBOLS[draw(st.sampled_from(sorted(SYMBOLS)))], changes)
    rules = {rule["filterType"]: rule for rule in entry["filters"]}
    tick, step = Decimal(rules["PRICE_FILTER"]["tickSize"]), Decimal(rules["LOT_SIZE"]["stepSize"])
    price = tick * draw(st.integers(20, 2_000_000))
    worth = draw(st.decimals(1, 100_000, places=2))
    qty = (worth / price / step).quantize(Decimal("0.001")) * step
    drift = draw(st.decimals("0.9", "1.1", places=3))
    beside = draw(st.sampled_from([NOTHING_OPEN, OpenOrders(3, 3, 0), OpenOrders(198, 0, 18), OpenOrders(5, 5, 0)]))
    return entry, draw(plans()), Purchase(qty, price, price * drift), beside


@settings(max_examples=400)
@given(cases())
def test_every_order_passes_the_strict_filters_or_there_is_a_reason(
    case: tuple[Any, ExitPlan, Purchase, OpenOrders],
) -> None:
    entry, plan, held, beside = case
    parts = brackets(plan, parsed(entry), held, beside)
    if isinstance(parts, Reason):
        assert "{" not in str(parts)
        return
    independent(entry, parts, held, beside)
    assert sum((part.qty for part in parts), Decimal(0)) <= held.qty
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    for part in parts:
        assert part.stop is None or part.stop.stop_price is None or part.stop.stop_price < held.market
        assert part.target is None or part.target.limit_price is None or part.target.limit_price > held.market


@given(cases())
def test_with_a_stop_everything_but_dust_is_protected(case: tuple[Any, ExitPlan, Purchase, OpenOrders]) -> None:
    entry, plan, held, beside = case
    rules = parsed(entry)
    parts = brackets(plan, rules, held, beside)
    if isinstance(parts, Reason) or plan.stop is None:
        return
    steps = max(rules.step_size, rules.market_step_size)
    assert held.qty - sum((part.qty for part in parts), Decimal(0)) < steps
    assert all(part.stop == parts[0].stop is not None for part in parts)


@given(cases())
def test_no_price_is_further_than_a_tick_from_what_the_owner_wants(
    case: tuple[Any, ExitPlan, Purchase, OpenOrders],
) -> None:
    entry, plan, held, beside = case
    rules = parsed(entry)
    parts = brackets(plan, rules, held, beside)
    if isinstance(parts, Reason):
        return
    for part, wanted in zip(parts, plan.targets, strict=False):
        exact = held.entry_price * (100 + (wanted.level.pct or 0)) / 100
        assert part.target is not None
        assert exact <= (part.target.limit_price or 0) < exact + rules.tick_size
    for part in parts:
        if plan.stop is not None and part.stop is not None and part.stop.stop_price is not None:
            exact = held.entry_price * (100 - (plan.stop.level.pct or 0)) / 100
            assert exact <= part.stop.stop_price < exact + rules.tick_size
            assert part.stop.limit_price is None or part.stop.limit_price <= part.stop.stop_price


@pytest.mark.parametrize(
    ("market", "last", "has_stop", "limit"),
    [
        ("0.5", None, True, "0.525"),
        ("0.52", "0.525", True, "0.526"),  # the target itself, of which a part has sold
        ("0.52", "0.526", True, "0.527"),
        ("0.52", "0.527", True, "0.525"),  # an old trade: the market has come down since
        ("0.52", "0.524", True, "0.525"),
        ("0.52", "0.525", False, "0.525"),  # by itself it may rest there
        ("0.53", "0.525", True, "0.531"),  # the market has passed it
        ("0.53", "0.531", True, "0.532"),
    ],
)
def test_a_target_rests_above_the_market_and_above_our_own_last_trade(
    market: str, last: str | None, *, has_stop: bool, limit: str
) -> None:
    held = replace(bought(market=market), last=Decimal(last) if last is not None else None)
    plan = ExitPlan(stop("5") if has_stop else None, (target("5"),))
    found = brackets(plan, WIF, held, passed_too=True)
    assert not isinstance(found, Reason)
    (part,) = found
    assert part.target is not None
    assert part.target.limit_price == Decimal(limit)
    assert part.wanted == (None if limit == "0.525" else Decimal("0.525"))
