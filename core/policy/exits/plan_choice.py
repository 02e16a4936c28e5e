"""Chooses the exit plan of an entry: the signal's own, or the settings'. Pure."""

from core.domain.exit_plan import ExitPlan
from core.domain.signal import Side, Signal
from core.policy.decision_context import RiskLimits
from core.policy.exits.trailing import with_first_stop


def plan_of(signal: Signal, limits: RiskLimits) -> ExitPlan | None:
    """Returns the plan that an order on `signal` is made with; None for an exit, and where neither has one. A signal's plan takes
    the place of the settings' as a whole: one that brings only a target has no stop, and one that asks for nothing, as
    `/buy ... stop off` does, leaves the position without a plan."""
    if signal.side is Side.SELL:
        return None
    plan = signal.plan or limits.plan
    return None if plan is None or plan.is_empty else with_first_stop(plan)
