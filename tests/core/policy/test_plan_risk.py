"""Counts by hand, and by laws, what a plan puts at risk and may bring."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.exit_plan import ExitPlan, Level, StopLoss, Target
from core.policy.exits.plan_risk import risk_of

STOP = StopLoss(Level(pct=Decimal(5)))
PCT = st.decimals(Decimal("0.5"), Decimal(50), places=2)


def test_a_stop_and_two_targets_counted_by_hand() -> None:
    exits = ExitPlan(STOP, (Target(Level(pct=Decimal(5)), Decimal(50)), Target(Level(price=Decimal(110)), Decimal(50))))
    found = risk_of(exits, Decimal(100), Decimal(1))
    assert found is not None
    # 100 paid; 0.999 is held: 0.999 * 95 * 0.999 at the stop, 0.4995 * 105 * 0.999 and 0.4995 * 110 * 0.999 at the targets
    assert found.loss == Decimal(100) - Decimal("94.810095")
    assert found.reward == Decimal("52.39505250") + Decimal("54.8900550") - Decimal(100)
    assert found.ratio is not None
    assert round(found.ratio, 3) == Decimal("1.404")


def test_what_has_no_target_counts_at_the_last_one() -> None:
    half, whole = (
        risk_of(ExitPlan(STOP, (Target(Level(pct=Decimal(10)), share),)), Decimal(100), Decimal(1))
        for share in (Decimal(50), Decimal(100))
    )
    assert half == whole


def test_a_plan_without_a_stop_has_no_figure_and_one_without_targets_no_reward() -> None:
    assert risk_of(ExitPlan(None, (Target(Level(pct=Decimal(10))),)), Decimal(100), Decimal(1)) is None
    bare = risk_of(ExitPlan(STOP), Decimal(100), Decimal(1))
    assert bare is not None
    assert (bare.reward, bare.ratio) == (None, None)


def test_a_stop_above_what_was_paid_puts_nothing_at_risk() -> None:
    found = risk_of(ExitPlan(StopLoss(Level(price=Decimal(120))), (Target(Level(price=Decimal(130))),)), Decimal(100), Decimal(1))
    assert found is not None
    assert found.loss < 0
    assert found.ratio is None


@given(PCT, PCT, PCT, st.decimals(Decimal("0.01"), Decimal(1000), places=2))
def test_laws(nearer: Decimal, more: Decimal, target: Decimal, qty: Decimal) -> None:
    def of(stop: Decimal, size: Decimal) -> tuple[Decimal, Decimal]:
        found = risk_of(ExitPlan(StopLoss(Level(pct=stop)), (Target(Level(pct=target)),)), Decimal(100), size)
        assert found is not None
        assert found.reward is not None
        return found.loss, found.reward

    loss, reward = of(nearer, qty)
    assert of(nearer, 2 * qty) == (2 * loss, 2 * reward)
    assert of(nearer + more, qty) > (loss, reward)
    assert loss > Decimal(100) * qty * nearer / 100  # the fees come on top
