"""Promises about manual actions: one command, at most one order; never more than is held; settings are kept."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import TypeVar

from bot.views.book_names import book_name
from core.adapters.ledger.codec import bodies, events, facts
from core.adapters.ledger.row import Row
from core.adapters.ledger.tables import (
    control_tables,
    notification_tables,
    order_tables,
    people_tables,
    result_tables,
    signal_tables,
)
from core.domain.events.approvals import ApprovalRequested
from core.domain.messages import ApprovalAnswered, CancelRequested, SignalReceived
from core.domain.money import ZERO
from core.domain.pending_exit import SOURCE
from core.domain.plan_leg import leg_of
from core.domain.signal import PANIC
from core.domain.strategy_book import StrategyBook
from tests.simulation.books import book_of
from tests.simulation.evidence import Evidence, is_by_hand, is_signal
from tests.simulation.exchange import is_entry
from tests.simulation.steps import resting_steps

E = TypeVar("E")


def _control_commands(seen: Evidence) -> Iterator[str]:
    """Checks that every manual order was confirmed, became at most one order (a panic: one after another), and no larger one."""
    largest = {order.client_order_id: order.orig_qty for order in seen.venue.orders}
    orders = {row["inbox_seq"]: row for row in seen.signal_orders}
    came: dict[tuple[str, StrategyBook], list[int]] = defaultdict(list)
    for row in seen.rows(signal_tables.inbox):
        if not (is_signal(row) and is_by_hand(row)):
            continue
        command = _confirmation_of(row)
        name, *args = seen.hands.confirmed.get(command, "nothing").split()
        came[command, _book(row)].append(_number(row))
        side = "SELL" if name in _EXITS else "BUY"
        if _number(row) and (name != "/panic" or row["signal_type"] != PANIC):
            yield f"order by hand {row['source_id']} follows another, but {name} was confirmed"
        if name not in {"/buy", *_EXITS} or not row["signal_type"].startswith(side):
            yield f"order by hand {row['source_id']} was not confirmed, but {name}"
        order = orders.get(row["seq"])
        most = Decimal(args[1]) if name == "/buy" and len(args) == 3 and args[0].startswith(args[2]) else None
        if order is not None and most is not None and largest.get(order["client_order_id"], ZERO) > most:
            yield f"order by hand {row['source_id']} is larger than {most}"
    for (command, book), numbers in came.items():
        # A panic sells on: what was counted up (0), then its first order beside that, its second and so on.
        if numbers[0] > 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            yield f"{command} became the orders by hand {numbers} of {book}"


_EXITS = {"/sell", "/close", "/panic"}


def _confirmation_of(row: Row) -> str:
    """Returns the confirmation that a manual message came from: one that sells everything creates many."""
    return ":".join(row["source_id"].split(":")[:2])


def _attempt_of(row: Row) -> str:
    """Returns the confirmation that an attempt at an exit came from: the first one, or one that retries it."""
    said = bodies.decode(row["body"])
    if row["source"] != SOURCE or not isinstance(said, SignalReceived):
        return _confirmation_of(row)
    return ":".join(said.signal.signal_id.split(":")[1:3])  # after the attempt's number


def _number(row: Row) -> int:
    """Returns which of a panic's orders of its symbol it is; 0 for the confirmation's own message."""
    _, _, *which = row["source_id"].split(":")
    return int(which[1]) if len(which) > 1 and which[0] == book_name(_book(row)) else 0


def _book(row: Row) -> StrategyBook:
    said = bodies.decode(row["body"])
    return said.signal.book if isinstance(said, SignalReceived) else StrategyBook(row["mailbox"])


def _covered(seen: Evidence) -> Iterator[str]:
    """Checks that nothing is sold that is not held, whoever asks: trade by trade, in the order of the exchange."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    orders = {(order.symbol, order.order_id): order for order in seen.venue.orders}
    begun: set[str] = set()
    for trade in seen.venue.trades:
        order = orders[trade.symbol, trade.order_id]
        fee = trade.commission if order.symbol.startswith(trade.commission_asset) else ZERO
        if order.side == "BUY":
            held[order.symbol] += trade.qty - fee
            continue
        at_once = order.client_order_id not in begun and leg_of(order.client_order_id) is None
        asked = order.orig_qty if at_once else trade.qty
        if asked > held[order.symbol]:
            yield f"order {order.client_order_id} sells {asked} {order.symbol}, {held[order.symbol]} was held"
        begun.add(order.client_order_id)
        held[order.symbol] -= trade.qty + fee


