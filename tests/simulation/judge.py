"""The promises that must hold after every seed: one signal, one order; ledger = exchange; everything reported."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from core.adapters.ledger import codec
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import control_tables, notification_tables, order_tables, result_tables, signal_tables
from core.adapters.signals.codec import decode
from core.domain.account import ACCOUNT
from core.domain.messages import SignalReceived
from core.domain.money import ZERO
from core.domain.signal import Signal
from core.domain.signal_conflict import differ
from core.domain.strategy_book import StrategyBook
from tests.owner_deliveries import messages_of
from tests.simulation import adding, books, by_hand, leaving, moved_stops, plans, shares, sizes, steps
from tests.simulation import entries as at_limits
from tests.simulation.accidents import SET_BACK
from tests.simulation.as_booked import trades_as_booked
from tests.simulation.evidence import Evidence, is_by_hand, is_planned, is_signal
from tests.simulation.leaving import is_again
from tests.simulation.polling import entries_of_newcomers
from tests.venue.model import Order

_PLAN_ID = 32  # characters: those that all orders of an entry have in common
_SURELY_OPEN = 10  # quote asset; the exchange requires at least 5, and the price moves
_CALLED = {"NEW": "ACCEPTED", "EXPIRED_IN_MATCH": "EXPIRED"}  # as the ledger calls it
_RESTING = {"ACCEPTED", "PARTIALLY_FILLED"}
_EMPTY_ENDS = {"EXPIRED", "EXPIRED_IN_MATCH", "CANCELED"}
_EXECUTED = {"FILLED", "EXPIRED", "CANCELED", "PARTIALLY_FILLED"}


def violations(seen: Evidence) -> list[str]:
    """Returns every broken promise, in words; empty if all were kept."""
    found: list[str] = []
    # If an accident affected the whole account nobody acts manually.
    others = by_hand.PROMISES if not seen.accident else (_accidents,)
    ours = (
        *PROMISES,
        *at_limits.PROMISES,
        *plans.PROMISES,
        *moved_stops.PROMISES,
        *shares.PROMISES,
        *sizes.PROMISES,
        *books.PROMISES,
        *adding.PROMISES,
        *steps.PROMISES,
    )
    for promise in (*ours, *leaving.PROMISES, *others):
        found += promise(seen)
    return found


def _signals(seen: Evidence) -> Iterator[str]:
    """Checks that every record is one signal with one outcome, or one dead letter."""
    names = {record.name or record.place for record in seen.published if record.readable}
    dead = {record.place for record in seen.published if not record.readable}
    others = is_by_hand, is_again, is_planned, steps.is_step
    signals = [row for row in seen.rows(signal_tables.inbox) if is_signal(row) and not any(one(row) for one in others)]
    stored = Counter(row["source_id"] for row in signals)
    for name in names:
        if stored[name] != 1:
            yield f"signal {name} is {stored[name]} times in the inbox"
    for name in stored.keys() - names:
        yield f"signal {name} was never published"
    letters = Counter(row["position"] for row in seen.rows(signal_tables.dead_letters))
    for place in dead:
        if letters[place] < 1 or (letters[place] > 1 and not place.startswith(tuple(seen.cut))):
            yield f"unreadable record {place} is {letters[place]} times among the dead letters"


def _conflicts(seen: Evidence) -> Iterator[str]:
    """Checks that different content under a known id is reported and stored, as often as it was written; a repetition is not."""
    stored = {row["source_id"]: codec.bodies.decode(row["body"]) for row in seen.rows(signal_tables.inbox) if is_signal(row)}
    wanted, cut = Counter[str](), set[str]()
    for record in seen.published:
        before = stored.get(record.name) if record.name is not None and record.readable else None
        if record.name is None or not isinstance(before, SignalReceived):
            continue
        said = decode(record.value, record_ts=before.signal.ts, source="", default_id="", default_symbol="")
        wanted[record.name] += isinstance(said, Signal) and differ(said, before.signal)
        if record.place.startswith(tuple(seen.cut)):
            cut.add(record.name)  # and read again
    found = Counter(row["position"] for row in seen.rows(signal_tables.dead_letters) if _is_conflict(row))
    for name in wanted.keys() | found.keys():
        if found[name] < wanted[name] or (found[name] > wanted[name] and name not in cut):
            yield f"{wanted[name]} records contradict signal {name}, {found[name]} dead letters say so"


def _is_conflict(row: Row) -> bool:
    return str(row["problem"]).startswith("duplicate signal_id ")


def _no_bugs(seen: Evidence) -> Iterator[str]:
    for row in seen.rows(signal_tables.inbox):
        if row["outcome"] == "failed":
            yield f"message {row['source_id']} failed: {row['reason']}"


def is_own_failure(promise: str) -> bool:
    """Tells whether a broken promise is a crash of the program, rather than its behaviour."""
    return bool(_OWN_FAILURE.search(promise))


_OWN_FAILURE = re.compile(r"^(message \S+ failed: |nobody looked at |p\d+ died of )")


def _orders(seen: Evidence) -> Iterator[str]:
    """Checks that the exchange's executed orders are the ledger's, one to one."""
    ledger = {row["client_order_id"]: row for row in seen.rows(order_tables.orders)}
    exchange: dict[str, list[Order]] = defaultdict(list)
    for order in _known_orders(seen, ledger):
        exchange[order.client_order_id].append(order)
    for name, orders in exchange.items():
        if len(orders) > 1:
            yield f"order {name} was executed {len(orders)} times"
        if name not in ledger:
            yield f"order {name} is on the exchange and not in the ledger"
            continue
        row, theirs = ledger[name], orders[0]
        yield from _told_apart(row, theirs)
    for name, row in ledger.items():
        if row["executed_qty"] and name not in exchange:
            yield f"order {name} is executed in the ledger and not on the exchange"
        if row["order_id"] is not None and name not in exchange:
            yield f"order {name} has an order id that the exchange never gave"


def _told_apart(row: Row, theirs: Order) -> Iterator[str]:
    """Yields what the ledger says of an order, and the exchange does not. A ledger that was set back decided its signal anew,
    maybe differently: what was sent counts."""
    name = theirs.client_order_id
    if row["state"] != _CALLED.get(theirs.status, theirs.status) or str(theirs.order_id) != row["order_id"]:
        yield f"order {name} is {theirs.status} on the exchange and {row['state']} in the ledger"
    if (row["executed_qty"], row["quote_qty"], row["side"]) != (theirs.executed_qty, theirs.quote_qty, theirs.side):
        yield f"order {name} has other quantities in the ledger"
    # A leg whose entry did not fill never got a quantity (faqs/opo.md): what was expected stays.
    asked = theirs.orig_qty or row["qty"], theirs.price, theirs.stop_price or ZERO
    if (known := (row["qty"], row["limit_price"] or ZERO, row["stop_price"] or ZERO)) != asked:
        yield f"order {name} is {known} in the ledger (quantity, limit, trigger), {asked} on the exchange"


def _known_orders(seen: Evidence, ledger: Mapping[str, Row]) -> list[Order]:
    """Returns the orders that the ledger must know. An unfilled order changed no balance: a ledger that was set back may lose
    it, and decide anew on its signal."""
    lost = {order.client_order_id for order in seen.orders if not order.executed_qty and order.status in _EMPTY_ENDS}
    known = {name for name, row in ledger.items() if row["order_id"] is not None}
    lost = lost - known if seen.accident == SET_BACK else set()
    return [order for order in seen.orders if order.client_order_id not in lost]


def _fills(seen: Evidence) -> Iterator[str]:
    theirs = {
        (trade.symbol, str(trade.id)): (trade.price, trade.qty, trade.commission, trade.commission_asset)
        for trade in seen.venue.trades
    }
    ours = {
        (row["symbol"], row["trade_id"]): (row["price"], row["qty"], row["fee"], row["fee_asset"])
        for row in seen.rows(order_tables.fills)
    }
    for key in theirs.keys() | ours.keys():
        if theirs.get(key) != ours.get(key):
            yield f"fill {key} is {ours.get(key)} in the ledger, {theirs.get(key)} on the exchange"


def _money(seen: Evidence) -> Iterator[str]:
    """Checks holdings and cash to the last decimal."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    cash: dict[str, Decimal] = defaultdict(Decimal)
    for row in seen.rows(result_tables.positions):
        base, quote = row["symbol"][:-4], row["symbol"][-4:]
        held[base] += row["qty"]
        cash[quote] -= row["cost"]
    for row in seen.rows(result_tables.executions):
        if row["profit_quote"] is not None:
            cash[row["quote_asset"]] += row["profit_quote"]
    for row in seen.rows(order_tables.orders):
        if _rests(row):  # its row is written at its end
            cash[row["symbol"][-4:]] += row["booked_profit"]
    balances = seen.venue.balances
    for asset in {symbol[:-4] for symbol in seen.symbols}:
        there = balances[asset].free + balances[asset].locked if asset in balances else ZERO
        if held[asset] != there:
            yield f"{held[asset]} {asset} in the ledger, {there} on the exchange"
    for asset, start in seen.start_balances.items():
        there = balances[asset].free + steps.locked(seen, asset) - Decimal(start) - seen.paid.get(asset, ZERO)
        if abs(cash[asset] - there) > Decimal("1e-12"):
            yield f"the result is {cash[asset]} {asset} in the ledger, {there} on the exchange"


