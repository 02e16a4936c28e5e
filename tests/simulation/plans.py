"""Promises about exit plans: what is held is protected as its plan wants, once, and nothing rests without a position."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import (
    control_tables,
    notification_tables,
    order_tables,
    plan_tables,
    result_tables,
    signal_tables,
)
from core.domain.events.orders import OrderAdopted
from core.domain.events.priority import Priority
from core.domain.events.protection import ProtectionFailed
from core.domain.events.signals import SignalRefused
from core.domain.exit_plan import Breakeven, ExitPlan, Level, StopLoss, Target, Trailing
from core.domain.plan_leg import LegKind
from core.domain.strategy_book import StrategyBook
from core.domain.trade_plan import PlanState
from tests.simulation.accidents import SET_BACK
from tests.simulation.books import Whose, book_of
from tests.simulation.evidence import Evidence, is_planned
from tests.simulation.shares import added_to
from tests.simulation.steps import resting_steps

E = TypeVar("E")
_RESTS = {"ACCEPTED", "PARTIALLY_FILLED"}
_TOO_LITTLE = {"part_below_min_notional", "part_below_min_qty", "too_little_to_sell"}
_ENDED = {"protection_ended", "protection_gone", "order_forgotten"}
_SOON = timedelta(seconds=120)
_ONE_COMMIT = timedelta(seconds=1)  # within which a real clock is read twice for one
_SCRAP = 7  # quote asset: what was bought for less may be too little to sell
_A_STEP = 3  # quote asset: the coarsest step that a symbol ever had here
_A_TICK = Decimal("0.0025")  # of the price: the coarsest tick is 0.0021 of it


_FOLLOW = 0.15  # the share of histories whose stops follow the market


def plan_of(seed: int) -> ExitPlan | None:
    """Returns the plan of all entries of a history, by its seed; half of them have none."""
    stop, near, far = StopLoss(Level(pct=Decimal("0.8"))), Level(pct=Decimal("0.5")), Level(pct=Decimal("1.2"))
    ladder = (Target(near, Decimal(50)), Target(far, Decimal(50)))
    plans = (
        ExitPlan(stop, (Target(far),)),
        ExitPlan(stop),
        ExitPlan(stop, ladder),
        ExitPlan(None, (Target(near),)),
        ExitPlan(stop, ladder, Breakeven()),
        ExitPlan(stop, (Target(far),), Breakeven(Decimal("0.4"))),
        ExitPlan(stop, (Target(far),), time_limit=timedelta(seconds=40)),
    )
    follow = (
        ExitPlan(trailing=Trailing(Decimal("0.7"))),
        ExitPlan(stop, trailing=Trailing(Decimal("0.4"), Decimal("0.2"))),
        ExitPlan(stop, (Target(far),), trailing=Trailing(Decimal("0.6"), Decimal("0.2"))),
        ExitPlan(stop, ladder, trailing=Trailing(Decimal("0.6"))),
        ExitPlan(None, (Target(far),), trailing=Trailing(Decimal("0.5"), Decimal("0.3"))),
    )
    trailing = Random(f"trailing {seed}")
    if trailing.random() < _FOLLOW:
        return trailing.choice(follow)
    return Random(f"plan {seed}").choice([None, None, None, *plans, plans[4], plans[6]])


def exits_come_with_entries(seed: int) -> bool:
    """Tells whether the exchange of a history takes entries together with their exits, by its seed."""
    return Random(f"together {seed}").random() < 0.5


def _legs_once(seen: Evidence) -> Iterator[str]:
    """Checks that each (plan, leg, generation) is at most one order on the exchange."""
    for name, count in Counter(order.client_order_id for order in seen.orders if len(order.client_order_id) == 36).items():
        if count > 1:
            yield f"leg {name} was placed {count} times"


def _nothing_left(seen: Evidence) -> Iterator[str]:
    """Checks that what rests on the exchange is what the ledger knows, and is for no more than is held."""
    ours = {row["client_order_id"]: row for row in (*seen.legs, *resting_steps(seen)) if row["state"] in _RESTS}
    theirs = {order.client_order_id: order for order in seen.orders if order.is_open}
    for name in ours.keys() | theirs.keys():
        if name not in ours or name not in theirs:
            yield f"order {name} rests {'in the ledger' if name in ours else 'on the exchange'} alone"
    held = {book_of(row): row["qty"] for row in seen.rows(result_tables.positions)}
    bound: dict[StrategyBook, dict[str, Decimal]] = defaultdict(dict)
    whose = Whose.of(seen)
    for name, order in theirs.items():
        if order.side == "BUY":
            continue
        row = ours.get(name)
        bound[whose.find(order)][str(row["list_id"] or name) if row is not None else name] = order.remaining
    for book, lists in bound.items():
        if sum(lists.values()) > held.get(book, Decimal(0)):
            yield f"{sum(lists.values())} {book.symbol} rest to be sold for {book.strategy}, {held.get(book)} are held"


def _guarded(seen: Evidence) -> Iterator[str]:
    """Checks that at the end every open plan protects its position; what cannot be protected was told with the
    reason that it has now, as a protection that failed or an exit that was given up, or is being sold."""
    held = {book_of(row): row for row in seen.rows(result_tables.positions)}
    leaving = {book_of(row) for row in seen.rows(control_tables.wanted_exits) if row["ended_at"] is None}
    told = {(StrategyBook(event.symbol, event.strategy), event.why.code) for event in _events(seen, ProtectionFailed)}
    told |= {
        (event.signal.book, event.reason.code) for event in _events(seen, SignalRefused) if event.priority is Priority.URGENT
    }
    for plan in seen.rows(plan_tables.order_plans):
        symbol, book = plan["symbol"], book_of(plan)
        if PlanState(plan["state"]).is_over:
            continue
        if book not in held or not held[book]["is_open"]:
            yield f"the plan of {symbol} is {plan['state']}, and nothing is held"
        elif plan["state"] == "GUARDED":
            yield from _covered(seen, plan, held[book]["qty"])
        elif book not in leaving and (plan["reason_code"] not in _TOO_LITTLE or (book, plan["reason_code"]) not in told):
            yield f"the position in {symbol} is {plan['state']}: {plan['reason']}"


def _covered(seen: Evidence, plan: Row, held: Decimal) -> Iterator[str]:
    """Checks that stops, or targets where there is no stop, rest for all that is held."""
    symbol, wanted = plan["symbol"], codec.plans.decode(plan["exits"])
    kind = LegKind.TARGET if wanted.stop is None else LegKind.STOP
    orders = {order.client_order_id: order for order in seen.orders if order.is_open}
    legs = [row for row in seen.legs if row["plan_id"] == plan["plan_id"] and row["client_order_id"] in orders]
    covered = sum((orders[row["client_order_id"]].remaining for row in legs if row["leg"] == kind), Decimal(0))
    if (held - covered) * seen.venue.exchange.books[symbol].last > _A_STEP:
        yield f"{covered} of {held} {symbol} is protected, and its plan is guarded"
    for row in legs:
        stop = wanted.stop
        if row["leg"] == LegKind.STOP and stop is not None and stop.level.pct is not None:
            off = row["stop_price"] / (plan["entry_price"] * (1 - stop.level.pct / 100)) - 1
            if abs(off) > _A_TICK:
                yield f"the stop of {symbol} is at {row['stop_price']}, its entry was at {plan['entry_price']}"


def _over(seen: Evidence) -> Iterator[str]:
    """Checks that nothing of a plan rests once it is over, and that no target sells twice. What is bought for a position whose
    target has just sold has the same target again."""
    over = {row["plan_id"] for row in seen.rows(plan_tables.order_plans) if PlanState(row["state"]).is_over}
    changed = {row["mailbox"] for row, _ in seen.messages("plan_request") if row["outcome"] == "done"}
    sold, numbers, added = Counter[tuple[str, Decimal]](), Counter[tuple[str, int]](), added_to(seen)
    for row in seen.legs:
        if row["plan_id"] in over and row["state"] in _RESTS:
            yield f"order {row['client_order_id']} rests, and its plan is over"
        if row["leg"] == LegKind.TARGET and row["state"] == "FILLED":
            sold[row["plan_id"], row["price"]] += 1
            numbers[row["plan_id"], row["leg_number"]] += row["symbol"] not in changed  # then it may be another target
    for (plan_id, price), times in sold.items():
        if times > 1:
            yield f"the target of {plan_id} at {price} has sold {times} times"
    for (plan_id, number), times in numbers.items():
        if times > 1 and plan_id not in added:
            yield f"target {number} of {plan_id} has sold {times} times"


def _over_at_once(seen: Evidence) -> Iterator[str]:
    """Checks that a plan whose stop has sold the last of its position is over in the same commit, or in that of its entry's end
    where the rest of that still had to be taken off. A ledger that was set back may have lost that commit."""
    if seen.accident == SET_BACK:
        return
    last = {row["plan_id"]: row for row in seen.rows(result_tables.executions) if row["side"] == "SELL" and row["plan_id"]}
    stops = {row["client_order_id"]: row for row in seen.legs if row["leg"] == LegKind.STOP and row["state"] == "FILLED"}
    entries = [row for row in seen.rows(order_tables.orders) if row["side"] == "BUY"]
    for plan in seen.rows(plan_tables.order_plans):
        sale = last.get(plan["plan_id"])
        stop = stops.get(sale["client_order_id"]) if sale is not None else None
        if stop is None or plan["state"] != "CLOSED":
            continue
        own = [row["updated_at"] for row in entries if row["client_order_id"].startswith(plan["plan_id"])]
        if plan["closed_at"] > max([stop["updated_at"], *own]) + _ONE_COMMIT:
            yield f"the plan of {plan['symbol']} was over {plan['closed_at'] - stop['updated_at']} after its stop had sold"


def _lost_nothing(seen: Evidence) -> Iterator[str]:
    """Checks that no order had to be taken over from the exchange where the ledger was never set back."""
    if seen.accident != SET_BACK:
        for event in _events(seen, OrderAdopted):
            yield f"order {event.order.client_order_id} was on the exchange, and the ledger did not know it"


def _failures(seen: Evidence) -> Iterator[str]:
    """Checks that a protection that was refused was told. A target at our own last trade is tried a step higher first, and what
    was not sent, because a sale had been lost, is placed anew at once. Once its plan is over there is nothing to protect."""
    told = Counter(event.seq for event in _events(seen, ProtectionFailed))
    plans = {row["plan_id"]: row for row in seen.rows(plan_tables.order_plans) if not _never_held(row, seen)}
    at_last = {(row["plan_id"], row["generation"]) for row in seen.legs if row["reason_code"] == "list_prices"}
    explained = _at_our_trade(seen)
    for row in seen.legs:
        if row["reason_code"] == "lost_sale":
            continue
        if row["list_id"] in explained and (row["plan_id"], row["generation"] - 1) not in at_last:
            continue
        plan = plans.get(row["plan_id"])
        if row["state"] != "REJECTED" or row["side"] != "SELL" or plan is None or _was_over(plan, row["updated_at"]):
            continue
        if not told[plan["inbox_seq"]]:
            yield f"order {row['client_order_id']} was refused, and nobody was told that {row['symbol']} is not protected"


def _was_over(plan: Row, at: datetime) -> bool:
    """Tells whether a plan had ended before a moment."""
    return plan["closed_at"] is not None and plan["closed_at"] < at


def _never_held(plan: Row, seen: Evidence) -> bool:
    """Tells whether a plan had nothing to protect: it was missed, and on the exchange its entry bought nothing, or a scrap."""
    entries = (order for order in seen.orders if order.side == "BUY" and order.client_order_id.startswith(plan["plan_id"]))
    return plan["state"] == "MISSED" and sum(order.quote_qty for order in entries) <= _SCRAP


def _at_our_trade(seen: Evidence) -> set[str]:
    """Returns the lists that were refused for their prices and whose target was at one of our own trades, by their ids."""
    prices = {(trade.symbol, trade.price) for trade in seen.venue.trades}
    targets = (row for row in seen.legs if row["reason_code"] == "list_prices" and row["leg"] == LegKind.TARGET)
    return {
        row["list_id"]
        for row in targets
        if any(symbol == row["symbol"] and 0 <= price / row["limit_price"] - 1 <= _A_TICK for symbol, price in prices)
    }


def _ended_by_others(seen: Evidence) -> Iterator[str]:
    """Checks that a protection that others ended was told, if the plan went on after that was booked, and we had not begun to
    cancel it ourselves. A crash between the two may be followed by what sells the rest."""
    told = {event.seq for event in _events(seen, ProtectionFailed) if event.why.code in _ENDED}
    legs = {row["client_order_id"]: row for row in seen.legs}
    ours = {row["client_order_id"] for row in seen.rows(order_tables.order_steps) if row["state"] == "CANCEL_SUBMITTED"}
    plans = {row["plan_id"]: row for row in seen.rows(plan_tables.order_plans)}
    for name in seen.lost_legs:
        leg = legs.get(name)
        plan = plans.get(leg["plan_id"]) if leg is not None else None
        if leg is None or plan is None or name in ours or plan["inbox_seq"] in told:
            continue
        list_ = [row for row in legs.values() if row["list_id"] is not None and row["list_id"] == leg["list_id"]]
        if any(row["executed_qty"] or row["client_order_id"] in ours for row in [leg, *list_]):
            continue
        if plan["closed_at"] is None or plan["closed_at"] - leg["updated_at"] > _SOON:
            yield f"order {name} was ended by others, and nobody was told that {leg['symbol']} is not protected"


def _attempts(seen: Evidence) -> Iterator[str]:
    """Checks that each attempt at a protection was committed with its orders: a plan counts none of which there is no order. A
    ledger that was set back skips those that it has lost."""
    found: dict[str, set[int]] = defaultdict(set)
    for leg in seen.legs:
        if leg["leg"] in {LegKind.TARGET, LegKind.STOP}:
            found[leg["plan_id"]].add(leg["generation"])
    for plan in seen.rows(plan_tables.order_plans):
        missing = set(range(plan["generation"])) - found[plan["plan_id"]]
        if missing and seen.accident != SET_BACK:
            yield f"the plan {plan['plan_id']} of {plan['symbol']} counts attempts without an order: {sorted(missing)}"


def _goes_on(seen: Evidence) -> Iterator[str]:
    """Checks that nobody is asked about an exit of a plan, and that no pause stops one."""
    for row in seen.rows(signal_tables.inbox):
        if is_planned(row) and (row["outcome"] == "awaiting_approval" or row["reason_code"] in {"paused", "observe"}):
            yield f"the exit {row['source_id']} of a plan is {row['outcome']}: {row['reason']}"


def _events(seen: Evidence, kind: type[E]) -> Iterator[E]:
    for row in seen.rows(notification_tables.outbox):
        event = codec.events.decode(row["body"])
        if isinstance(event, kind):
            yield event


PROMISES = (
    _legs_once,
    _nothing_left,
    _guarded,
    _over,
    _over_at_once,
    _lost_nothing,
    _failures,
    _ended_by_others,
    _attempts,
    _goes_on,
)