def _halves(seen: Evidence) -> Iterator[str]:
    """Checks that half of an approval is at most half of what was asked: at another price slightly more or less of the base
    asset."""
    asked = {one.approval.token: one.approval for one in _events(seen, "approval_requested", ApprovalRequested)}
    became = {row["token"]: row for row in seen.rows(order_tables.approvals)}
    placed = {order.client_order_id: order.orig_qty for order in seen.venue.orders}
    orders = {row["inbox_seq"]: row["client_order_id"] for row in seen.signal_orders}
    for row, answer in seen.messages("approval_answer"):
        if row["outcome"] != "ordered" or not isinstance(answer, ApprovalAnswered):
            continue
        before, after = asked[answer.token], became[answer.token]
        share: Decimal = after["qty"] / before.qty
        if after["side"] == "BUY":
            share *= after["price"] / before.price
        if answer.half and share > _ABOUT_HALF:
            yield f"half of question {answer.token} became {share:.2f} of it"
        if placed.get(orders[after["inbox_seq"]], ZERO) > after["qty"]:
            yield f"question {answer.token} was approved at {after['qty']} and became a larger order"


_ABOUT_HALF = Decimal("0.55")


def _cancels(seen: Evidence) -> Iterator[str]:
    """Checks that every cancelled order was cancelled by somebody, and is settled."""
    names = {command.client_order_id for _, command in seen.messages("cancel") if isinstance(command, CancelRequested)}
    resting = {row["client_order_id"] for row in resting_steps(seen)}
    for order in seen.venue.orders:
        is_leg = leg_of(order.client_order_id) is not None  # those are cancelled by exits
        if order.status == "CANCELED" and order.client_order_id not in names and not (is_leg or is_entry(order)):
            yield f"order {order.client_order_id} was cancelled, and nobody wanted that"
        if order.is_open and not is_leg and order.client_order_id not in resting:
            yield f"order {order.client_order_id} is still open"
    ended = {order.client_order_id: order.status for order in seen.venue.orders}
    for row, command in seen.messages("cancel"):
        if isinstance(command, CancelRequested) and row["outcome"] == "done" and ended.get(command.client_order_id) != "CANCELED":
            yield f"{command.client_order_id} was said to be cancelled and is {ended.get(command.client_order_id)}"


def _panics(seen: Evidence) -> Iterator[str]:
    """Checks that after a panic nothing is entered, and nothing sellable is left, unless its reason was reported: whichever
    process handled the tap, and however soon it ended. It is over, and that was reported."""
    if not seen.hands.panics:
        return
    (controls,) = seen.rows(control_tables.controls)
    if controls["pause"] != "all":
        yield f"after a panic the pause is {controls['pause']}"
    if controls["panic"] is not None or not any(row["kind"] == "panic_over" for row in seen.rows(notification_tables.outbox)):
        yield "a panic never came to its end"
    sold = {_book(row): row for row in seen.rows(signal_tables.inbox) if is_signal(row) and _attempt_of(row) in seen.hands.panics}
    orders = {row["inbox_seq"]: row for row in seen.signal_orders}
    allowed = _UNSELLABLE if seen.hands.panicked_in_calm else _UNSELLABLE | _TOO_LATE
    for row in seen.rows(result_tables.positions):
        if not row["is_open"]:
            continue
        exit_, name = sold.get(book_of(row)), f"{row['qty']} {row['symbol']}"
        if exit_ is None:
            yield f"{name} is held after a panic that did not sell it"
        elif exit_["outcome"] != "ordered" and exit_["reason_code"] not in allowed:
            yield f"{name} is held after a panic: {exit_['reason']}"
        elif exit_["reason_code"] == "too_little_to_sell" and row["qty"] * _price(seen, row["symbol"]) > _WORTH_SELLING:
            yield f"{name} is held after a panic that could have sold it"
        elif exit_["outcome"] == "ordered":
            yield f"{name} is held after a panic whose last order ended as {orders[exit_['seq']]['state']}"


