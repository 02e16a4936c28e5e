"""Promises about exits: a pending exit is sold or reported as lost, and nothing is entered before that."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from core.adapters.ledger.codec import bodies, events, facts
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import control_tables, notification_tables, order_tables, signal_tables
from core.domain.events.approvals import ApprovalRequested
from core.domain.events.orders import OrderExecuted
from core.domain.events.signals import SignalRefused
from core.domain.messages import ApprovalAnswered, SignalReceived
from core.domain.money import HUNDRED, ZERO
from core.domain.order import Order
from core.domain.signal import AGAIN, Side, Signal
from core.domain.strategy_book import StrategyBook
from core.domain.trade_size import SizeKind
from tests.simulation.books import book_of_order
from tests.simulation.evidence import Evidence, is_by_hand, is_planned, is_signal
from tests.simulation.program import LIMITS
from tests.simulation.steps import is_step

_ATTEMPTS = {"ordered", "awaiting_approval", "put_off"}
_STUBBORN = 4
_WORTH_SELLING = 10  # quote asset; the exchange requires at least 5, and the price moves


def is_again(row: Row) -> bool:
    """Tells whether a row of the inbox retries an exit."""
    return bool(row["source"] == "exit")


def _wanted(seen: Evidence) -> Iterator[str]:
    """Checks each book, attempt by attempt in the order of their turns."""
    orders = {row["inbox_seq"]: row for row in seen.signal_orders}
    left = {one.order.client_order_id: one for one in _executed(seen)}
    traded = _traded(seen)
    by_book: dict[StrategyBook, list[Row]] = defaultdict(list)
    for row in sorted(filter(is_signal, seen.rows(signal_tables.inbox)), key=lambda row: row["seq"]):
        said = bodies.decode(row["body"])
        if isinstance(said, SignalReceived):
            by_book[said.signal.book].append(row)
    for book, rows in by_book.items():
        # An earlier approval may be answered while another attempt waits: then that sold it.
        sold = [one.order for one in left.values() if one.order.book == book and not one.position.is_open]
        yield from _forgotten(book.symbol, rows, orders, left, sold, traded=traded, is_taken=bool(seen.strange))


def _forgotten(
    symbol: str,
    rows: Sequence[Row],
    orders: Mapping[int, Row],
    left: Mapping[str, OrderExecuted],
    sold: Collection[Order],
    *,
    traded: Mapping[str, range],
    is_taken: bool,
) -> Iterator[str]:
    """Yields the exits of one symbol that were dropped while they were wanted; `sold` are the orders that left nothing to sell,
    `traded` is when each order traded, `is_taken` tells whether another trader may have sold it."""
    wanted: Row | None = None
    for row in rows:
        order = orders.get(row["seq"])
        if str(row["signal_type"]).startswith("BUY"):
            if wanted is not None and order is not None and order["executed_qty"]:
                if not _is_sold_before(wanted, order, sold, traded):
                    yield f"{symbol} was entered by {row['source_id']} while the exit {wanted['source_id']} was wanted"
                wanted = None
        elif row["outcome"] in _ATTEMPTS:
            is_over = wanted is None or _is_sold_between(wanted, row, sold) or _is_part_sold(wanted, rows, left)
            if wanted is not None and _is_another(row) and not is_over:
                yield f"the exit {wanted['source_id']} of {symbol} was forgotten when {row['source_id']} came"
            wanted = row if _leaves_it_wanted(row, order, left, orders.values()) else None
        elif is_again(row) and row["reason_code"] != "exit_over":
            wanted = None  # all is sold, or its end was reported: see `_told`
    if wanted is not None and not _is_sold_since(wanted, sold) and not is_taken:
        yield f"the exit {wanted['source_id']} of {symbol} was wanted, and neither sold nor told"


def _is_sold_since(first: Row, sold: Collection[Order]) -> bool:
    """Tells whether one of `sold` came after `first`: by its clock, which may have been set back since, or by its message."""
    return any(first["decided_at"] <= order.updated_at or first["seq"] < order.inbox_seq for order in sold)


def _is_sold_before(first: Row, entry: Row, sold: Collection[Order], traded: Mapping[str, range]) -> bool:
    """Tells whether an order that came after `first` had sold all before `entry` was placed and traded, as the exchange numbers
    and lists them: their clocks may have been set back, and a ledger that was set back may hear of either first."""
    name = entry["client_order_id"]
    return any(
        int(order.order_id or 0) < int(entry["order_id"]) and traded[order.client_order_id].stop <= traded[name].start
        for order in sold
        if _is_sold_since(first, [order])
    )


def _is_part_sold(wanted: Row, rows: Sequence[Row], left: Mapping[str, OrderExecuted]) -> bool:
    """Tells whether a later attempt at an exit of a part, which a ledger that was set back had lost, has sold: its message has
    the id of its order, and may come after those of other exits."""
    said = bodies.decode(wanted["body"])
    if not isinstance(said, SignalReceived) or not _is_part(said.signal):
        return False
    for row in filter(is_again, rows):
        again = bodies.decode(row["body"])
        if isinstance(again, SignalReceived) and _exit_of(again.signal) == _exit_of(said.signal) and row["source_id"] in left:
            return True
    return False


def _traded(seen: Evidence) -> dict[str, range]:
    """Returns the places among the exchange's trades from the first to the last of each order, by its client order id."""
    names = {(order.symbol, order.order_id): order.client_order_id for order in seen.venue.orders}
    found: dict[str, range] = {}
    for place, trade in enumerate(seen.venue.trades):
        name = names[trade.symbol, trade.order_id]
        found[name] = range(found[name].start if name in found else place, place + 1)
    return found


