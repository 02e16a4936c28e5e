"""The numbers that are stored with a decision: each rule's beside its limit, and the rates behind them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.policy.conversion_rates import Rate, Unknown
from core.policy.risk import RULES
from core.policy.rule_measurements import record_of
from tests.core.decision_contexts import HELD, decision_context, said
from tests.core.virtual_time import NOON
from tests.core.world import instrument

QTY = Decimal(20)
EUR = Rate("EUR", "USDC", Decimal("1.1"), Decimal("1.2"), ("EURUSDC",))


@pytest.mark.parametrize(
    ("kind", "known", "age", "limit"),
    [
        ("BUY_SM", {}, "50.0", "60"),
        ("SELL_SM", {"position": HELD}, "50.0", "600"),
        ("BUY_SM", {"approved_at": NOON - timedelta(seconds=7)}, "7.0", "60"),
        ("BUY_SM", {"approved_at": NOON - timedelta(seconds=70)}, "50.0", "60"),
        ("BUY_SM", {"instrument": None}, "50.0", "60"),
    ],
)
def test_the_age_counts_from_the_signal_or_the_later_approval(kind: str, known: dict[str, Any], age: str, limit: str) -> None:
    first = record_of(said(kind, age=50), decision_context(**known), QTY).measures[0]
    assert (first.name, first.value, first.limit, first.unit) == ("age", age, limit, "s")


OFF = {"drawdown", "exposure", "losing_exits", "cooldown"}
"""Protections of the account, which measure nothing until they are set."""


@pytest.mark.parametrize(
    ("kind", "known", "names"),
    [
        ("BUY_SM", {}, [rule.name for rule in RULES if rule.name not in OFF]),
        ("BUY_SM", {"quote": None}, ["open_positions", "daily_loss"]),
        ("BUY_SM", {"results_today": None}, [rule.name for rule in RULES if rule.name not in OFF | {"daily_loss"}]),
        ("BUY_SM", {"instrument": None}, []),
        ("SELL_SM", {"position": HELD}, []),
    ],
)
def test_an_entry_is_measured_by_every_rule_that_knows_its_number_and_an_exit_by_none(
    kind: str, known: dict[str, Any], names: list[str]
) -> None:
    measured = record_of(said(kind), decision_context(**known), QTY).measures
    assert [one.name for one in measured] == ["age", *names]


@pytest.mark.parametrize(
    ("kind", "results", "rate", "expected"),
    [
        ("BUY_SM", {}, EUR, (EUR,)),
        ("BUY_SM", {"BTC": Decimal(1)}, EUR, (EUR,)),
        ("BUY_SM", {"USDC": Decimal(1)}, EUR, (EUR,)),
        ("BUY_SM", None, Unknown("EUR", "USDC"), ()),
        ("SELL_SM", {}, EUR, ()),
    ],
)
def test_the_rates_that_converted_an_entry_are_kept(
    kind: str, results: dict[str, Decimal] | None, rate: Rate | Unknown, expected: tuple[Rate, ...]
) -> None:
    context = decision_context(instrument=instrument("WIF", "EUR"), rates={"EUR": rate}, results_today=results)
    assert record_of(said(kind), context, QTY).rates == expected