_UNSELLABLE = {"no_position", "held_by_others", "too_little_to_sell", "below_min_qty"}
_TOO_LATE = {"expired", "from_future"}
_WORTH_SELLING = 10  # quote asset; the exchange requires at least 5, and the price moves


def _price(seen: Evidence, symbol: str) -> Decimal:
    return seen.venue.exchange.books[symbol].last


def _all_told(seen: Evidence) -> Iterator[str]:
    """Checks that every command ends, and its change is reported: once."""
    kinds = Counter(row["kind"] for row in seen.rows(notification_tables.outbox))
    done = Counter(row["kind"] for row in seen.rows(signal_tables.inbox) if row["outcome"] == "done")
    closed = sum(row["state"] != "OPEN" for row in seen.rows(order_tables.approvals))
    for what, event, wanted in (
        ("questions were closed", "approval_closed", closed),
        ("limits were set", "limit_changed", done["limit"]),
        ("persons came", "person_joined", done["invite_used"]),
        ("rights were taken", "person_revoked", done["revoke"]),
    ):
        if kinds[event] != wanted:
            yield f"{wanted} {what}, {kinds[event]} events tell it"
    for row in seen.rows(signal_tables.inbox):
        if row["outcome"] is None or (row["outcome"] not in _CHANGED and row["reason"] is None):
            yield f"{row['kind']} {row['source_id']} is {row['outcome']} without a reason"


_CHANGED = {"done", "ordered", "awaiting_approval"}


def _remembered(seen: Evidence) -> Iterator[str]:
    """Checks that decisions after the last start follow the settings that people had made before it."""
    controls = next(iter(seen.rows(control_tables.controls)), {"pause": "off", "mode": "auto"})
    limits = {row["name"]: row["value"] for row in seen.rows(control_tables.limits) if row["value"] is not None}
    for row in seen.rows(signal_tables.inbox):
        if row["source_id"] not in seen.hands.afterwards or row["facts"] is None:
            continue
        found = facts.decode(row["facts"])
        set_to = controls["pause"], controls["mode"]
        if (found.pause, found.mode) != set_to:
            yield f"signal {row['source_id']} was decided in {found.pause}, {found.mode}, not {', '.join(set_to)}"
        for measure in found.measures:
            name = _MEASURED.get(measure.name, "")
            wanted = limits.get(name, seen.settings.get(name))
            if wanted is not None and Decimal(measure.limit) != Decimal(wanted):
                yield f"signal {row['source_id']} was decided by {name} {measure.limit}, not {wanted}"


_MEASURED = {"open_positions": "MAX_OPEN_POSITIONS", "order_notional": "MAX_ORDER_NOTIONAL", "price_band": "PRICE_BAND_PCT"}


def _rights(seen: Evidence) -> Iterator[str]:
    """Checks that exactly those who were let in may act after a start."""
    if not seen.hands.guests_word:
        return
    is_in = any(row["revoked_at"] is None for row in seen.rows(people_tables.people))
    acted = any(row["source_id"] == seen.hands.guests_word for row in seen.rows(signal_tables.inbox))
    if acted != is_in:
        yield f"the guest {'is' if is_in else 'is not'} let in and {'acted' if acted else 'could not act'}"


def _events(seen: Evidence, kind: str, of: type[E]) -> Iterator[E]:
    for row in seen.rows(notification_tables.outbox):
        event = events.decode(row["body"]) if row["kind"] == kind else None
        if isinstance(event, of):
            yield event


PROMISES = (_control_commands, _covered, _halves, _cancels, _panics, _all_told, _remembered, _rights)
