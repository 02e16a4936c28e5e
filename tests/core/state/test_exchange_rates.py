"""Conversion rates: direct, inverted or via a third asset, exact, and never better than the market."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.instrument import Instrument, Quote
from core.domain.money import multiply
from core.domain.trading_state import ApprovalPolicy
from core.policy.conversion_rates import MIDDLES, Rate, Unknown, paths, rate, same
from core.policy.decision import Refused, decide
from core.policy.risk import assess
from core.policy.risk.daily_loss import result_today
from core.policy.risk.limits import in_quote
from tests.core.decision_contexts import decision_context, said, sized
from tests.core.virtual_time import NOON
from tests.core.world import LIMITS, instrument

PRICES = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(1_000_000), places=8)
AMOUNTS = st.decimals(min_value=Decimal(-1_000_000), max_value=Decimal(1_000_000), places=8)

Prices = Mapping[str, tuple[str, str]]


def pairs(*named: str) -> dict[str, Instrument]:
    """Returns rules of pairs written BASE/QUOTE."""
    return {name.replace("/", ""): instrument(*name.split("/")) for name in named}


def quotes(prices: Prices) -> dict[str, Quote]:
    return {name: Quote(name, Decimal(bid), Decimal(ask), NOON) for name, (bid, ask) in prices.items()}


def found(asset: str, into: str, *named: str, **prices: tuple[str, str]) -> Rate | Unknown:
    return rate(asset, into, pairs(*named), quotes(prices).get)


def exact(asset: str, into: str, number: Decimal) -> Rate:
    return Rate(asset, into, number, number, ("X",))


RATES: Mapping[Rate, Mapping[str, tuple[str, str] | None]] = {
    Rate("BTC", "USDC", Decimal(60000), Decimal(60010), ("BTCUSDC",)): {"BTC/USDC": ("60000", "60010")},
    Rate("USDT", "EUR", Decimal("0.78125"), Decimal("0.8"), ("EURUSDT",)): {"EUR/USDT": ("1.25", "1.28")},
    Rate("ETH", "TRY", Decimal(80000), Decimal(82041), ("ETHUSDT", "USDTTRY")): {
        "ETH/USDT": ("2000", "2001"),
        "USDT/TRY": ("40", "41"),
    },
    Rate("EUR", "USDC", Decimal(1), Decimal("2.2"), ("EURUSDT", "USDCUSDT")): {
        "EUR/USDT": ("1", "1.1"),
        "USDC/USDT": ("0.5", "1"),
    },
    # The direct pair has no price: another way serves.
    Rate("BTC", "USDC", Decimal(60000), Decimal(60000), ("BTCUSDT", "USDCUSDT")): {
        "BTC/USDC": None,
        "BTC/USDT": ("60000", "60000"),
        "USDC/USDT": ("1", "1"),
    },
    same("USDC"): {},
}


@pytest.mark.parametrize("wanted", RATES, ids=str)
def test_a_rate(wanted: Rate) -> None:
    market = RATES[wanted]
    prices = {name.replace("/", ""): price for name, price in market.items() if price is not None}
    assert found(wanted.asset, wanted.into, *market, **prices) == wanted


@pytest.mark.parametrize(
    ("asset", "named", "prices", "lacking"),
    [
        ("BTC", (), {}, ()),
        ("BTC", ("BTC/USDC",), {}, ("BTCUSDC",)),
        ("BTC", ("BTC/USDC",), {"BTCUSDC": ("0", "1")}, ("BTCUSDC",)),
        ("BTC", ("BTC/USDT",), {"BTCUSDT": ("1", "1")}, ()),  # no way on from there
        ("BTC", ("BTC/USDT", "USDC/USDT"), {"BTCUSDT": ("1", "1")}, ("BTCUSDT", "USDCUSDT")),
        ("BTC", ("BTC/XYZ", "XYZ/USDC"), {"BTCXYZ": ("1", "1"), "XYZUSDC": ("1", "1")}, ()),  # not via such a thin market
    ],
)
def test_a_rate_that_nobody_knows(asset: str, named: tuple[str, ...], prices: Prices, lacking: tuple[str, ...]) -> None:
    assert found(asset, "USDC", *named, **prices) == Unknown(asset, "USDC", lacking)


def test_a_pair_that_is_halted_prices_nothing() -> None:
    rules = {"BTCUSDC": replace(instrument("BTC"), status="BREAK")}
    assert rate("BTC", "USDC", rules, quotes({"BTCUSDC": ("1", "1")}).get) == Unknown("BTC", "USDC")


def test_a_name_put_together_otherwise_is_not_taken_for_a_pair() -> None:
    """Rejects reading ABCUSDC as A against BCUSDC, although its letters allow it."""
    rules = {"BTCUSDC": replace(instrument("BTC"), base="B", quote="TCUSDC")}
    assert not list(paths("BTC", "USDC", rules))


@given(PRICES, PRICES, AMOUNTS, AMOUNTS)
def test_converting_is_monotone_and_never_better_than_the_market(one: Decimal, other: Decimal, a: Decimal, b: Decimal) -> None:
    for name, into in (("BTC/USDC", "USDC"), ("USDC/BTC", "USDC")):
        of = found("BTC", into, name, **{name.replace("/", ""): (str(one), str(other))})  # crossed or not
        assert isinstance(of, Rate)
        assert 0 < of.low <= of.high
        less, more = sorted((a, b))
        assert of.at_worst(less) <= of.at_worst(more)
        if less >= 0:
            assert of.at_most(less) <= of.at_most(more)
            assert of.at_worst(less) <= of.at_most(less)
            assert of.at_most(of.within(less)) <= less
        assert of.at_worst(-abs(a)) <= of.at_worst(abs(a))


@given(PRICES, PRICES)
def test_a_pair_and_the_same_turned_round_agree_within_rounding(one: Decimal, other: Decimal) -> None:
    bid, ask = sorted((one, other))
    there = found("BTC", "USDC", "BTC/USDC", BTCUSDC=(str(bid), str(ask)))
    back = found("USDC", "BTC", "BTC/USDC", BTCUSDC=(str(bid), str(ask)))
    assert isinstance(there, Rate)
    assert isinstance(back, Rate)
    least = Decimal("1e-26")
    assert 1 - least <= multiply(there.low, back.high) <= 1 + least
    assert 1 - least <= multiply(there.high, back.low) <= 1 + least


@given(PRICES, PRICES, st.sampled_from(MIDDLES), AMOUNTS, PRICES)
def test_refusing_depends_on_the_rate_and_not_on_the_way_to_it(
    one: Decimal, other: Decimal, middle: str, result: Decimal, qty: Decimal
) -> None:
    """Decides alike at the same rate, whether direct, inverted or via any middle asset."""
    low, high = sorted((one, other))
    decisions = set()
    for via in (("BTCUSDC",), ("USDCBTC",), (f"BTC{middle}", f"{middle}USDC")):
        known = Rate("BTC", "USDC", low, high, via)
        seen = decision_context(
            instrument=instrument("WIF", "BTC"), rates={"BTC": known}, results_today={"BTC": result, "USDC": Decimal(3)}
        )
        decisions.add(str(assess(said(), sized(qty=str(qty)), seen)))
    assert len(decisions) == 1


@pytest.mark.parametrize(
    ("results", "total"),
    [
        ({}, "0"),
        ({"USDC": "-40", "EUR": "-50"}, "-100"),  # a loss at the price of covering it: 1.20
        ({"USDC": "-40", "EUR": "50"}, "15"),  # a gain at its selling price: 1.10
        ({"BTC": "-0.001", "EUR": "-10", "USDC": "5"}, "-68"),
    ],
)
def test_the_result_of_the_day_is_of_every_quote_asset(results: dict[str, str], total: str) -> None:
    rates = {
        "EUR": Rate("EUR", "USDC", Decimal("1.10"), Decimal("1.20"), ("EURUSDC",)),
        "BTC": Rate("BTC", "USDC", Decimal(60_000), Decimal(61_000), ("BTCUSDC",)),
    }
    seen = decision_context(results_today={asset: Decimal(result) for asset, result in results.items()}, rates=rates)
    assert result_today(seen) == Decimal(total)


@pytest.mark.parametrize("lacking", ["EUR", "BTC"])
def test_an_entry_is_refused_where_a_rate_of_a_result_or_of_its_own_quote_is_unknown(lacking: str) -> None:
    rates: dict[str, Rate | Unknown] = {asset: exact(asset, "USDC", Decimal(1)) for asset in ("EUR", "BTC")}
    rates[lacking] = Unknown(lacking, "USDC", (f"{lacking}USDC",))
    seen = decision_context(instrument=instrument("WIF", "BTC"), rates=rates, results_today={"EUR": Decimal("0.01")})
    refused = decide(said(), seen)
    assert isinstance(refused, Refused)
    assert str(refused.reason) == (f"no current rate of {lacking} to USDC ({lacking}USDC), so limits can't be checked")
    assert not isinstance(decide(said("SELL_SM"), replace(seen, position=HELD)), Refused)


HELD = replace(decision_context().position, qty=Decimal(20), cost=Decimal(9), value=Decimal(9), is_open=True)


def test_where_the_exchange_has_no_pair_that_is_said() -> None:
    assert str(Unknown("XYZ", "USDC").reason).startswith("the exchange has no pair to convert XYZ to USDC")


@given(PRICES, st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10_000), places=2))
def test_trade_quote_is_an_amount_of_the_report_asset(price: Decimal, wanted: Decimal) -> None:
    limits = replace(LIMITS, trade_quote=wanted)
    spent = in_quote(limits, exact("BTC", "USDC", price)).trade_quote
    assert spent is not None
    assert wanted * (1 - Decimal("1e-20")) <= multiply(spent, price) <= wanted
    assert in_quote(limits, Unknown("BTC", "USDC")) == limits


@pytest.mark.parametrize(
    ("above", "asset", "worth", "asked"),
    [
        ("0", "", "1", True),
        ("0", "", None, True),
        ("100", "USDC", "100", False),
        ("100", "USDC", "100.01", True),
        ("100", "", "99", False),  # set in an older version
        ("100", "BTC", "99", True),  # set in another asset: it exempts nothing
        ("100", "USDC", None, False),  # an exit of unknown worth waits for nobody
    ],
)
def test_who_is_asked_goes_by_worth_in_the_report_asset(above: str, asset: str, worth: str | None, asked: bool) -> None:
    asking = ApprovalPolicy(Decimal(above), asset=asset)
    assert asking.about("SELL_SM", Decimal(worth) if worth is not None else None, "USDC") is asked
