"""Trading state as text: paused or running, the mode, the risk limits. Pure."""

from collections.abc import Iterable

from bot.texts import Html, Texts, short
from bot.texts.figures import grouped
from bot.views.number_format import quantity, share
from core.domain.equity_mark import Protection
from core.domain.events.control import (
    ControlsChanged,
    LimitChanged,
    ProtectionReset,
    StrategyChanged,
    StrategyLimitsChanged,
)
from core.domain.risk_limit import LimitSet
from core.domain.strategy_limit import SettingChange
from core.domain.trading_state import Mode, Pause, TradingState
from core.policy.risk.limits import SETTABLE_LIMITS, is_length

_PAUSE_KEYS = {Pause.ALL: "controls.paused", Pause.ENTRIES: "controls.entries", Pause.OFF: "controls.running"}


def trading_state_lines(trading_state: TradingState, texts: Texts) -> Html:
    """Returns a line each: paused or running (and until when), the approval mode with its meaning."""
    lines = [texts(_PAUSE_KEYS[trading_state.pause])]
    if trading_state.until is not None:
        lines.append(texts("controls.until", time=texts.full_moment(trading_state.until)))
    lines.append(texts("controls.mode", mode=trading_state.mode, meaning=texts(f"mode.{trading_state.mode}")))
    if trading_state.mode is Mode.CONFIRM and trading_state.asking.above:
        lines.append(texts("mode.above", above=quantity(trading_state.asking.above), asset=trading_state.asking.asset))
    if trading_state.mode is Mode.CONFIRM and trading_state.asking.besides:
        lines.append(texts("mode.besides", types=", ".join(sorted(trading_state.asking.besides))))
    return Html("\n".join(lines))


def trading_state_changed_lines(event: ControlsChanged, texts: Texts) -> list[Html]:
    """Returns the alert that trading was paused, resumed or has another mode, and who did it."""
    after = event.after
    if event.begins_panic and after.changed_at is not None:
        return [texts("panic.began", who=short(after.changed_by), time=texts.exact_time(after.changed_at)), texts("panic.sells")]
    if not event.by and event.before.until is not None and after.until is None:
        return [texts("controls.changed", state=trading_state_lines(after, texts), who=texts("controls.over"))]
    when = f"{short(after.changed_by)}, {texts.exact_time(after.changed_at)}" if after.changed_at else short(after.changed_by)
    return [texts("controls.changed", state=trading_state_lines(after, texts), who=when)]


def limit_value(value: str, limit: LimitSet, texts: Texts) -> str:
    """Returns a value of `limit` with its unit, where it is an amount or a length of time; empty if there is none."""
    return setting_value(limit.name, value, limit.asset, texts)


def setting_value(name: str, value: str, asset: str, texts: Texts) -> str:
    """Returns a value of the setting `name` with its unit, where it is an amount (in `asset`) or a length of time."""
    if value and is_length(name):
        return texts.length(value)
    return f"{texts.figure(grouped(value))} {asset}" if value and asset else grouped(value)


def setting_change_lines(changes: Iterable[SettingChange], report: str, texts: Texts) -> list[Html]:
    """Returns a line for each setting: what was and what will be in force. Amounts are in `report`."""
    lines, none = [], texts("limit.none")
    for one in changes:
        asset = report if one.name in SETTABLE_LIMITS and SETTABLE_LIMITS[one.name].in_report_asset else ""
        before, after = (setting_value(one.name, value, asset, texts) or none for value in (one.before, one.after))
        lines.append(texts("strategies.change_line", name=one.name, before=before, after=after))
    return lines


def strategy_limits_changed_lines(event: StrategyLimitsChanged, texts: Texts) -> list[Html]:
    """Returns the alert that settings of one strategy were changed, and by whom."""
    who = f"{short(event.who)}, {texts.exact_time(event.at)}"
    lines = setting_change_lines(event.changes, event.asset, texts)
    return [texts("strategies.changed", strategy=short(event.strategy)), *lines, texts("limit.by", who=who)]


def strategy_changed_lines(event: StrategyChanged, texts: Texts) -> list[Html]:
    """Returns the alert that a strategy was paused or resumed, and by whom."""
    pause = event.pause
    who = f"{short(pause.changed_by)}, {texts.exact_time(pause.changed_at)}"
    key = "strategies.was_paused" if pause.paused else "strategies.was_resumed"
    return [texts(key, strategy=short(pause.strategy)), texts("limit.by", who=who)]


def limit_changed_lines(event: LimitChanged, texts: Texts) -> list[Html]:
    """Returns the alert that a risk limit was changed, and by whom."""
    limit = event.limit
    none = texts("limit.none")
    before, after = (limit_value(value, limit, texts) for value in (event.before, event.after))
    who = f"{short(limit.changed_by)}, {texts.exact_time(limit.changed_at)}"
    return [
        texts("limit.changed", name=limit.name, before=before or none, after=after or none),
        texts("limit.by", who=who),
    ]


def protection_reset_lines(event: ProtectionReset, texts: Texts) -> list[Html]:
    """Returns the alert that a protection was started anew, and by whom."""
    before = share(event.before) if event.what is Protection.DRAWDOWN else quantity(event.before)
    who = f"{short(event.who)}, {texts.exact_time(event.at)}"
    return [texts(f"reset.{event.what}", before=before), texts("limit.by", who=who)]
