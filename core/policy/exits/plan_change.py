"""Changes to the plan of a position that a person asks for, and why one is refused. Pure."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal

from core.domain.exit_plan import ExitPlan
from core.domain.instrument import Instrument
from core.domain.money import divide
from core.domain.position import Position
from core.domain.protection_policy import ProtectionPolicy
from core.domain.reasons import Reason, reason
from core.domain.signal import derived_id
from core.domain.trade_plan import ChangeCause, PlanChange, PlanState, TradePlan
from core.policy.exits.bracket import level_price
from core.policy.exits.plan_check import check_plan
from core.policy.exits.protection import exposed, parts_of
from core.policy.exits.targets import with_exits
from core.policy.exits.trailing import bare_before, follows_less, with_first_stop

SOURCE = "protect"
_AT_ONCE = frozenset({"stop_reached", "target_reached"})


@dataclass(frozen=True, slots=True)
class RequestedPlan:
    """The exits that a person wants for a position, by the message `source_id` with the number `seq`, while the market is at
    `market` (quote asset)."""

    exits: ExitPlan
    who: str
    source_id: str
    seq: int
    market: Decimal


def as_meant(wanted: ExitPlan, seen: ExitPlan | None, plan: TradePlan | None) -> ExitPlan:
    """Returns `wanted` with everything that its person left as it was `seen` as it is in the `plan` now: a stop may have moved
    while the person was asked, and is not moved back."""
    if seen is None or plan is None or wanted.is_empty:
        return wanted
    left = {each.name for each in fields(ExitPlan) if getattr(wanted, each.name) == getattr(seen, each.name)}
    return replace(wanted, **{name: getattr(plan.exits, name) for name in left})


def changed(plan: TradePlan | None, position: Position, wanted: RequestedPlan, now: datetime) -> TradePlan:
    """Returns the plan that `position` has then: `plan` with other exits, or where it has none a new one, whose distances count
    from what was paid for one unit. Targets that have sold stay sold while the targets are the same. A stop that follows the
    market starts from there."""
    wanted = replace(wanted, exits=with_first_stop(wanted.exits, wanted.market))
    if plan is None:
        change = PlanChange(ChangeCause.PERSON, by=wanted.who, is_new=True)
        price = divide(position.value, position.qty) if position.qty else position.value
        plan = TradePlan(
            derived_id(SOURCE, wanted.source_id), position.symbol, wanted.exits, PlanState.EXPOSED, price, now, wanted.seq
        )
        return replace(exposed(plan, now), change=change, strategy=position.strategy)
    change = PlanChange(ChangeCause.PERSON, by=wanted.who)
    return replace(exposed(with_exits(plan, wanted.exits), now), why=None, failures=0, change=change)


def change_refusal(
    plan: TradePlan, position: Position, instrument: Instrument, market: Decimal, policy: ProtectionPolicy
) -> Reason | None:
    """Returns why the plan is refused: it contradicts itself, would sell at once while the market is at `market` (quote
    asset), or cannot rest on the exchange where it has to."""
    if plan.exits.is_empty:
        return None
    if (faulty := check_plan(plan.exits)) is not None:
        return faulty
    found = obstacle(plan, position, instrument, market) or (
        bare_before(plan.exits) if policy is ProtectionPolicy.REQUIRED else None
    )
    if found is None or found.code in _AT_ONCE:
        return found
    return reason("protection_required", why=found) if policy is ProtectionPolicy.REQUIRED else None


def obstacle(plan: TradePlan, position: Position, instrument: Instrument, market: Decimal) -> Reason | None:
    """Returns why the exchange could not hold the plan's orders now."""
    found = parts_of(plan, position, instrument, market)
    return found if isinstance(found, Reason) else None


def raises_risk(plan: TradePlan | None, exits: ExitPlan) -> bool:
    """Tells whether `exits` protect less than `plan` does: no target any more, no stop, or one that is lower or follows the
    market less."""
    if plan is None:
        return False
    if (plan.exits.targets and not exits.targets) or follows_less(plan.exits.trailing, exits.trailing):
        return True
    if plan.exits.stop is None:
        return False
    return exits.stop is None or level_price(exits.stop.level, plan.entry_price, -1) < level_price(
        plan.exits.stop.level, plan.entry_price, -1
    )
