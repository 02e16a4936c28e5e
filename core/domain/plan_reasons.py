"""Reasons why an exit plan cannot rest on the exchange: merged into `core.domain.reasons`."""

from collections.abc import Mapping

PLAN_SENTENCES: Mapping[str, str] = {
    "protection_required": "PROTECTION=required is set, and the exchange can't hold the exit plan: {why}",
    "order_type_missing": "the exchange does not accept {type} orders for {symbol}",
    "no_stop_before": "its stop begins {pct}% above the entry, and nothing limits a loss before that; give it a stop, too",
    "order_lists_missing": "the exchange does not accept order lists (OCO) for {symbol}",
    "stop_reached": "the market, now at {market}, is already at or below the stop {found}",
    "target_reached": "the market, now at {market}, is already at or above the target {found}",
    "exits_wait": "the exchange took the orders that protect the position with its entry, and has not placed them yet",
    "price_out_of_band": "the exchange accepts no order at {found} while the market is at {market}",
    "part_below_min_qty": "part {number} of the exit plan, {qty} {base}, is below the exchange's minimum order of {minimum}",
    "part_above_max_qty": "part {number} of the exit plan, {qty} {base}, is above the exchange's maximum order of {maximum}",
    "part_below_min_notional": "part {number} of the exit plan is worth {value} {quote} at {price}, below the exchange's minimum "
    "of {minimum}",
    "part_above_max_notional": "part {number} of the exit plan is worth {value} {quote} at {price}, above the exchange's maximum "
    "of {maximum}",
    "stops_full": "the exit plan needs stop orders: {needed}; open on {symbol}: {open}, the exchange's limit is {limit}",
    "orders_full": "the exit plan needs orders: {needed}; open on {symbol}: {open}, the exchange's limit is {limit}",
    "steps_too_many": "the entry has {count} steps below it, which makes {entries} entries, and MAX_ENTRIES allows {limit}",
    "max_entries_with_steps": "{count} entries have bought the position, {waiting} more wait; MAX_ENTRIES allows {limit}",
    "steps_beside": "steps belong to the entry that opens a position, and {qty} {base} is held already",
    "step_at_stop": "step {number} at {price} is not above the stop, which would be at {stop} by then",
    "step_unfit": "step {number} of {count} could not be placed: {why}",
    "opened_since": "a {symbol} position has been opened since you were asked: the exits and steps shown were for a new one",
    "closed_since": "the {symbol} position that this was to add to has been closed since you were asked, and its exits with it",
    "step_over": "the position that this step belongs to is closed",
    "attempts_used_up": "the protecting orders were placed {count} times, and no ids are left for another attempt",
    "position_changed": "the position has changed since you were asked",
    "lost_sale": "the ledger had lost an order that changed the position; it is protected anew as it is now",
    "plan_unchanged": "the exit plan already looks like this",
    "plan_over": "the exit plan behind this order has ended",
    "lists_full": "the exit plan needs order lists (OCO): {needed}; open on {symbol}: {open}, the exchange's limit is {limit}",
}