def _days(seen: Evidence) -> Iterator[str]:
    days: dict[str, Decimal] = defaultdict(Decimal)
    for row in seen.rows(result_tables.day_results):
        days[row["quote_asset"]] += row["profit"]
    profits: dict[str, Decimal] = defaultdict(Decimal)
    for row in seen.rows(result_tables.executions):
        profits[row["quote_asset"]] += row["profit_quote"] or ZERO
    if any(days[asset] != profits[asset] for asset in days.keys() | profits.keys()):
        yield f"the days' results are {dict(days)}, their executions' {dict(profits)}"


def _rests(row: Row) -> bool:
    """Tells whether an order of the ledger still rests; that the exchange says the same is checked for every order."""
    return bool(row["state"] in _RESTING)


def _executions(seen: Evidence) -> Iterator[str]:
    """Checks that every executed order that has ended has its one row, every order of a signal its outcome."""
    executed = Counter(row["client_order_id"] for row in seen.rows(result_tables.executions))
    orders = {row["client_order_id"]: row for row in seen.rows(order_tables.orders)}
    for name, row in orders.items():
        wanted = 1 if row["executed_qty"] and not _rests(row) else 0
        if executed[name] != wanted:
            yield f"order {name} has {executed[name]} executions"
    totals = {row["name"]: row["value"] for row in seen.rows(result_tables.totals)}
    if sum(totals.values()) != sum(executed.values()):
        yield f"the counters say {totals}, there are {sum(executed.values())} executions"
    by_seq = Counter(row["inbox_seq"] for row in seen.signal_orders)
    traded = {row["inbox_seq"] for row in seen.signal_orders if row["executed_qty"]}
    for row in seen.rows(signal_tables.inbox):
        became_one = row["outcome"] in {"ordered", "awaiting_approval"}
        if is_signal(row) and (by_seq[row["seq"]] != 1 if became_one else row["seq"] in traded):
            yield f"signal {row['source_id']} is {row['outcome']} and has {by_seq[row['seq']]} orders"


