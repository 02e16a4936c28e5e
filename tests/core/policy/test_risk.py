"""Each risk rule at its limit, just below and just above; exits always pass; unknown values are refused."""

import pkgutil
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

import core.policy.risk
from core.domain.order_terms import within
from core.domain.reasons import Reason
from core.domain.signal import Side
from core.policy.admission import CHECKS
from core.policy.decision import Refused, decide
from core.policy.decision_context import DecisionContext
from core.policy.funds import Funds
from core.policy.risk import RULES, RiskApproved, assess
from core.policy.risk.daily_loss import daily_loss
from core.policy.risk.open_positions import open_positions
from core.policy.risk.order_notional import order_notional
from core.policy.risk.price_band import price_band
from core.policy.risk.rule import Entry, RiskRule
from tests.core.decision_contexts import HELD, decision_context, said, sized
from tests.core.virtual_time import NOON


def words(refused: Reason | None) -> str:
    return str(refused or "")


@pytest.mark.parametrize(
    ("price", "refused"),
    [
        ("0.40", ""),
        ("0.48", ""),
        ("0.4848", ""),
        ("0.48480001", "the price moved +1.00% from the signal's 0.48 to 0.48480001, more than 1%"),
        ("0.50", "the price moved +4.17% from the signal's 0.48 to 0.5, more than 1%"),
    ],
)
def test_the_price_band(price: str, refused: str) -> None:
    assert words(price_band(said(), sized(price=price), decision_context())) == refused


@pytest.mark.parametrize(
    ("qty", "refused"), [("99.99", ""), ("100", ""), ("100.01", "order value 48.00 USDC is above the limit of 48")]
)
def test_the_worth_of_one_order(qty: str, refused: str) -> None:
    assert words(order_notional(said(), sized(qty=qty), decision_context(max_order_notional=Decimal(48)))) == refused


@pytest.mark.parametrize(
    ("count", "refused"),
    [(0, ""), (4, ""), (5, "open positions: 5, the limit is 5"), (6, "open positions: 6, the limit is 5")],
)
def test_the_count_of_open_positions(count: int, refused: str) -> None:
    assert words(open_positions(said(), sized(), decision_context(open_count=count))) == refused


@pytest.mark.parametrize(("count", "code"), [(0, None), (2, None), (3, "own_positions"), (4, "own_positions")])
def test_the_count_of_a_strategys_own_positions(count: int, code: str | None) -> None:
    refused = open_positions(said(), sized(), decision_context(own_count=count, most_own=3))
    assert (refused.code if refused else None) == code
    assert open_positions(said(), sized(), decision_context(own_count=count)) is None


@pytest.mark.parametrize(
    ("result", "refused"),
    [
        (Decimal(500), ""),
        (Decimal("-99.99999999"), ""),
        (Decimal(-100), "daily loss limit reached: -100.00 USDC today, the limit is 100"),
        (Decimal("-100.01"), "daily loss limit reached: -100.01 USDC today, the limit is 100"),
        (None, "today's P&L in USDC is unknown"),
    ],
)
def test_the_loss_of_the_day(result: Decimal | None, refused: str) -> None:
    results = {"USDC": result} if result is not None else None
    assert words(daily_loss(said(), sized(), decision_context(results_today=results))) == refused


def worst() -> DecisionContext:
    """Returns a context in which every limit is broken, and nothing is known."""
    return decision_context(
        open_count=99,
        results_today=None,
        max_order_notional=Decimal(0),
        price_band_pct=Decimal(0),
        max_drawdown_pct=Decimal(1),
        max_exposure_pct=Decimal(1),
        max_losing_exits=1,
        losing_exits=9,
        cooldown_after_stop=timedelta(hours=1),
        stopped_at=NOON,
        position=HELD,
    )


def all_on() -> DecisionContext:
    """Returns a context in which every limit is set and kept, and everything is known."""
    return decision_context(
        max_drawdown_pct=Decimal(20),
        max_exposure_pct=Decimal(50),
        max_losing_exits=3,
        cooldown_after_stop=timedelta(hours=1),
        stopped_at=NOON - timedelta(hours=2),
        funds=Funds(Decimal(1000), Decimal(0), Decimal(1000)),
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_refuses_an_entry_at_its_worst_and_no_exit(rule: RiskRule) -> None:
    assert rule.refuses(said(close="0.01"), sized(), worst()) is not None
    # An exit that is off tenfold is refused too, by price_sanity alone: test_price_sanity.py.
    assert rule.refuses(said("SELL_SM", close="0.05"), sized(Side.SELL), worst()) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_measures_an_entry_beside_its_limit(rule: RiskRule) -> None:
    measured = rule.measures(said(), Entry(Decimal("0.48"), Decimal("0.4848"), Decimal(20)), all_on())
    assert measured is not None
    assert measured.name == rule.name
    assert Decimal(measured.value).is_finite()
    assert Decimal(measured.limit).is_finite()


def test_every_rule_of_the_package_is_in_the_list_once() -> None:
    """Excludes two rules that apply before an order is sized: see `core.policy.admission`."""
    at_admission = {"allowed_symbols", "signal_age"}
    no_rules = {"limits", "rule"}
    files = {one.name for one in pkgutil.iter_modules(core.policy.risk.__path__)}
    assert sorted(rule.name for rule in RULES) == sorted(files - at_admission - no_rules)
    assert {check.__name__ for check, _ in CHECKS} >= at_admission


def test_an_exit_is_approved_at_its_worst() -> None:
    assert assess(said("SELL_SM"), sized(Side.SELL), worst()) == RiskApproved(Side.SELL, Decimal(20), Decimal("0.48"))


def test_an_entry_that_keeps_every_limit_is_approved() -> None:
    approved = RiskApproved(Side.BUY, Decimal(20), Decimal("0.48"))
    assert assess(said(), sized(), decision_context()) == assess(said(), sized(), all_on()) == approved


def test_the_first_rule_that_refuses_gives_the_reason() -> None:
    refused = assess(said(close="0.40"), sized(), decision_context(open_count=9))
    assert isinstance(refused, Reason)
    assert refused.code == "price_band"


def test_an_entry_at_an_unknown_price_is_denied() -> None:
    decision = decide(said(), decision_context(quote=None))
    assert isinstance(decision, Refused)
    assert (decision.outcome, decision.reason.code, decision.sized) == ("denied", "price_unknown", None)


def test_an_exit_at_an_unknown_price_is_sized_by_the_signals() -> None:
    decision = decide(said("SELL_SM", close="0.52"), decision_context(quote=None, position=HELD))
    assert decision == RiskApproved(Side.SELL, Decimal("19.98"), Decimal("0.52"))


def test_what_was_denied_is_kept_with_its_size() -> None:
    decision = decide(said(), decision_context(open_count=5))
    assert isinstance(decision, Refused)
    assert decision.sized == replace(sized(), terms=within(Decimal("0.4848")))
