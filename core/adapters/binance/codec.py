"""Parses market data and the account from Binance's JSON. Pure: requests nothing and raises only Unreadable."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from core.adapters.binance.json_fields import Unreadable, amount, flag, is_count, json_array, json_object, moment, text
from core.adapters.binance.rate_limit_budget import RateLimit
from core.adapters.binance.resting_rules import resting_rules
from core.domain.api_key_permissions import Permissions
from core.domain.candle import Candle, Interval
from core.domain.instrument import Balance, Instrument, Quote
from core.domain.money import ZERO


def quotes(body: object, asked: Sequence[str], at: datetime) -> dict[str, Quote]:
    """Parses `GET ticker/bookTicker` for a list. A symbol with an empty side (price 0) has no quote."""
    found: dict[str, Quote] = {}
    listed = []
    for item in json_array(body, "quotes"):
        data = json_object(item, "quote")
        quote = Quote(text(data, "symbol"), bid=amount(data, "bidPrice"), ask=amount(data, "askPrice"), at=at)
        listed.append(quote.symbol)
        if quote.bid and quote.ask:
            found[quote.symbol] = quote
    _about(asked, listed)
    if any(quote.bid > quote.ask for quote in found.values()):
        raise Unreadable("a bid above the ask")
    return found


_CANDLE = (
    *("openTime", "open", "high", "low", "close", "volume"),
    *("closeTime", "quoteVolume", "trades", "takerVolume", "takerQuoteVolume", "unused"),
)


def candles(body: object, interval: Interval, since: datetime, limit: int) -> list[Candle]:
    """Parses `GET klines`: arrays of twelve. Raises Unreadable unless they are of `interval`, in order, none before `since` and
    at most `limit`, and each price lies between its low and its high."""
    found = [_candle(json_array(item, "candle"), interval) for item in json_array(body, "candles")]
    times = [candle.opened_at for candle in found]
    if (
        len(found) > limit
        or times != sorted(set(times))
        or (times and times[0] < since.replace(microsecond=since.microsecond // 1000 * 1000))
    ):
        raise Unreadable("the candles are not those that were asked for")
    return found


def _candle(item: list[object], interval: Interval) -> Candle:
    if len(item) != len(_CANDLE):
        raise Unreadable("candle: not an array of twelve")
    data = dict(zip(_CANDLE, item, strict=True))
    prices = {name: amount(data, name) for name in ("open", "high", "low", "close")}
    candle = Candle(opened_at=moment(data, "openTime"), volume=amount(data, "volume"), **prices)
    if not timedelta() < moment(data, "closeTime") - candle.opened_at < interval.length:
        raise Unreadable("candle: not of the length asked for")
    if not 0 < candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high:
        raise Unreadable("candle: a price beyond its low and high")
    return candle


def _about(asked: Sequence[str], listed: Sequence[str]) -> None:
    """Raises Unreadable unless the answer has each requested symbol once, and nothing else: an absence would count as a fact."""
    if sorted(asked) != sorted(listed):
        raise Unreadable("the answer is not about the symbols asked for")


def balances(body: object) -> dict[str, Balance]:
    """Parses `GET account`, without zero balances."""
    found = {}
    for item in json_array(json_object(body, "account").get("balances"), "balances"):
        data = json_object(item, "balance")
        balance = Balance(text(data, "asset"), free=amount(data, "free"), locked=amount(data, "locked"))
        if balance.free or balance.locked:
            found[balance.asset] = balance
    return found


def server_time(body: object) -> datetime:
    """Parses `GET time`."""
    return moment(json_object(body, "time"), "serverTime")


def permissions(account: object, restrictions: object | None) -> Permissions:
    """Parses `GET account` and, where the host has it, `GET sapi/v1/account/apiRestrictions`."""
    data = json_object(account, "account")
    names = tuple(item for item in json_array(data.get("permissions"), "permissions") if isinstance(item, str))
    if restrictions is None:
        return Permissions(flag(data, "canTrade"), names)
    key = json_object(restrictions, "apiRestrictions")
    return Permissions(
        account_can_trade=flag(data, "canTrade"),
        account_permissions=names,
        key_can_trade=flag(key, "enableSpotAndMarginTrading"),
        key_can_withdraw=flag(key, "enableWithdrawals"),
        key_can_transfer=any(key.get(name) is True for name in ("enableInternalTransfer", "permitsUniversalTransfer")),
        ip_restricted=flag(key, "ipRestrict"),
    )


def instruments(body: object, *, skip_unreadable: bool = False) -> dict[str, Instrument]:
    """Parses `GET exchangeInfo`. With `skip_unreadable` one bad symbol among thousands is skipped instead of failing all."""
    found = {}
    for item in json_array(json_object(body, "exchangeInfo").get("symbols"), "symbols"):
        try:
            rules = instrument(item)
        except Unreadable:
            if not skip_unreadable:
                raise
            continue
        found[rules.symbol] = rules
    return found


def instruments_of(body: object, asked: Sequence[str]) -> dict[str, Instrument]:
    """Parses `GET exchangeInfo` for a list: raises Unreadable unless it has each of them, and nothing else."""
    found = instruments(body)
    _about(asked, list(found))
    return found


_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3_600, "DAY": 86_400}


def rate_limits(body: object) -> list[RateLimit]:
    """Parses `exchangeInfo.rateLimits`. Skips undocumented entries: the documented limits then apply."""
    found = []
    listed = body.get("rateLimits") if isinstance(body, Mapping) else None
    for item in listed if isinstance(listed, list) else []:
        rule = item if isinstance(item, Mapping) else {}
        kind, unit, many, limit = (rule.get(name) for name in ("rateLimitType", "interval", "intervalNum", "limit"))
        if isinstance(kind, str) and isinstance(unit, str) and unit in _SECONDS and is_count(many) and is_count(limit):
            found.append(RateLimit(kind, _SECONDS[unit] * many, limit))
    return found


def instrument(body: object) -> Instrument:
    """Parses one symbol of exchangeInfo, with the rules that its orders must keep (filters.md)."""
    data = json_object(body, "symbol")
    filters = {text(rule, "filterType"): rule for rule in map(_as_filter, json_array(data.get("filters"), "filters"))}
    if "LOT_SIZE" not in filters:
        raise Unreadable("no LOT_SIZE filter")
    lot, market_lot, price = filters["LOT_SIZE"], filters.get("MARKET_LOT_SIZE"), filters.get("PRICE_FILTER")
    least, most = _notional(filters)
    return Instrument(
        symbol=text(data, "symbol"),
        base=text(data, "baseAsset"),
        quote=text(data, "quoteAsset"),
        status=text(data, "status"),
        tick_size=amount(price, "tickSize") if price else ZERO,
        step_size=amount(lot, "stepSize"),
        min_qty=amount(lot, "minQty"),
        max_qty=amount(lot, "maxQty") or None,
        market_step_size=amount(market_lot, "stepSize") if market_lot else ZERO,
        market_min_qty=amount(market_lot, "minQty") if market_lot else ZERO,
        market_max_qty=(amount(market_lot, "maxQty") or None) if market_lot else None,
        min_notional=least,
        max_notional=most,
        market_orders=_takes_market_orders(data),
        resting=resting_rules(data, filters),
    )


def _takes_market_orders(data: Mapping[str, object]) -> bool:
    return "MARKET" in json_array(data.get("orderTypes"), "orderTypes") and data.get("isSpotTradingAllowed", True) is True


def _notional(filters: Mapping[str, Mapping[str, object]]) -> tuple[Decimal, Decimal | None]:
    """Returns the minimum and maximum value of a MARKET order: NOTIONAL, or the older MIN_NOTIONAL."""
    least, most = ZERO, None
    if (old := filters.get("MIN_NOTIONAL")) and flag(old, "applyToMarket"):
        least = amount(old, "minNotional")
    if rule := filters.get("NOTIONAL"):
        if flag(rule, "applyMinToMarket"):
            least = max(least, amount(rule, "minNotional"))
        if flag(rule, "applyMaxToMarket"):
            most = amount(rule, "maxNotional")
    return least, most


def _as_filter(item: object) -> Mapping[str, object]:
    return json_object(item, "filter")
