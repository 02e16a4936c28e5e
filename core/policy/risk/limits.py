"""The owner's limits by the names of their settings, and what was set in their place. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from core.domain.money import parse_decimal
from core.domain.risk_limit import LimitSet
from core.policy.conversion_rates import Rate, Unknown
from core.policy.decision_context import RiskLimits

MOST = Decimal(10) ** 15


def amount(text: str) -> Decimal:
    """An amount above zero in plain digits, which can be shown in full on a line. Raises ValueError."""
    value = parse_decimal(text)
    if not 0 < value < MOST:
        raise ValueError(text)
    return value


def per_cent(text: str) -> Decimal:
    """An amount of at most a hundred. Raises ValueError."""
    value = amount(text)
    if value > 100:
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """1 to 10,000. Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 10_000:
        raise ValueError(text)
    return int(text)


def seconds(text: str) -> timedelta:
    """Up to a day. Raises ValueError."""
    value = amount(text)
    if value > 86_400:
        raise ValueError(text)
    return timedelta(seconds=float(value))


RULES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "PRICE_BAND_PCT": ("price_band_pct", per_cent),
    "PRICE_SANITY_PCT": ("price_sanity_pct", per_cent),
    "MAX_ORDER_NOTIONAL": ("max_order_notional", amount),
    "MAX_OPEN_POSITIONS": ("max_open_positions", count),
    "DAILY_LOSS_LIMIT": ("daily_loss_limit", amount),
    "TRADE_QTY": ("trade_qty", amount),
    "TRADE_QUOTE": ("trade_quote", amount),
    "SIGNAL_MAX_AGE": ("signal_max_age", seconds),
    "EXIT_MAX_AGE": ("exit_max_age", seconds),
    "APPROVAL_TTL": ("approval_ttl", seconds),
}
"""Name of the setting to field of Limits and reader of its value."""


AMOUNTS = frozenset({"MAX_ORDER_NOTIONAL", "DAILY_LOSS_LIMIT", "TRADE_QUOTE"})
"""Those that are counted in the report asset."""


def asset_of(limits: RiskLimits, name: str) -> str:
    """The report asset, for a limit that is an amount of it; empty for any other."""
    return limits.report_asset if name in AMOUNTS else ""


def is_of(change: LimitSet, report: str) -> bool:
    """Whether what was set means anything while everything is counted in `report`: 500 USDC are no 500 BTC."""
    return change.name not in AMOUNTS or change.asset in {"", report}


def is_good(name: str, value: str) -> bool:
    """Whether `value` may stand for the limit `name`."""
    rule = RULES.get(name)
    if rule is None:
        return False
    try:
        rule[1](value)
    except ValueError:
        return False
    return True


def with_set(settings: RiskLimits, changes: Iterable[LimitSet]) -> RiskLimits:
    """The limits in force: those of the settings, and in their place what was set in the same report asset.
    Of TRADE_QTY and TRADE_QUOTE the one that was set last is the size of an entry."""
    fields: dict[str, Any] = {}
    counted = [change for change in changes if is_of(change, settings.report_asset)]
    good = [change for change in counted if change.value is not None and is_good(change.name, change.value)]
    for change in sorted(good, key=lambda change: change.changed_at):
        field, read = RULES[change.name]
        fields[field] = read(change.value or "")
        if field == "trade_qty":
            fields["trade_quote"] = None
    return replace(settings, **fields)


def allows_more(name: str, before: RiskLimits, after: RiskLimits) -> bool:
    """Tells whether a limit raises the risk: it lets more through than before, or gives an exit up sooner. The size of an entry
    does where it became one of another asset, too: which of the two is more goes by the price."""
    if name in _SIZES:
        field = "trade_quote" if after.trade_quote is not None else "trade_qty"
        same = (before.trade_quote is None) == (after.trade_quote is None)
        return not same or getattr(after, field) > getattr(before, field)
    old, new = (getattr(limits, RULES[name][0]) for limits in (before, after))
    if name == "EXIT_MAX_AGE":
        return bool(new < old)
    return old is not None and (new is None or new > old)


_SIZES = frozenset({"TRADE_QTY", "TRADE_QUOTE"})


def shown(limits: RiskLimits, name: str) -> str:
    """The value in force of a limit, as its setting would have it; empty where there is none."""
    value = getattr(limits, RULES[name][0])
    if value is None:
        return ""
    return (
        f"{value.total_seconds():g}"
        if isinstance(value, timedelta)
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )


def in_quote(limits: RiskLimits, rate: Rate | Unknown) -> RiskLimits:
    """The limits with TRADE_QUOTE in the asset of `rate`, in which an entry is sized, and no longer in the report asset."""
    if limits.trade_quote is None or isinstance(rate, Unknown):
        return limits
    return replace(limits, trade_quote=rate.within(limits.trade_quote))