def _turns(seen: Evidence) -> Iterator[str]:
    """Checks that no more entries buy a position than are allowed. It is a new one once a sale that left nothing is booked, also
    where an entry had bought just before that sale and was booked after it. Where a ledger was set back a step may go before an
    order that it has lost: that makes one more."""
    held: dict[StrategyBook, Decimal] = defaultdict(Decimal)
    entered, whose = defaultdict[StrategyBook, set[str]](set), books.Whose.of(seen)
    most = int(seen.settings.get("MAX_ENTRIES", 1))
    late = steps.before_lost(seen, whose) if seen.accident == SET_BACK else set()
    for order, trade in trades_as_booked(seen):
        price, book = seen.venue.exchange.books[order.symbol].last, whose.find(order)
        if order.side == "BUY":
            name = order.client_order_id[:_PLAN_ID]
            if held[book] * price <= _SURELY_OPEN and name not in entered[book]:
                entered[book].clear()
            if name not in late:
                entered[book].add(name)
            if len(entered[book]) > most and held[book] * price > _SURELY_OPEN:
                yield f"order {order.client_order_id} entered {order.symbol} though {held[book]} of it were held"
            held[book] += trade.qty
        else:
            held[book] -= trade.qty


def _alerts(seen: Evidence) -> Iterator[str]:
    """Checks that everything that happened is an event, and every event was sent in a message that is in the chat."""
    outbox = seen.rows(notification_tables.outbox)
    kinds = Counter(row["kind"] for row in outbox)
    executions = len(seen.rows(result_tables.executions))
    if kinds["order_executed"] != executions:
        yield f"{executions} executions and {kinds['order_executed']} events of them"
    # A sale that sold nothing is retried: see `leaving`.
    entries = [row for row in seen.rows(order_tables.orders) if row["side"] == "BUY"]
    failed = [row["client_order_id"] for row in entries if row["state"] == "REJECTED" or _ended_empty(row)]
    failed = [
        name for name in failed if name not in {row["client_order_id"] for row in entries if steps.ended_with_its_position(row)}
    ]
    told = at_limits.failures_told(seen)
    if Counter(failed) != Counter(told):
        yield f"{len(failed)} orders failed, {len(told)} events tell it"
    refused = [
        row
        for row in seen.rows(signal_tables.inbox)
        if is_signal(row) and row["outcome"] in _REFUSED and row["reason_code"] != "exit_over"
    ]
    refused += [row for row in seen.rows(signal_tables.dead_letters) if _is_conflict(row)]
    # In a ledger that was set back an order may turn up after its signal was refused again.
    if kinds["signal_refused"] < len(refused) or (kinds["signal_refused"] > len(refused) and seen.accident != SET_BACK):
        yield f"{len(refused)} signals were refused, {kinds['signal_refused']} events tell it"
    told_in = messages_of(outbox, seen.rows(notification_tables.deliveries))
    silent = {row["seq"] for row in outbox if row["kind"] == "approval_requested"}
    for row in outbox:
        if row["seq"] not in told_in and row["seq"] in silent:
            continue  # decided before it could be asked: only the final text is sent
        if told_in.get(row["seq"]) not in seen.told:
            yield f"event {row['seq']} ({row['kind']}) was never told"


