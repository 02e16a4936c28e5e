"""Promises about stops that move: up only, to what the position has cost with all fees, and nothing is taken off for nothing."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import control_tables, notification_tables, plan_tables, result_tables, signal_tables
from core.domain.events.protection import PlanChanged, ProtectionFailed
from core.domain.money import ZERO
from core.domain.plan_leg import LegKind, leg_of
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import ChangeCause, PlanState
from core.policy.exits.bracket import level_price
from core.policy.exits.too_little import TOO_LITTLE
from core.policy.exits.trailing import LEAST_STEP_PCT
from tests.simulation import steps
from tests.simulation.as_booked import trades_as_booked
from tests.simulation.books import Whose, book_of
from tests.simulation.evidence import Evidence
from tests.venue.model import Order

_A_TICK = Decimal("0.0025")  # of the price: the coarsest tick is 0.0021 of it
_TAKER = Decimal("0.999")  # what is left of a sale after its fee
_EXACT = Decimal("1e-6")
_SEEN_BEFORE = {
    *("part_below_min_qty", "part_above_max_qty", "part_below_min_notional", "part_above_max_notional"),
    *("price_out_of_band", "stops_full", "orders_full", "lists_full", "order_type_missing", "order_lists_missing"),
}
_TO_BREAKEVEN = {ChangeCause.TARGET, ChangeCause.PRICE}
_AT_ONCE = timedelta(seconds=0.5)
_SOON = timedelta(seconds=120)


def _only_up(seen: Evidence) -> Iterator[str]:
    """Checks that no stop was ever placed further away than one of its plan before it, unless a person wanted that, or the entry
    went on at another price. A stop that was sent with its entry counts from the price that was expected."""
    wanted = {row["mailbox"] for row, _ in seen.messages("plan_request") if row["outcome"] == "done"}
    went_on = {row["plan_id"] for row in seen.legs if row["leg"] == LegKind.ENTRY and row["executed_qty"]}
    went_on |= {plan_id for name, plan_id in _plans(seen).items() if name != plan_id}  # more was bought
    went_on |= {place.entry_id for place in steps.bought_by_resting(seen)}
    with_entry = {
        leg.client_order_id for found in seen.venue.exchange.state.orders.lists.values() if found.pays for leg in found.legs
    }
    for plan_id, legs in _stops(seen).items():
        if legs[0]["symbol"] in wanted or plan_id in went_on:
            continue
        last = ZERO
        for leg in sorted(legs, key=lambda row: row["generation"]):
            never_sent = leg["state"] == "CANCELED" and leg["order_id"] is None  # it went with an entry that was not placed
            if never_sent or leg["client_order_id"] in with_entry:
                continue
            if leg["stop_price"] < last * (1 - _A_TICK):
                yield f"stop {leg['client_order_id']} is at {leg['stop_price']}, one of {plan_id} before it was at {last}"
            last = max(last, leg["stop_price"])


def _at_breakeven(seen: Evidence) -> Iterator[str]:
    """Checks that a stop that has moved is where a sale brings back what was paid by then, with the fees of both sides; and that
    what was bought later has moved it again."""
    costs, plans = _costs(seen), {row["inbox_seq"]: row for row in seen.rows(plan_tables.order_plans)}
    wanted = {row["mailbox"] for row, _ in seen.messages("plan_request") if row["outcome"] == "done"}
    for event in _events(seen, PlanChanged):
        plan = plans[event.seq]
        stop, paid = event.plan.exits.stop, [cost / _TAKER for cost in costs[plan["plan_id"]]]
        if event.change.cause not in _TO_BREAKEVEN or not paid or stop is None or stop.level.price is None:
            continue
        if not any(even * (1 - _EXACT) <= stop.level.price <= even * (1 + _A_TICK) for even in paid):
            yield f"the stop of {plan['plan_id']} moved to {stop.level.price}, and {paid} was paid with fees"
        last = codec.plans.decode(plan["exits"]).stop
        if plan["symbol"] not in wanted and last is not None and (last.level.price or ZERO) < paid[-1] * (1 - _EXACT):
            yield f"the stop of {plan['plan_id']} stayed at {last.level.price}, and {paid[-1]} was paid with fees in the end"


def _moves_in_time(seen: Evidence) -> Iterator[str]:
    """Checks that no stop waits any more for a target that has sold."""
    sold = {row["plan_id"] for row in seen.legs if row["leg"] == LegKind.TARGET and row["state"] == "FILLED"}
    for row in seen.rows(plan_tables.order_plans):
        breakeven = codec.plans.decode(row["exits"]).breakeven
        if (
            breakeven is not None
            and breakeven.after_pct is None
            and row["plan_id"] in sold
            and not PlanState(row["state"]).is_over
        ):
            yield f"a target of {row['plan_id']} has sold, and its stop has not moved"


def _one_bracket(seen: Evidence) -> Iterator[str]:
    """Checks that what rests for a plan at the end was placed at once, where its owner wants it now."""
    there = {order.client_order_id for order in seen.orders if order.is_open}
    plans = {row["plan_id"]: row for row in seen.rows(plan_tables.order_plans)}
    generations: dict[str, set[int]] = defaultdict(set)
    for leg in seen.legs:
        plan = plans.get(leg["plan_id"])
        if leg["client_order_id"] not in there or plan is None:
            continue
        generations[leg["plan_id"]].add(leg["generation"])
        stop = codec.plans.decode(plan["exits"]).stop
        if leg["leg"] == LegKind.STOP and stop is not None and plan["state"] == "GUARDED":
            wanted = level_price(stop.level, plan["entry_price"], -1)
            if abs(leg["stop_price"] / wanted - 1) > _A_TICK:
                yield f"stop {leg['client_order_id']} rests at {leg['stop_price']}, it is to be at {wanted}"
    for plan_id, found in generations.items():
        if len(found) > 1:
            yield f"orders of the generations {sorted(found)} of {plan_id} rest beside each other"


def _for_nothing(seen: Evidence) -> Iterator[str]:
    """Checks that nothing was taken off that could not be replaced, as far as that could be known before."""
    plans = {row["inbox_seq"]: row["plan_id"] for row in seen.rows(plan_tables.order_plans)}
    for row in seen.rows(notification_tables.outbox):
        event = codec.events.decode(row["body"])
        if not isinstance(event, ProtectionFailed) or event.why.code not in _SEEN_BEFORE:
            continue
        legs = [leg for leg in seen.legs if leg["plan_id"] == plans.get(event.seq) and leg["leg"] != LegKind.ENTRY]
        gone = [leg for leg in legs if leg["state"] == "CANCELED" and row["at"] - _AT_ONCE <= leg["updated_at"] <= row["at"]]
        sales = [one for one in seen.signal_orders if one["symbol"] == event.symbol and one["side"] == "SELL"]
        is_sold = any(one["updated_at"] >= row["at"] - _AT_ONCE and one["created_at"] <= row["at"] for one in sales)
        if gone and not is_sold and not any(leg["executed_qty"] for leg in gone):
            yield f"{gone[0]['client_order_id']} was taken off, and what replaces it could not be placed: {event.why}"


def _follows(seen: Evidence) -> Iterator[str]:
    """Checks that at the end a stop that follows the market is no further below it than it may be."""
    for row in seen.rows(plan_tables.order_plans):
        exits = codec.plans.decode(row["exits"])
        if exits.trailing is None or row["state"] != "GUARDED":
            continue
        last, pct = seen.venue.exchange.books[row["symbol"]].last, exits.trailing.pct
        after = exits.trailing.activation_pct or ZERO
        if last < row["entry_price"] * (1 + after / 100) * (1 + _A_TICK):
            continue
        step = max(pct / 10, LEAST_STEP_PCT)
        least = last * (1 - (pct + step) / 100) * (1 - _A_TICK)
        if exits.stop is None or level_price(exits.stop.level, row["entry_price"], -1) < least:
            yield f"the market in {row['symbol']} is at {last}, and the stop has not followed: {exits.stop}"


def _in_time(seen: Evidence) -> Iterator[str]:
    """Checks that a position is sold soon after its time is over, unless that waits for a reason that is told."""
    held = {book_of(row) for row in seen.rows(result_tables.positions) if row["is_open"]}
    leaving = {book_of(row) for row in seen.rows(control_tables.wanted_exits) if row["ended_at"] is None}
    inbox = seen.rows(signal_tables.inbox)  # a clock that was set wrong dates some of it an hour ahead
    last = max(inbox, key=lambda row: row["seq"])["received_at"] if inbox else None
    for row in seen.rows(plan_tables.order_plans):
        limit = codec.plans.decode(row["exits"]).time_limit
        if limit is None or book_of(row) in leaving or book_of(row) not in held or last is None:
            continue
        if row["reason_code"] == TOO_LITTLE:  # no order can sell it, which is told
            continue
        if PlanState(row["state"]).is_over:  # what is held is another plan's, also where this one's entry was missed
            continue
        if last - row["created_at"] > limit + _SOON:
            yield f"the time of {row['plan_id']} has been over for {last - row['created_at'] - limit}, and it is still held"


def _own_position(seen: Evidence) -> Iterator[str]:
    """Checks that no exit of a plan sells what a later entry has bought, in the order of the exchange."""
    orders = {(order.symbol, order.order_id): order for order in seen.venue.orders}
    entered: dict[StrategyBook, str] = {}
    entries, whose, plans = set[str](), Whose.of(seen), _plans(seen)
    for trade in seen.venue.trades:
        order = orders[trade.symbol, trade.order_id]
        leg, book = leg_of(order.client_order_id), whose.find(order)
        if order.side == "BUY":
            entered[book] = plans.get(order.client_order_id, _plan_of(order))
            entries.add(entered[book])
        elif leg is not None and leg.kind is LegKind.EXIT and leg.plan_id in entries - {entered[book]}:
            yield f"{order.client_order_id} sells what {entered[book]} has bought"


def _stops(seen: Evidence) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for leg in seen.legs:
        if leg["leg"] == LegKind.STOP:
            found[leg["plan_id"]].append(leg)
    return found


def _costs(seen: Evidence) -> dict[str, list[Decimal]]:
    """Returns what one unit had cost after each purchase, by its plan, in the order in which the ledger has booked the trades:
    dust of before counts, and so does what was bought by an order that followed the first one."""
    held: dict[StrategyBook, Decimal] = defaultdict(Decimal)
    paid: dict[StrategyBook, Decimal] = defaultdict(Decimal)
    costs: dict[str, list[Decimal]] = defaultdict(list)
    whose, plans = Whose.of(seen), _plans(seen)
    for order, trade in trades_as_booked(seen):
        book = whose.find(order)
        fee = trade.commission if order.symbol.startswith(trade.commission_asset) else ZERO
        if order.side == "BUY":
            held[book] += trade.qty - fee
            paid[book] += trade.qty * trade.price
            costs[plans.get(order.client_order_id, _plan_of(order))].append(paid[book] / held[book])
        elif held[book]:
            paid[book] -= paid[book] * min(trade.qty / held[book], Decimal(1))
            held[book] -= trade.qty
    return costs


def _plans(seen: Evidence) -> dict[str, str]:
    """Returns the plan of the position that each entry has bought for, by the client order id of the entry."""
    bought = [row for row in seen.rows(result_tables.executions) if row["side"] == "BUY" and row["plan_id"] is not None]
    return {row["client_order_id"]: row["plan_id"] for row in bought}


def _plan_of(entry: Order) -> str:
    """Returns the plan of an order that buys: what follows an entry at a limit is its plan's."""
    leg = leg_of(entry.client_order_id)
    return leg.plan_id if leg is not None else entry.client_order_id


def _events(seen: Evidence, kind: type[PlanChanged]) -> Iterator[PlanChanged]:
    for row in seen.rows(notification_tables.outbox):
        event = codec.events.decode(row["body"])
        if isinstance(event, kind):
            yield event


PROMISES = (_only_up, _at_breakeven, _moves_in_time, _one_bracket, _for_nothing, _follows, _in_time, _own_position)
