"""Events of the user data stream (user-data-stream.md), built from orders and balances. Pure."""

from decimal import Decimal
from typing import Any

from tests.venue.filters import SymbolRules
from tests.venue.model import ZERO, Account, Order, OrderList, Trade

Event = dict[str, Any]
REJECTIONS = {
    "Account has insufficient balance for requested action.": "INSUFFICIENT_BALANCES",
    "Order would trigger immediately.": "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY",
    "Order would immediately match and take.": "WOULD_MATCH_IMMEDIATELY",
    "The relationship of the prices for the orders is not correct.": "OCO_BAD_PRICES",
}


def _number(value: Decimal, digits: int = 8) -> str:
    return f"{value:.{digits}f}"


def execution_report(
    order: Order,
    rules: SymbolRules,
    kind: str,
    execution_id: int,
    *,
    trade: Trade | None = None,
    client_id: str | None = None,
    replaced_id: str = "",
    reject_reason: str = "NONE",
) -> Event:
    """Builds an executionReport. In a cancel `client_id` is the cancel's own and `replaced_id` the order's."""
    base, quote = rules.base_precision, rules.quote_precision
    return {
        "e": "executionReport",
        "E": order.update_time,
        "s": order.symbol,
        "c": order.client_order_id if client_id is None else client_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": _number(order.orig_qty, base),
        "p": _number(order.price, quote),
        "P": _number(order.stop_price or ZERO, quote),
        **_trailing(order),
        "F": _number(ZERO, base),
        "g": order.order_list_id,
        "C": replaced_id,
        "x": kind,
        "X": order.status,
        "r": reject_reason,
        "i": order.order_id,
        "l": _number(trade.qty if trade else ZERO, base),
        "z": _number(order.executed_qty, base),
        "L": _number(trade.price if trade else ZERO, quote),
        "n": _number(trade.commission) if trade else "0",
        "N": trade.commission_asset if trade else None,
        "T": order.update_time,
        "t": trade.id if trade else -1,
        "I": execution_id,
        "w": order.is_working,
        "m": bool(trade and trade.is_maker),
        "M": False,
        "O": order.time,
        "Z": _number(order.quote_qty, quote),
        "Y": _number(trade.quote_qty if trade else ZERO, quote),
        "Q": _number(order.orig_quote_qty, quote),
        **_conditional(order),
        "V": order.stp_mode,
    }


def _trailing(order: Order) -> Event:
    return {} if order.trailing_delta is None else {"d": order.trailing_delta, "D": order.trailing_time}


def _conditional(order: Order) -> Event:
    found: Event = {}
    if order.working_time > 0:
        found["W"] = order.working_time
    if order.strategy_id is not None:
        found["j"] = order.strategy_id
    if order.strategy_type is not None:
        found["J"] = order.strategy_type
    if order.expiry_reason is not None:
        found["eR"] = order.expiry_reason
    return found


def prevention(order: Order, counter: Order, rules: SymbolRules, price: Decimal, quantity: Decimal) -> Event:
    """Returns the fields that a self-trade adds; they appear only in orders that expired by it."""
    return {
        "v": order.prevented_match_id,
        "A": _number(order.prevented_qty, rules.base_precision),
        "B": _number(quantity, rules.base_precision),
        "u": -1,
        "U": counter.order_id,
        "Cs": counter.symbol,
        "pl": _number(quantity, rules.base_precision),
        "pL": _number(price, rules.quote_precision),
        "pY": _number(quantity * price, rules.quote_precision),
    }


def list_status(found: OrderList, now: int) -> Event:
    return {
        "e": "listStatus",
        "E": now,
        "s": found.symbol,
        "g": found.order_list_id,
        "c": found.contingency,
        "l": found.status_type,
        "L": found.status,
        "r": "NONE",
        "C": found.client_list_id,
        "T": now,
        "O": [{"s": leg.symbol, "i": leg.order_id, "c": leg.client_order_id} for leg in found.legs],
    }


def account_position(account: Account, assets: list[str], now: int) -> Event:
    """Builds an outboundAccountPosition of the assets that an event may have changed."""
    balances = [(asset, account.balance(asset)) for asset in assets]
    return {
        "e": "outboundAccountPosition",
        "E": now,
        "u": account.update_time,
        "B": [{"a": asset, "f": _number(held.free), "l": _number(held.locked)} for asset, held in balances],
    }


def balance_update(asset: str, delta: Decimal, now: int) -> Event:
    return {"e": "balanceUpdate", "E": now, "a": asset, "d": _number(delta), "T": now}


def bare(kind: str, now: int) -> Event:
    """Builds eventStreamTerminated and serverShutdown, which say nothing more."""
    return {"e": kind, "E": now}
