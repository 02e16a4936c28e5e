"""Entries at a limit: how records ask for them, what happens to them, and the promises about them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from random import Random

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import notification_tables, order_tables, plan_tables
from core.domain.events.entries import EntryChased, EntryMissed
from core.domain.events.orders import OrderFailed
from core.domain.plan_leg import LegKind
from core.policy.entries.follow_up import MOST_CHASES
from tests.simulation.accidents import SET_BACK
from tests.simulation.evidence import Evidence
from tests.simulation.exchange import Exchange, is_entry
from tests.simulation.machine import Fate
from tests.venue.book import floor_to

IN_PARTS, BY_HAND = "entry fills in parts", "entry cancelled by hand"
KINDS = frozenset({IN_PARTS, BY_HAND})
_EVERY_SECONDS = 6.0
_TO_SPEND = Decimal(20)  # TRADE_QUOTE
_HARD_TO_SELL = 4, 7  # quote asset: a little fall, and the exchange takes no order for it any more
_SCRAP = 7  # quote asset: what was bought for less may be too little to sell
_ENTRY = LegKind.ENTRY.value


def come_at_limits(seed: int) -> bool:
    """Tells whether the records of a history ask for entries at a limit, by its seed."""
    return Random(f"limits {seed}").random() < 0.4


def fields(random: Random, price: Decimal) -> dict[str, object]:
    """Returns the fields of a record that is entered at a limit: mostly a little below the market."""
    kind = random.choice(["LIMIT", "LIMIT", "LIMIT_MAKER"])
    limit = (price * Decimal(f"{random.uniform(0.99, 1.002):.5f}")).quantize(Decimal("1e-7"))
    return {
        "order_type": kind,
        "limit_price": str(limit),
        "expires_in": random.choice([2, 5, 10, 20, 40]),
        "on_timeout": random.choice(["cancel", "cancel", "market", "reprice"]),
    }


class HarmedEntries:
    """Fills resting entries in parts, and cancels some by somebody else's will."""

    def __init__(self, fate: Fate, exchange: Exchange) -> None:
        self._fate = fate
        self._exchange = exchange

    async def come(self) -> None:
        """Takes one now and then."""
        random, matching = self._fate.random, self._exchange.venue.exchange
        while not self._fate.over:
            await asyncio.sleep(random.expovariate(1 / _EVERY_SECONDS))
            entries = [order for order in self._exchange.venue.orders if order.is_open and is_entry(order)]
            if not entries:
                continue
            entry = random.choice(entries)
            step = Decimal(matching.rules(entry.symbol).rules["LOT_SIZE"]["stepSize"])
            part = floor_to(entry.remaining * Decimal(f"{random.uniform(0.1, 0.9):.2f}"), step)
            worth = (entry.executed_qty + part) * entry.price
            if part and not _HARD_TO_SELL[0] < worth < _HARD_TO_SELL[1] and self._fate.strikes(IN_PARTS, 0.8):
                matching.fill(entry, part)
            elif self._fate.strikes(BY_HAND, 0.3):
                matching.cancel(entry)
            self._fate.tell(f"exchange: {entry.client_order_id} is {entry.status}")


def _of_plans(seen: Evidence) -> dict[str, list[Row]]:
    """Returns the orders of each entry at a limit, the first of them first, by the id that they share."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in seen.rows(order_tables.orders):
        asks = codec.signals.decode(row["signal"]).entry is not None
        if row["side"] == "BUY" and asks and row["leg"] in {None, _ENTRY}:
            found[row["plan_id"] or row["client_order_id"]].append(row)
    return {name: sorted(rows, key=lambda row: row["generation"] or 0) for name, rows in found.items()}


def _spent(seen: Evidence) -> Iterator[str]:
    """Checks that an entry and all that follows it spend no more than was asked, and buy no more."""
    for name, rows in _of_plans(seen).items():
        first = rows[0]
        if first["leg"] is not None or first["limit_price"] is None:
            continue  # a ledger that was set back has lost it
        most = first["qty"] * first["limit_price"]
        by_settings = first["approved_by"] is None and codec.signals.decode(first["signal"]).size is None
        if by_settings and most > _TO_SPEND and seen.settings.get("TRADE_QUOTE"):
            yield f"entry {name} may cost {most}"
        spent, bought = (sum(row[column] for row in rows) for column in ("quote_qty", "executed_qty"))
        if spent > most or bought > first["qty"]:
            yield f"entry {name} bought {bought} of {first['qty']} for {spent} of {most}"
        for row in rows:
            if row["executed_qty"] and row["quote_qty"] > row["executed_qty"] * row["limit_price"]:
                yield f"order {row['client_order_id']} paid more than its limit"
        if len(rows) > 1 + MOST_CHASES:
            yield f"entry {name} was followed {len(rows) - 1} times"


def _in_time(seen: Evidence) -> Iterator[str]:
    """Checks that no entry is taken off for its time before that is over."""
    ends = {row["client_order_id"]: row["expires_at"] for row in seen.rows(order_tables.orders)}
    for step in seen.rows(order_tables.order_steps):
        if step["state"] != "CANCEL_SUBMITTED" or step["reason_code"] != "entry_timeout":
            continue
        name, until = step["client_order_id"], ends.get(step["client_order_id"])
        if until is None or step["at"] < until:
            yield f"entry {name} was taken off at {step['at']}, its time ends at {until}"


def _missed(seen: Evidence) -> Iterator[str]:
    """Checks that the plan of an entry that bought something is not given up as missed."""
    bought = {name: sum(row["quote_qty"] for row in rows) for name, rows in _of_plans(seen).items()}
    for plan in seen.rows(plan_tables.order_plans):
        if plan["state"] == "MISSED" and bought.get(plan["plan_id"], 0) > _SCRAP:
            yield f"the plan {plan['plan_id']} is missed, and {bought[plan['plan_id']]} was spent on it"


def _one_after_the_other(seen: Evidence) -> Iterator[str]:
    """Checks that an order that follows an entry is placed once the one before it has ended, and by nobody twice."""
    orders = {order.client_order_id: order for order in seen.orders}
    for name, rows in _of_plans(seen).items():
        for before, after in pairwise(rows):
            first, second = orders.get(before["client_order_id"]), orders.get(after["client_order_id"])
            if first is not None and second is not None and first.update_time > second.time:
                yield f"order {second.client_order_id} of {name} was placed before {first.client_order_id} had ended"


def failures_told(seen: Evidence) -> list[str]:
    """Returns the entries of which it was told that they ended without a fill, by their client order ids. Without those of an
    earlier process that did arrive after all, as the failure said they may: that was told then. A ledger that was set back may
    know nothing of one that it takes over later: it told that it never came to the exchange."""
    found = []
    arrived = {row["client_order_id"] for row in seen.rows(order_tables.orders) if row["state"] != "REJECTED"}
    for row in seen.rows(notification_tables.outbox):
        event = codec.events.decode(row["body"])
        if (
            isinstance(event, OrderFailed)
            and event.order.client_order_id in arrived
            and (_may_arrive(event) or (seen.accident == SET_BACK and event.order.order_id is None))
        ):
            continue
        if isinstance(event, OrderFailed | EntryMissed) or (isinstance(event, EntryChased) and not event.order.executed_qty):
            found.append(event.order.client_order_id)
    return found


def _may_arrive(failed: OrderFailed) -> bool:
    return failed.order.reason is not None and failed.order.reason.code == "earlier_on_its_way"


PROMISES = (_spent, _in_time, _missed, _one_after_the_other)