def _is_sold_between(first: Row, then: Row, sold: Collection[Order]) -> bool:
    return any(
        first["decided_at"] <= order.updated_at <= then["decided_at"] or first["seq"] < order.inbox_seq < then["seq"]
        for order in sold
    )


def _is_another(row: Row) -> bool:
    """Tells whether a row tries another exit than the one wanted before. A manual one, that of a
    plan, or of what a step has bought too late, may replace it."""
    return not (is_again(row) or is_by_hand(row) or is_planned(row) or is_step(row))


def _leaves_it_wanted(row: Row, order: Row | None, left: Mapping[str, OrderExecuted], orders: Iterable[Row]) -> bool:
    if order is None:
        return bool(row["outcome"] == "put_off")
    if not order["executed_qty"]:
        return bool(order["state"] != "DECLINED")
    after = left[order["client_order_id"]]
    if order["approved_by"] is not None or not after.position.is_open or _is_part(after.order.signal):
        return False  # half of it may have been approved or asked for, and no more
    held = after.position.qty - _bought_later(order, orders)
    return bool(held * after.execution.price > _WORTH_SELLING)


def _bought_later(sale: Row, orders: Iterable[Row]) -> Decimal:
    """Returns what was bought after a sale on the exchange, and booked before it: the ledger had lost both, and an exit sells no
    more than was held when it came."""
    book = book_of_order(sale)
    buys = (row for row in orders if book_of_order(row) == book and row["side"] == "BUY" and row["order_id"] is not None)
    later = (row for row in buys if int(row["order_id"]) > int(sale["order_id"]) and row["updated_at"] <= sale["updated_at"])
    return sum((row["executed_qty"] for row in later), ZERO)


def _is_part(signal: Signal) -> bool:
    return signal.size is not None and signal.size.kind is SizeKind.POSITION and signal.size.amount < HUNDRED


def _executed(seen: Evidence) -> Iterator[OrderExecuted]:
    for row in seen.rows(notification_tables.outbox):
        event = events.decode(row["body"]) if row["kind"] == "order_executed" else None
        if isinstance(event, OrderExecuted):
            yield event


def _told(seen: Evidence) -> Iterator[str]:
    """Checks that a pending exit that ends while something is held, too old or too little to be sold, is reported urgently."""
    told = {}
    for row in seen.rows(notification_tables.outbox):
        event = events.decode(row["body"]) if row["kind"] == "signal_refused" else None
        if isinstance(event, SignalRefused):
            told[event.inbox_seq] = event
    for row in filter(is_again, seen.rows(signal_tables.inbox)):
        if row["outcome"] in {"expired", "denied"} and not (row["seq"] in told and told[row["seq"]].priority == 0):
            yield f"the exit {row['source_id']} ended as {row['outcome']}, and that was not told loudly"


def _sized_anew(seen: Evidence) -> Iterator[str]:
    """Checks that an exit refused for its size comes again in another one, as soon as rules and balances can be read."""
    refused: dict[StrategyBook, tuple[Decimal, int]] = {}
    messages = {row["seq"]: row for row in seen.rows(signal_tables.inbox)}
    for row in sorted(seen.signal_orders, key=lambda row: row["inbox_seq"]):
        if row["side"] != "SELL":
            continue
        book = book_of_order(row)
        qty, times = refused.pop(book, (ZERO, 0))
        if not is_again(messages[row["inbox_seq"]]):
            qty, times = ZERO, 0  # another exit, which has not been refused yet
        if row["reason_code"] == "insufficient_balance" or (
            row["reason_code"] == "filter_failure" and "LOT_SIZE" in row["reason"]
        ):
            refused[book] = row["qty"], times + 1 if row["qty"] == qty else 1
            if refused[book][1] == _STUBBORN:
                yield f"{row['qty']} {row['symbol']} were to be sold {_STUBBORN} times, and refused for the same"


