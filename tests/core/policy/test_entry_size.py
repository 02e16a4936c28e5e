"""Sizes counted from the equity: never more at risk than asked, never more than is free or allowed, always rounded down."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss
from core.domain.instrument import Quote
from core.domain.money import multiply
from core.domain.reasons import Reason, reason
from core.domain.trade_size import SizeCap, SizeKind, Sizing, TradeSize
from core.policy.conversion_rates import Rate
from core.policy.decision import Refused, decide
from core.policy.exits.bracket import level_price
from core.policy.funds import Funds
from core.policy.risk import RiskApproved
from core.policy.sizing.entry_size import EntryMoney, EntrySize, entry_size
from core.policy.sizing.fees import TAKER_FEE
from tests.core.decision_contexts import decision_context, said
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS

FIVE_PCT = StopLoss(Level(pct=Decimal(5)))
ONE = Rate("USDC", "USDC", Decimal(1), Decimal(1))
WIDE = replace(LIMITS, max_order_notional=Decimal(10) ** 12)


def money(equity: str = "10000", free: str = "10000", stop: StopLoss | None = FIVE_PCT, rate: Rate = ONE) -> EntryMoney:
    return EntryMoney(Funds(Decimal(equity), Decimal(0), Decimal(free)), rate, stop)


def computed(size: TradeSize, worst: str, of: EntryMoney, most: str = "1000000") -> EntrySize:
    found = entry_size(size, Decimal(worst), of, replace(LIMITS, max_order_notional=Decimal(most)))
    assert isinstance(found, EntrySize)
    return found


def risk(pct: str) -> TradeSize:
    return TradeSize(SizeKind.RISK, Decimal(pct))


def equity(pct: str) -> TradeSize:
    return TradeSize(SizeKind.EQUITY, Decimal(pct))


def test_per_cent_of_the_equity_are_spent_at_the_worst_price() -> None:
    found = computed(equity("5"), "0.5", money(equity="12340.50"))
    assert found.qty == Decimal("1234.05")
    assert found.sizing == Sizing(SizeKind.EQUITY, Decimal(5), Decimal("12340.50"), Decimal("617.025"), "USDC")


def test_per_cent_at_risk_are_what_the_stop_would_lose_with_both_fees() -> None:
    found = computed(risk("1"), "1", money())
    assert Decimal("1926.81") < found.qty < Decimal("1926.82")
    back = found.qty * (1 - TAKER_FEE) * Decimal("0.95") * (1 - TAKER_FEE)
    assert Decimal("99.999999") < found.qty - back <= 100
    assert found.sizing is not None
    assert found.sizing.stop_pct == 5


def test_a_stop_at_a_price_counts_from_the_worst_price_of_the_entry() -> None:
    near = computed(risk("1"), "1", money(stop=StopLoss(Level(price=Decimal("0.9")))))
    far = computed(risk("1"), "1.1", money(stop=StopLoss(Level(price=Decimal("0.9")))))
    assert near.qty > far.qty
    assert near.sizing is not None
    assert near.sizing.stop_pct == 10


@pytest.mark.parametrize("stop", [None, StopLoss(Level(price=Decimal("0.48"))), StopLoss(Level(price=Decimal("0.5")))])
def test_a_risk_without_a_stop_below_the_entry_is_no_size(stop: StopLoss | None) -> None:
    found = entry_size(risk("1"), Decimal("0.48"), money(stop=stop), LIMITS)
    assert found == reason("risk_without_stop", found="1")


@pytest.mark.parametrize(
    ("free", "most", "qty", "cap", "shown"),
    [
        ("10000", "1000", "2000", SizeCap.NOTIONAL, "1000"),
        ("300", "1000", "600", SizeCap.FREE, "300"),
        ("1000", "1000", "2000", SizeCap.NOTIONAL, "1000"),
        ("10000", "10000", "10000", None, None),
        ("0", "1000", "0", SizeCap.FREE, "0"),
    ],
)
def test_what_is_computed_is_cut_to_the_limit_and_to_what_is_free(
    free: str, most: str, qty: str, cap: SizeCap | None, shown: str | None
) -> None:
    found = computed(equity("50"), "0.5", money(free=free), most=most)
    assert found.qty == Decimal(qty)
    assert found.sizing is not None
    assert (found.sizing.wanted, found.sizing.cap) == (Decimal(5000), cap)
    assert found.sizing.most == (None if shown is None else Decimal(shown))


PRICES = st.decimals("0.00000001", "100000", places=8)
PCT = st.decimals("0.01", "100", places=4)
MONEY = st.decimals(0, 10**9, places=8)
RATES = st.builds(
    lambda low, spread: Rate("BTC", "USDC", low, low * (1 + spread)),
    st.decimals("0.0001", "100000", places=8),
    st.decimals(0, "0.1", places=4),
)


@given(PCT, PRICES, st.tuples(MONEY, MONEY), st.decimals("0.01", 10**7, places=2), RATES)
def test_of_the_equity_never_more_is_spent_than_asked_free_or_allowed(
    pct: Decimal, worst: Decimal, account: tuple[Decimal, Decimal], most: Decimal, rate: Rate
) -> None:
    whole, free = account
    of = EntryMoney(Funds(whole, Decimal(0), free), rate, None)
    found = entry_size(TradeSize(SizeKind.EQUITY, pct), worst, of, replace(LIMITS, max_order_notional=most))
    assert isinstance(found, EntrySize)
    spent = multiply(found.qty, worst)
    assert spent <= free
    assert rate.at_most(spent) <= min(most, multiply(whole, pct) / 100)


@given(PCT, PRICES, st.decimals("0.01", "99.99", places=2), MONEY, RATES)
def test_a_stop_never_loses_more_than_was_put_at_risk(
    pct: Decimal, worst: Decimal, distance: Decimal, whole: Decimal, rate: Rate
) -> None:
    stop = StopLoss(Level(pct=distance))
    found = entry_size(TradeSize(SizeKind.RISK, pct), worst, EntryMoney(Funds(whole, Decimal(0), whole), rate, stop), WIDE)
    assert isinstance(found, EntrySize)
    trigger = level_price(stop.level, worst, -1)
    back = multiply(multiply(multiply(found.qty, 1 - TAKER_FEE), trigger), 1 - TAKER_FEE)
    lost = multiply(found.qty, worst) - back
    assert rate.at_most(lost) <= multiply(whole, pct) / 100


@given(st.decimals("0.00000001", 10**6, places=16), PRICES)
def test_an_amount_of_quote_asset_is_never_exceeded_at_the_limit(amount: Decimal, worst: Decimal) -> None:
    found = entry_size(TradeSize(SizeKind.QUOTE, amount), worst, None, LIMITS)
    assert isinstance(found, EntrySize)
    assert multiply(found.qty, worst) <= amount


@given(
    st.decimals("1", "100", places=4),
    st.decimals("1", "100", places=4),
    st.decimals(2000, 10**5, places=8),
    st.decimals(200, 10**5, places=8),
)
def test_the_order_is_on_the_symbols_step_and_never_more_than_is_free(
    pct: Decimal, close: Decimal, whole: Decimal, free: Decimal
) -> None:
    price = Quote("WIFUSDC", close, close, NOON)
    found = decide(
        replace(said(close=str(close)), size=TradeSize(SizeKind.EQUITY, pct)),
        decision_context(quote=price, funds=Funds(whole, Decimal(0), free), max_order_notional=Decimal(10) ** 10),
    )
    assert isinstance(found, RiskApproved)
    assert found.qty % Decimal("0.01") == 0
    assert found.terms.limit_price is not None
    assert multiply(found.qty, found.terms.limit_price) <= min(free, multiply(whole, pct) / 100)


@pytest.mark.parametrize("unknown", [reason("balances_unknown"), reason("value_unknown", symbol="SOLUSDC")])
def test_without_a_known_equity_nothing_is_bought(unknown: Reason) -> None:
    signal = replace(said(), size=equity("5"))
    assert decide(signal, decision_context(funds=unknown)) == Refused("denied", unknown)
    assert decide(signal, decision_context()) == Refused("denied", reason("balances_unknown"))


def test_a_size_given_outright_above_the_limit_is_refused_and_not_cut() -> None:
    signal = replace(said(), size=TradeSize(SizeKind.QUOTE, Decimal(2000)))
    found = decide(signal, decision_context())
    assert isinstance(found, Refused)
    assert str(found.reason) == "order value 1999.99 USDC is above the limit of 1000"


def test_a_computed_size_that_is_cut_to_nothing_names_the_money() -> None:
    signal = replace(said(), size=equity("5"))
    found = decide(signal, decision_context(funds=Funds(Decimal(10000), Decimal(9998), Decimal(2))))
    assert isinstance(found, Refused)
    assert str(found.reason) == "only 2.00 USDC is free, too little for an order"


def test_the_plan_of_the_settings_gives_the_stop_that_a_risk_counts_to() -> None:
    signal, funds = replace(said(), size=risk("1")), Funds(Decimal(1000), Decimal(0), Decimal(1000))
    by_settings = decide(signal, decision_context(funds=funds, stop_loss_pct=Decimal(5)))
    own = decide(replace(signal, plan=ExitPlan(FIVE_PCT)), decision_context(funds=funds))
    assert isinstance(by_settings, RiskApproved)
    assert isinstance(own, RiskApproved)
    assert by_settings.qty == own.qty
    assert by_settings.sizing == own.sizing
