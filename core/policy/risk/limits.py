"""The owner's limits by the names of their settings, and the overrides set in the chat. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from core.domain.exit_plan import Breakeven
from core.domain.money import parse_decimal
from core.domain.risk_limit import LimitSet
from core.policy.conversion_rates import Rate, Unknown
from core.policy.decision_context import RiskLimits
from core.policy.entries.step_check import steps, written_steps
from core.policy.exits.plan_text import (
    OFF,
    activation_pct,
    breakeven,
    stop_pct,
    targets,
    time_limit,
    written,
    written_breakeven,
)

MOST = Decimal(10) ** 15


def amount(text: str) -> Decimal:
    """Parses an amount above zero in plain digits that fits on a line in full. Raises ValueError."""
    value = parse_decimal(text)
    if not 0 < value < MOST:
        raise ValueError(text)
    return value


def per_cent(text: str) -> Decimal:
    """Parses an amount of at most a hundred. Raises ValueError."""
    value = amount(text)
    if value > 100:
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """Parses 1 to 10,000. Raises ValueError."""
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 10_000:
        raise ValueError(text)
    return int(text)


def seconds(text: str) -> timedelta:
    """Parses up to a day. Raises ValueError."""
    value = amount(text)
    if value > 86_400:
        raise ValueError(text)
    return timedelta(seconds=float(value))


def or_off(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Returns the reader of a limit that may be turned off: then it is None."""
    return lambda text: None if text.strip().casefold() == OFF else read(text)


@dataclass(frozen=True, slots=True)
class Limit:
    """A setting that /set may change: its field of RiskLimits, the reader of its value, `kind` (what is accepted, by the key of
    its text), an example, and whether it is an amount in the report asset."""

    field: str
    read: Callable[[str], Any]
    kind: str
    example: str
    in_report_asset: bool = False


SETTABLE_LIMITS: Mapping[str, Limit] = {
    "PRICE_BAND_PCT": Limit("price_band_pct", per_cent, "per_cent", "1.5"),
    "PRICE_SANITY_PCT": Limit("price_sanity_pct", per_cent, "per_cent", "30"),
    "MAX_ORDER_NOTIONAL": Limit("max_order_notional", amount, "amount", "500", in_report_asset=True),
    "MAX_OPEN_POSITIONS": Limit("max_open_positions", count, "count", "5"),
    "MAX_ENTRIES": Limit("max_entries", count, "count", "3"),
    "DAILY_LOSS_LIMIT": Limit("daily_loss_limit", amount, "amount", "50", in_report_asset=True),
    "MAX_EXPOSURE_PCT": Limit("max_exposure_pct", or_off(per_cent), "per_cent_off", "60"),
    "MAX_DRAWDOWN_PCT": Limit("max_drawdown_pct", or_off(per_cent), "per_cent_off", "20"),
    "COOLDOWN_AFTER_STOP": Limit("cooldown_after_stop", or_off(seconds), "seconds_off", "3600"),
    "MAX_LOSING_EXITS": Limit("max_losing_exits", or_off(count), "count_off", "4"),
    "TRADE_QTY": Limit("trade_qty", amount, "amount", "20"),
    "TRADE_QUOTE": Limit("trade_quote", amount, "amount", "100", in_report_asset=True),
    "TRADE_EQUITY_PCT": Limit("trade_equity_pct", per_cent, "per_cent", "5"),
    "TRADE_RISK_PCT": Limit("trade_risk_pct", per_cent, "per_cent", "1"),
    "SIGNAL_MAX_AGE": Limit("signal_max_age", seconds, "seconds", "30"),
    "EXIT_MAX_AGE": Limit("exit_max_age", seconds, "seconds", "900"),
    "APPROVAL_TTL": Limit("approval_ttl", seconds, "seconds", "120"),
    "STOP_LOSS_PCT": Limit("stop_loss_pct", stop_pct, "stop", "5"),
    "TAKE_PROFIT_PCT": Limit("take_profit_pct", targets, "targets", "5:50,10:50"),
    "BREAKEVEN_AFTER": Limit("breakeven_after", breakeven, "breakeven", "target"),
    "TIME_LIMIT": Limit("time_limit", time_limit, "time_limit", "86400"),
    "TRAILING_PCT": Limit("trailing_pct", stop_pct, "stop", "2"),
    "TRAILING_ACTIVATION_PCT": Limit("trailing_activation_pct", activation_pct, "activation", "3"),
    "DCA_STEPS": Limit("dca_steps", steps, "steps", "2.5:1,5:1.5"),
}
"""By the names of their settings, in the order of /set."""


def asset_of(limits: RiskLimits, name: str) -> str:
    """Returns the report asset, for a limit that is an amount of it; empty for any other."""
    return limits.report_asset if SETTABLE_LIMITS[name].in_report_asset else ""


