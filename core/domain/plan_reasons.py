"""Reasons why an exit plan cannot rest on the exchange: merged into `core.domain.reasons`."""

from collections.abc import Mapping

PLAN_SENTENCES: Mapping[str, str] = {
    "protection_required": "PROTECTION is required, and the exchange cannot hold the exit plan: {why}",
    "order_type_missing": "the exchange does not accept {type} orders for {symbol}",
    "order_lists_missing": "the exchange does not accept order lists (OCO) for {symbol}",
    "stop_reached": "the market, now at {market}, is not above the stop at {found}",
    "target_reached": "the market, now at {market}, is not below the target at {found}",
    "exits_wait": "the exchange took the orders that protect the position with its entry, and has not placed them yet",
    "price_out_of_band": "the exchange accepts no order at {found} while the market is at {market}",
    "part_below_min_qty": "part {number} of the exit plan, {qty} {base}, is below the exchange's minimum order of {minimum}",
    "part_above_max_qty": "part {number} of the exit plan, {qty} {base}, is above the exchange's maximum order of {maximum}",
    "part_below_min_notional": "part {number} of the exit plan is worth {value} {quote} at {price}, below the exchange's minimum "
    "of {minimum}",
    "part_above_max_notional": "part {number} of the exit plan is worth {value} {quote} at {price}, above the exchange's maximum "
    "of {maximum}",
    "stops_full": "the exit plan needs {needed} stop orders; {open} are open on {symbol} and the exchange's limit is {limit}",
    "orders_full": "the exit plan needs {needed} orders; {open} are open on {symbol} and the exchange's limit is {limit}",
    "attempts_used_up": "the orders that protect the position were placed anew {count} times, and no more ids are left for them",
    "position_changed": "the position is another one than you were asked about",
    "plan_unchanged": "the exit plan is already that",
    "plan_over": "the plan that this exit is of has ended",
    "lists_full": "the exit plan needs {needed} order lists; {open} are open on {symbol} and the exchange's limit is {limit}",
}