def _all_over(seen: Evidence) -> Iterator[str]:
    for row in seen.rows(control_tables.wanted_exits):
        if row["ended_at"] is None and not (seen.strange and '"source":"plan"' in row["wanted"]):
            yield f"the exit of {row['symbol']} is wanted for ever"


def _no_more_than_wanted(seen: Evidence) -> Iterator[str]:
    """Checks that all attempts at an exit together sell no more than was held when it came and entries of before have bought
    since, or than a person asked for or approved."""
    orders = {row["inbox_seq"]: row for row in seen.signal_orders}
    allowed = dict(_approved(seen))
    left: dict[tuple[str, str], Decimal] = {}
    came: dict[tuple[str, str], tuple[int, Decimal]] = {}  # its first message, and what has to be held by its next attempt
    for row in sorted(filter(is_signal, seen.rows(signal_tables.inbox)), key=lambda row: row["seq"]):
        said = bodies.decode(row["body"])
        if not isinstance(said, SignalReceived) or said.signal.side is not Side.SELL or row["facts"] is None:
            continue
        exit_, order, held = _exit_of(said.signal), orders.get(row["seq"]), facts.decode(row["facts"]).held
        is_part = _is_part(said.signal) or (said.hand is not None and said.hand.qty is not None)
        if not said.signal.is_again:
            left[exit_], came[exit_] = held, (row["seq"], held)
            if said.hand is not None and said.hand.qty is not None:
                left[exit_] = min(held, said.hand.qty)
            if said.signal.size is not None and _is_part(said.signal):
                left[exit_] = held * said.signal.size.amount / HUNDRED
        if exit_ not in left:
            continue
        first, before = came[exit_]
        if not is_part:
            left[exit_] += min(max(held - before, ZERO), _bought_by_earlier(said.signal.book, first, seen))
        sold = order["executed_qty"] if order is not None else ZERO
        came[exit_] = first, held - sold
        if order is None:
            continue
        left[exit_] = min(left[exit_], allowed.get(row["seq"], left[exit_]))
        if sold > left[exit_]:
            yield f"the exit {row['source_id']} sold {sold} {row['symbol']}, only {left[exit_]} were to be sold"
        left[exit_] -= sold


def _bought_by_earlier(book: StrategyBook, seq: int, seen: Evidence) -> Decimal:
    """Returns what entries of `book` have bought altogether (base asset) that were there before the message `seq`."""
    entries = (row for row in seen.rows(order_tables.orders) if row["side"] == "BUY" and row["inbox_seq"] < seq)
    return sum((row["executed_qty"] for row in entries if book_of_order(row) == book), ZERO)


def _approved(seen: Evidence) -> Iterator[tuple[int, Decimal]]:
    """Yields, for each approval that was given, the message that asked for it and what was approved, in base asset: what was
    shown, or half of it. The approval's own quantity is its first order's, which may be less than all of it."""
    halves = {
        said.token
        for said in (bodies.decode(row["body"]) for row in seen.rows(signal_tables.inbox) if row["outcome"] == "ordered")
        if isinstance(said, ApprovalAnswered) and said.half
    }
    given = {row["token"] for row in seen.rows(order_tables.approvals) if row["state"] == "APPROVED"}
    for row in seen.rows(notification_tables.outbox):
        asked = events.decode(row["body"]) if row["kind"] == "approval_requested" else None
        if isinstance(asked, ApprovalRequested) and asked.approval.token in given:
            shown = asked.approval.qty
            yield asked.approval.inbox_seq, shown / 2 if asked.approval.token in halves else shown


def _not_too_soon(seen: Evidence) -> Iterator[str]:
    """Checks that no exit expires before its own age is reached, which is longer than an entry's."""
    for row in filter(is_signal, seen.rows(signal_tables.inbox)):
        said = bodies.decode(row["body"])
        if row["outcome"] != "expired" or not isinstance(said, SignalReceived) or said.signal.side is not Side.SELL:
            continue
        if said.hand is None and row["decided_at"] - said.signal.ts < LIMITS.exit_max_age:
            yield f"the exit {row['source_id']} was too old after {row['decided_at'] - said.signal.ts}"


def _exit_of(signal: Signal) -> tuple[str, str]:
    """Returns a key that the first attempt and all later ones share."""
    if not signal.is_again:
        return signal.source, signal.signal_id
    return signal.source.removeprefix(AGAIN), signal.signal_id.partition(":")[2]


PROMISES = (_wanted, _told, _sized_anew, _all_over, _no_more_than_wanted, _not_too_soon)