def is_length(name: str) -> bool:
    """Tells whether a limit is a length of time, in seconds."""
    return name in SETTABLE_LIMITS and SETTABLE_LIMITS[name].kind in {"seconds", "seconds_off", "time_limit"}


def is_of(change: LimitSet, report: str) -> bool:
    """Tells whether an override applies while everything is counted in `report`: 500 USDC are not 500 BTC."""
    return change.name not in SETTABLE_LIMITS or not SETTABLE_LIMITS[change.name].in_report_asset or change.asset in {"", report}


def is_good(name: str, value: str) -> bool:
    """Tells whether `value` is valid for the limit `name`."""
    limit = SETTABLE_LIMITS.get(name)
    if limit is None:
        return False
    try:
        limit.read(value)
    except ValueError:
        return False
    return True


def with_set(settings: RiskLimits, changes: Iterable[LimitSet]) -> RiskLimits:
    """Returns the limits in force: those of the settings, overridden by those set in the same report asset. Of the sizes of
    an entry the one set last counts."""
    fields: dict[str, Any] = {}
    counted = [change for change in changes if is_of(change, settings.report_asset)]
    good = [change for change in counted if change.value is not None and is_good(change.name, change.value)]
    for change in sorted(good, key=lambda change: change.changed_at):
        limit = SETTABLE_LIMITS[change.name]
        fields[limit.field] = limit.read(change.value or "")
        if limit.field in SIZES:  # the others are no size any more; TRADE_QTY, which is always there, only the last resort
            fields |= dict.fromkeys(SIZES - {"trade_qty", limit.field})
    return replace(settings, **fields)


SIZES = frozenset({"trade_qty", "trade_quote", "trade_equity_pct", "trade_risk_pct"})
"""The fields that say how large an entry is; at most one besides `trade_qty` is set."""


class Bounds(Protocol):
    """The limits and sizes that may contradict each other, of the settings or as they are in force."""

    @property
    def trade_quote(self) -> Decimal | None:
        """Returns TRADE_QUOTE, in the report asset."""

    @property
    def max_order_notional(self) -> Decimal:
        """Returns MAX_ORDER_NOTIONAL, in the report asset."""

    @property
    def price_band_pct(self) -> Decimal:
        """Returns PRICE_BAND_PCT."""

    @property
    def price_sanity_pct(self) -> Decimal:
        """Returns PRICE_SANITY_PCT."""


def contradictions(bounds: Bounds) -> list[tuple[str, str]]:
    """Returns the pairs of settings of which the first is above the second, which then refuses what the first asks for."""
    found = []
    if bounds.trade_quote is not None and bounds.trade_quote > bounds.max_order_notional:
        found.append(("TRADE_QUOTE", "MAX_ORDER_NOTIONAL"))
    if bounds.price_band_pct > bounds.price_sanity_pct:
        found.append(("PRICE_BAND_PCT", "PRICE_SANITY_PCT"))
    return found


def allows_more(name: str, before: RiskLimits, after: RiskLimits) -> bool:
    """Tells whether a change raises the risk: it lets more through than before, gives an exit up sooner, takes away a stop,
    widens it or moves it later, takes away every target, or buys by other steps. Another way to say the entry size counts
    too: which of the two is more depends on the price and the equity."""
    if SETTABLE_LIMITS[name].field in SIZES:
        return before.size.kind is not after.size.kind or after.size.amount > before.size.amount
    old, new = (getattr(limits, SETTABLE_LIMITS[name].field) for limits in (before, after))
    if name == "EXIT_MAX_AGE":
        return bool(new < old)
    if name == "COOLDOWN_AFTER_STOP":
        return old is not None and (new is None or bool(new < old))
    if isinstance(old, tuple):
        return (bool(old) and not new) if name == "TAKE_PROFIT_PCT" else (bool(new) and new != old)
    if isinstance(old, Breakeven):
        return new is None or _is_later(old, new)
    return old is not None and (new is None or new > old)


def _is_later(old: Breakeven, new: Breakeven) -> bool:
    """Tells whether a stop may move later than before: a target and a distance do not compare."""
    if old.after_pct is None or new.after_pct is None:
        return old != new
    return new.after_pct > old.after_pct


def shown(limits: RiskLimits, name: str) -> str:
    """Returns a limit's value in force, as its setting would write it; empty if there is none."""
    value = getattr(limits, SETTABLE_LIMITS[name].field)
    if name == "DCA_STEPS":
        return written_steps(value)
    if isinstance(value, tuple):
        return written(value)
    if isinstance(value, Breakeven):
        return written_breakeven(value)
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if value is None else str(value)


def in_quote(limits: RiskLimits, rate: Rate | Unknown) -> RiskLimits:
    """Returns the limits with TRADE_QUOTE in the asset of `rate`, in which an entry is sized, instead of the report asset."""
    if limits.trade_quote is None or isinstance(rate, Unknown):
        return limits
    return replace(limits, trade_quote=rate.within(limits.trade_quote))
