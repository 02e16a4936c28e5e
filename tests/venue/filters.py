"""The trading rules of one symbol, from its exchangeInfo entry, and the checks of Binance's filters.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.venue.errors import filter_failure, too_precise
from tests.venue.model import ZERO, OrderRequest

Rule = Mapping[str, Any]

# keyword of `edit_symbol` -> (filter, field) of exchangeInfo
EDITABLE: Mapping[str, tuple[str, str]] = {
    "tick_size": ("PRICE_FILTER", "tickSize"),
    "min_price": ("PRICE_FILTER", "minPrice"),
    "max_price": ("PRICE_FILTER", "maxPrice"),
    "step_size": ("LOT_SIZE", "stepSize"),
    "min_qty": ("LOT_SIZE", "minQty"),
    "max_qty": ("LOT_SIZE", "maxQty"),
    "market_step_size": ("MARKET_LOT_SIZE", "stepSize"),
    "market_min_qty": ("MARKET_LOT_SIZE", "minQty"),
    "market_max_qty": ("MARKET_LOT_SIZE", "maxQty"),
    "min_notional": ("NOTIONAL", "minNotional"),
    "max_notional": ("NOTIONAL", "maxNotional"),
    "apply_min_to_market": ("NOTIONAL", "applyMinToMarket"),
    "apply_max_to_market": ("NOTIONAL", "applyMaxToMarket"),
    "max_num_orders": ("MAX_NUM_ORDERS", "maxNumOrders"),
    "max_position": ("MAX_POSITION", "maxPosition"),
}


@dataclass(frozen=True, slots=True)
class Market:
    """The market data that the filters need beside the order: prices, and how much of the symbol is held and open."""

    average: Decimal
    last: Decimal
    open_orders: int
    open_orders_everywhere: int
    position: Decimal


def edited(info: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Copies an exchangeInfo symbol with changes: keywords of EDITABLE, top-level fields by their own name (`status`,
    `orderTypes`, ...), `filters={"MIN_NOTIONAL": {...}, "NOTIONAL": None}` to add and remove.

    Raises ValueError for a name that is neither.
    """
    result = dict(info)
    rules: dict[str, dict[str, Any]] = {rule["filterType"]: dict(rule) for rule in info["filters"]}
    for name, value in changes.items():
        if name == "filters":
            for kind, fields in value.items():
                rules.pop(kind, None)
                if fields is not None:
                    rules[kind] = {"filterType": kind, **fields}
        elif name in EDITABLE:
            kind, key = EDITABLE[name]
            rule = rules.setdefault(kind, {"filterType": kind})
            is_plain = isinstance(value, bool) or key.startswith("maxNum")
            rule[key] = value if is_plain else format(Decimal(value), ".8f")
        elif name in info:
            result[name] = value
        else:
            raise ValueError(f"exchangeInfo has no {name!r}; known: {sorted([*EDITABLE, *info])}")
    result["filters"] = list(rules.values())
    return result


def _range_ok(value: Decimal, low: str, high: str, step: str, *, zero_disables: bool) -> bool:
    """Checks min, max, step (counted from zero). A step of 0 is no rule; with `zero_disables` neither is a bound of 0."""
    lowest, highest, interval = Decimal(low), Decimal(high), Decimal(step)
    if value < lowest and not (zero_disables and not lowest):
        return False
    if value > highest and not (zero_disables and not highest):
        return False
    return not interval or value % interval == 0