def _told(seen: Evidence) -> Iterator[str]:
    """Checks that a message that stands for events says so: the symbol of one, the number of many."""
    by_message: dict[int, list[Row]] = defaultdict(list)
    outbox = seen.rows(notification_tables.outbox)
    told_in = messages_of(outbox, seen.rows(notification_tables.deliveries))
    for row in outbox:
        if row["seq"] in told_in:
            by_message[told_in[row["seq"]]].append(row)
    for number, rows in by_message.items():
        text = seen.told.get(number, "")
        kinds = {row["kind"] for row in rows}
        if len(rows) > 1 and kinds & _OF_ONE_SYMBOL and f"{len(rows)} events" not in text:
            yield f"message {number} does not tell of {len(rows)} events: {text[:60]!r}"
        if len(rows) == 1 and kinds <= _OF_ONE_SYMBOL and not any(symbol in text for symbol in seen.symbols):
            yield f"message {number} does not tell {rows[0]['kind']}: {text[:60]!r}"


_OF_ONE_SYMBOL = {"order_executed", "order_failed", "order_unanswered", "signal_refused"}
_REFUSED = {"ignored", "denied", "expired", "observed", "failed"}


def _ended_empty(row: Row) -> bool:
    return row["state"] in _EXECUTED and not row["executed_qty"] and row["order_id"] is not None


def _holds(seen: Evidence) -> Iterator[str]:
    """Checks that no halt is left without another trader: each was a mistake. After a set-back there may be one for a while."""
    for row in seen.rows(control_tables.holds):
        expected = row["symbol"] == ACCOUNT and seen.strange
        if not expected and (seen.accident != SET_BACK or row["lifted_at"] is None):
            yield f"{row['symbol']} was held: {row['words']}"


def _accidents(seen: Evidence) -> Iterator[str]:
    """Checks that another trader's orders halt entries of the account, are reported, and are not booked by us."""
    held = {row["symbol"] for row in seen.rows(control_tables.holds) if row["lifted_at"] is None}
    if not seen.strange:
        return
    if ACCOUNT not in held:
        yield "orders of somebody else were not noticed"
    told = [text for text in seen.told.values() if "Entries are halted on the whole account" in text]
    if not told:
        yield "nobody was notified of another trader's orders"
    theirs = {(order.symbol, str(order.order_id)) for order in seen.strange}
    for row in seen.rows(order_tables.orders):
        if (row["symbol"], row["order_id"]) in theirs:
            yield f"order {row['order_id']} of somebody else is in the ledger"
    outcomes = {row["source_id"]: row["outcome"] for row in seen.rows(signal_tables.inbox) if is_signal(row)}
    for name in seen.hands.afterwards:
        if outcomes.get(name) in {"ordered", "awaiting_approval"}:
            yield f"signal {name} was bought though somebody else trades"


def _alone(seen: Evidence) -> Iterator[str]:
    """Checks that a program that cannot know that it alone has the token makes no entry."""
    if seen.polling.queue is not None:
        yield from entries_of_newcomers(seen.polling)


def _questions(seen: Evidence) -> Iterator[str]:
    """Checks that an approval ends once, and an approved one is one order."""
    orders = {row["inbox_seq"]: row for row in seen.signal_orders}
    for row in seen.rows(order_tables.approvals):
        order = orders.get(row["inbox_seq"])
        if order is None:
            yield f"question {row['token']} has no order"
        elif row["state"] == "APPROVED" and row["decided_at"] >= row["expires_at"]:
            yield f"question {row['token']} was approved after its time"
        elif row["state"] in {"DECLINED", "EXPIRED", "WITHDRAWN"} and order["executed_qty"]:
            yield f"question {row['token']} is {row['state']} and was traded"


PROMISES = (
    _signals,
    _conflicts,
    _no_bugs,
    _orders,
    _turns,
    _fills,
    _money,
    _days,
    _executions,
    _alerts,
    _told,
    _holds,
    _alone,
    _questions,
)
