"""Promises about the targets of a plan: none sells more than its share, by however many orders."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import order_tables, plan_tables, result_tables
from core.domain.money import HUNDRED, ZERO
from core.domain.plan_leg import LegKind, leg_of
from core.policy.entries.steps import BOUGHT
from tests.simulation.accidents import SET_BACK
from tests.simulation.evidence import Evidence

_PLAN_ID = 32  # characters: those that all orders of an entry have in common
_BEFORE = 3  # quote asset: the share of what was held before, which no order could sell
_SCRAP = 7  # quote asset: that, and what was too little for an order of the target before


def _shares(seen: Evidence) -> Iterator[str]:
    """Checks each target against what the exchange has bought for its plan, and what was held before that without one: of plans
    whose position one entry has bought, and that nobody has changed. A ledger that was set back may know no more which entries
    had bought it."""
    if seen.accident == SET_BACK:
        return
    changed = {row["mailbox"] for row, _ in seen.messages("plan_request") if row["outcome"] == "done"}
    added = added_to(seen)
    bought, sold = defaultdict[str, Decimal](Decimal), defaultdict[tuple[str, int], Decimal](Decimal)
    for order in seen.orders:
        leg = leg_of(order.client_order_id)
        if order.side == "BUY":
            bought[order.client_order_id[:_PLAN_ID]] += order.executed_qty
        elif leg is not None and leg.kind is LegKind.TARGET:
            sold[leg.plan_id, leg.number] += order.executed_qty
    for row in seen.rows(plan_tables.order_plans):
        name = row["plan_id"]
        if row["symbol"] in changed or name in added or _had_a_step(seen, row):
            continue
        whole = bought[name] + _held_before(seen, row)
        for number, target in enumerate(codec.plans.decode(row["exits"]).targets, start=1):
            more = sold[name, number] - whole * target.share / HUNDRED
            if more > ZERO and more * row["entry_price"] > (_BEFORE if number == 1 else _SCRAP):
                yield f"target {number} of {name} has sold {sold[name, number]}, {target.share} % of {whole} is its share"


def _held_before(seen: Evidence, plan: Row) -> Decimal:
    """Returns what the book of a plan held before its entry bought: the plan protects that too."""
    held = ZERO
    for row in seen.rows(result_tables.executions):
        if (row["symbol"], row["strategy"]) == (plan["symbol"], plan["strategy"]):
            if row["client_order_id"].startswith(plan["plan_id"]):
                return held
            held += row["qty"] if row["side"] == "BUY" else -row["qty"]
    return ZERO


def added_to(seen: Evidence) -> set[str]:
    """Returns the plans whose position more than one entry has bought."""
    return {
        row["plan_id"]
        for row in seen.rows(result_tables.executions)
        if row["side"] == "BUY" and row["client_order_id"][:_PLAN_ID] != row["plan_id"]
    }


def _had_a_step(seen: Evidence, plan: Row) -> bool:
    """Tells whether a step bought for this plan before its last order sold. One that ends later is booked without the plan."""
    steps = {row["client_order_id"] for row in seen.rows(order_tables.orders) if row["signal_type"] == BOUGHT}
    names = {(order.symbol, order.order_id): order.client_order_id for order in seen.orders}
    traded = [names.get((one.symbol, one.order_id), "") for one in seen.venue.trades if one.symbol == plan["symbol"]]
    own = [number for number, name in enumerate(traded) if name[:_PLAN_ID] == plan["plan_id"]]
    return bool(own) and any(name in steps for name in traded[own[0] : own[-1]])


PROMISES = (_shares,)
