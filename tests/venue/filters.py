"""The trading rules of one symbol, from its exchangeInfo entry, and the checks of Binance's filters.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.venue.errors import filter_failure, too_precise
from tests.venue.model import MARKET_KINDS, ZERO, OrderRequest
from tests.venue.stops import is_above

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
    "max_num_algo_orders": ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
    "max_num_order_lists": ("MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
    "max_num_order_amends": ("MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends"),
    "max_position": ("MAX_POSITION", "maxPosition"),
}
# flags that a recording of 2024 does not have yet; absent is false
NEWER_FLAGS = ("otoAllowed", "opoAllowed", "amendAllowed", "pegInstructionsAllowed")


@dataclass(frozen=True, slots=True)
class Market:
    """The market data that the filters need beside the order: prices, and how much of the symbol is held and open."""

    average: Decimal
    last: Decimal
    position: Decimal


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of orders, of stop and take profit orders, and of lists."""

    orders: int = 0
    algo_orders: int = 0
    lists: int = 0


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
        elif name in info or name in NEWER_FLAGS:
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

    def allows(self, flag: str) -> bool:
        """Tells whether exchangeInfo has this flag as true."""
        return bool(self.info.get(flag))

    def check(self, order: OrderRequest, market: Market) -> None:
        """Raises VenueError "Filter failure: X" for the first filter that the order breaks. Without a quantity (a pending leg
        of an OPO) only the prices are judged."""
        for price in (order.price, order.stop_price):
            if price is not None:
                self._check_price(order, price, market)
        self._check_trailing(order)
        if order.quantity is not None:
            self.check_lot(order.quantity, is_market=order.type in MARKET_KINDS)
        if order.quantity is not None or order.quote_qty is not None:
            self._check_notional(order, market)
            self._check_position(order, market)

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

    def _check_trailing(self, order: OrderRequest) -> None:
        rule = self.rules.get("TRAILING_DELTA")
        if rule is None or order.trailing_delta is None:
            return
        way = "Above" if is_above(order.type, order.side) else "Below"
        if not rule[f"minTrailing{way}Delta"] <= order.trailing_delta <= rule[f"maxTrailing{way}Delta"]:
            raise filter_failure("TRAILING_DELTA")

    def check_counts(self, total: Counts) -> None:
        """Checks the numbers of open orders and lists of this symbol, the new ones included."""
        self._check_limits(self.rules, "MAX_NUM", total)

    def check_counts_everywhere(self, total: Counts, exchange_filters: list[Rule]) -> None:
        """Checks the numbers of open orders and lists of the whole account."""
        rules = {rule["filterType"]: rule for rule in exchange_filters}
        self._check_limits(rules, "EXCHANGE_MAX_NUM", total)

    def _check_limits(self, rules: Mapping[str, Rule], prefix: str, total: Counts) -> None:
        for kind, field, count in (
            ("ORDERS", "maxNumOrders", total.orders),
            ("ALGO_ORDERS", "maxNumAlgoOrders", total.algo_orders),
            ("ORDER_LISTS", "maxNumOrderLists", total.lists),
        ):
            rule = rules.get(f"{prefix}_{kind}")
            if rule and count > rule[field]:
                raise filter_failure(f"{prefix}_{kind}")


def _reference(rule: Rule, market: Market) -> Decimal:
    """Returns the reference price by avgPriceMins: "0 means the last price is used"."""
    return market.average if rule.get("avgPriceMins") else market.last


def check_precision(name: str, value: Decimal, digits: int) -> None:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > digits:
        raise too_precise(name)
