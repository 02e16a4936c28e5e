"""An entry at a limit while it is placed: when its time ends, and what is told of it. Pure."""

from dataclasses import replace
from datetime import datetime

from core.domain.events.entries import EntryRests
from core.domain.events.table import Event
from core.domain.order import Order
from core.domain.order_state_machine import OrderState
from core.policy.entries.purchase import is_of_limit
from core.policy.entries.way import is_together

_WOULD_TAKE = "would_take"


def with_expiry(order: Order, now: datetime) -> Order:
    """Returns the order with the end of its time, which begins when it is about to be sent: nobody else ends one that rests."""
    entry = order.signal.entry
    if entry is None or entry.expires_in is None or not order.waits_to_buy:
        return order
    return replace(order, expires_at=now + entry.expires_in)


def resting_events(order: Order) -> list[Event]:
    """Returns what is told of an order that the exchange has taken: an entry that waits there."""
    return [EntryRests(order)] if order.waits_to_buy and order.rests else []


def is_missed(order: Order) -> bool:
    """Tells whether an entry at a limit, or one that was to fill whole, was missed where it ended without a fill: its market did
    not come, or was there already."""
    if not (is_of_limit(order) or is_together(order)):
        return False
    passed_by = order.reason is not None and order.reason.code == _WOULD_TAKE
    return passed_by or order.state in {OrderState.CANCELED, OrderState.EXPIRED}
