"""An entry whose plan makes no sense now, or cannot rest on the exchange where it has to, is refused before it buys anything."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.protection_policy import ProtectionPolicy
from core.domain.resting_rules import RestingRules
from core.domain.signal import Signal
from core.policy.decision import Decision, Refused, decide
from core.policy.risk import RiskApproved
from tests.core.decision_contexts import HELD, decision_context, said
from tests.core.world import LIMITS, instrument


def planned(stop: str) -> Signal:
    """Returns an entry at 0.48 with a stop at a fixed price."""
    return replace(said(), plan=ExitPlan(StopLoss(Level(price=Decimal(stop)))))


def why(decision: Decision) -> str:
    assert isinstance(decision, Refused)
    return decision.reason.code


def test_a_stop_that_the_market_has_passed_since_the_signal_refuses_the_entry() -> None:
    assert isinstance(decide(planned("0.46"), decision_context()), RiskApproved)
    assert why(decide(planned("0.485"), decision_context())) == "plan_stop_price"


@pytest.mark.parametrize("protection", ProtectionPolicy)
def test_what_the_exchange_cannot_hold_is_refused_only_where_protection_is_required(protection: ProtectionPolicy) -> None:
    context = decision_context(limits=replace(LIMITS, protection=protection, stop_loss_pct=Decimal(5)))
    rules = instrument()
    held = replace(context, instrument=rules)
    assert isinstance(decide(said(), held), RiskApproved)
    nothing_rests = replace(context, instrument=replace(rules, resting=RestingRules()))
    found = decide(said(), nothing_rests)
    if protection is ProtectionPolicy.REQUIRED:
        assert why(found) == "protection_required"
        assert isinstance(found, Refused)
        assert str(found.reason).endswith("the exchange does not accept STOP_LOSS orders for WIFUSDC")
    else:
        assert isinstance(found, RiskApproved)


@pytest.mark.parametrize("protection", ProtectionPolicy)
@pytest.mark.parametrize("stop", [None, StopLoss(Level(pct=Decimal(5)))])
def test_a_stop_that_begins_later_needs_another_one_where_protection_is_required(
    protection: ProtectionPolicy, stop: StopLoss | None
) -> None:
    plan = ExitPlan(stop, trailing=Trailing(Decimal(2), Decimal(3)))
    found = decide(replace(said(), plan=plan), decision_context(limits=replace(LIMITS, protection=protection)))
    if stop is None and protection is ProtectionPolicy.REQUIRED:
        assert why(found) == "protection_required"
        assert isinstance(found, Refused)
        assert "its stop begins 3% above the entry" in str(found.reason)
    else:
        assert isinstance(found, RiskApproved)


def test_no_plan_ever_refuses_an_exit() -> None:
    limits = replace(LIMITS, protection=ProtectionPolicy.REQUIRED, take_profit_pct=(Target(Level(pct=Decimal(1))),))
    context = replace(decision_context(position=HELD, limits=limits), instrument=replace(instrument(), resting=RestingRules()))
    assert isinstance(decide(said("SELL_SM"), context), RiskApproved)