class SymbolRules:
    """The filters of one symbol, ready to check an order. Rebuilt when the symbol is edited."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self.info = info
        self.symbol: str = info["symbol"]
        self.status: str = info["status"]
        self.base: str = info["baseAsset"]
        self.quote: str = info["quoteAsset"]
        self.base_precision: int = info["baseAssetPrecision"]
        self.quote_precision: int = info["quoteAssetPrecision"]
        self.base_commission_precision: int = info["baseCommissionPrecision"]
        self.quote_commission_precision: int = info["quoteCommissionPrecision"]
        self.order_types: tuple[str, ...] = tuple(info["orderTypes"])
        self.rules: dict[str, Rule] = {rule["filterType"]: rule for rule in info["filters"]}

    @property
    def market_step(self) -> Decimal:
        """Returns the coarser of the two steps that a MARKET quantity must follow; 0 if there is none."""
        steps = (Decimal(self.rules[k]["stepSize"]) for k in ("LOT_SIZE", "MARKET_LOT_SIZE") if k in self.rules)
        return max(steps, default=ZERO)

    def check(self, order: OrderRequest, market: Market, exchange_filters: list[Rule]) -> None:
        """Raises VenueError "Filter failure: X" for the first filter that the order breaks."""
        is_market = order.type == "MARKET"
        if order.price is not None:
            self._check_price(order, order.price, market)
        if order.quantity is not None:
            self.check_lot(order.quantity, is_market=is_market)
        self._check_notional(order, market)
        self._check_position(order, market)
        self._check_counts(market, exchange_filters, may_rest=not is_market)

    def _check_price(self, order: OrderRequest, price: Decimal, market: Market) -> None:
        rule = self.rules.get("PRICE_FILTER")
        if rule and not _range_ok(price, rule["minPrice"], rule["maxPrice"], rule["tickSize"], zero_disables=True):
            raise filter_failure("PRICE_FILTER")
        for kind, up, down in (
            ("PERCENT_PRICE", "multiplierUp", "multiplierDown"),
            ("PERCENT_PRICE_BY_SIDE", "bidMultiplierUp", "bidMultiplierDown")
            if order.side == "BUY"
            else ("PERCENT_PRICE_BY_SIDE", "askMultiplierUp", "askMultiplierDown"),
        ):
            rule = self.rules.get(kind)
            if rule is None:
                continue
            reference = _reference(rule, market)
            if reference and not reference * Decimal(rule[down]) <= price <= reference * Decimal(rule[up]):
                raise filter_failure(kind)

    def check_lot(self, quantity: Decimal, *, is_market: bool) -> None:
        """Checks LOT_SIZE, for MARKET orders MARKET_LOT_SIZE too; also for the quantity that a quoteOrderQty yields."""
        for kind in ("LOT_SIZE", "MARKET_LOT_SIZE") if is_market else ("LOT_SIZE",):
            rule = self.rules.get(kind)
            if rule and not _range_ok(quantity, rule["minQty"], rule["maxQty"], rule["stepSize"], zero_disables=False):
                raise filter_failure(kind)

    def _check_notional(self, order: OrderRequest, market: Market) -> None:
        price = order.price
        for kind in ("MIN_NOTIONAL", "NOTIONAL"):
            rule = self.rules.get(kind)
            if rule is None:
                continue
            if order.quote_qty is not None:
                value = order.quote_qty
            else:
                quantity = order.quantity or ZERO
                value = quantity * (price if price is not None else _reference(rule, market))
            is_market = price is None
            apply_min = not is_market or rule.get("applyMinToMarket", rule.get("applyToMarket", False))
            if apply_min and value < Decimal(rule["minNotional"]):
                raise filter_failure(kind)
            apply_max = "maxNotional" in rule and (not is_market or rule["applyMaxToMarket"])
            if apply_max and value > Decimal(rule["maxNotional"]):
                raise filter_failure(kind)

    def _check_position(self, order: OrderRequest, market: Market) -> None:
        rule = self.rules.get("MAX_POSITION")
        if rule is None or order.side == "SELL":
            return
        wanted = order.quantity
        if wanted is None:
            wanted = (order.quote_qty or ZERO) / market.last if market.last else ZERO
        if market.position + wanted > Decimal(rule["maxPosition"]):
            raise filter_failure("MAX_POSITION")

    def _check_counts(self, market: Market, exchange_filters: list[Rule], *, may_rest: bool) -> None:
        """Checks the numbers of open orders. Only an order that may stay open counts: a MARKET order never does."""
        if not may_rest:
            return
        rule = self.rules.get("MAX_NUM_ORDERS")
        if rule and market.open_orders >= rule["maxNumOrders"]:
            raise filter_failure("MAX_NUM_ORDERS")
        for rule in exchange_filters:
            is_count = rule["filterType"] == "EXCHANGE_MAX_NUM_ORDERS"
            if is_count and market.open_orders_everywhere >= rule["maxNumOrders"]:
                raise filter_failure("EXCHANGE_MAX_NUM_ORDERS")


def _reference(rule: Rule, market: Market) -> Decimal:
    """Returns the reference price by avgPriceMins: "0 means the last price is used"."""
    return market.average if rule.get("avgPriceMins") else market.last


def check_precision(name: str, value: Decimal, digits: int) -> None:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > digits:
        raise too_precise(name)
