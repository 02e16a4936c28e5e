"""Trading state as text: paused or running, the mode, the risk limits. Pure."""

from bot.texts import Html, Texts, short
from bot.texts.figures import grouped
from bot.views.number_format import quantity
from core.domain.events.control import ControlsChanged, LimitChanged
from core.domain.trading_state import Mode, Pause, TradingState

_PAUSE_KEYS = {Pause.ALL: "controls.paused", Pause.ENTRIES: "controls.entries", Pause.OFF: "controls.running"}


def controls_lines(controls: TradingState, texts: Texts) -> Html:
    """Returns a line each: paused or running (and until when), the approval mode with its meaning."""
    lines = [texts(_PAUSE_KEYS[controls.pause])]
    if controls.until is not None:
        lines.append(texts("controls.until", time=texts.full_moment(controls.until)))
    lines.append(texts("controls.mode", mode=controls.mode, meaning=texts(f"mode.{controls.mode}")))
    if controls.mode is Mode.CONFIRM and controls.asking.above:
        lines.append(texts("mode.above", above=quantity(controls.asking.above), asset=controls.asking.asset))
    if controls.mode is Mode.CONFIRM and controls.asking.besides:
        lines.append(texts("mode.besides", types=", ".join(sorted(controls.asking.besides))))
    return Html("\n".join(lines))


def controls_changed_lines(event: ControlsChanged, texts: Texts) -> list[Html]:
    """Returns the alert that trading was paused, resumed or has another mode, and who did it."""
    after = event.after
    if event.begins_panic and after.changed_at is not None:
        return [texts("panic.began", who=short(after.changed_by), time=texts.exact_time(after.changed_at)), texts("panic.sells")]
    if not event.by and event.before.until is not None and after.until is None:
        return [texts("controls.changed", state=controls_lines(after, texts), who=texts("controls.over"))]
    when = f"{short(after.changed_by)}, {texts.exact_time(after.changed_at)}" if after.changed_at else short(after.changed_by)
    return [texts("controls.changed", state=controls_lines(after, texts), who=when)]


def limit_changed_lines(event: LimitChanged, texts: Texts) -> list[Html]:
    """Returns the alert that a risk limit was changed, and by whom."""
    limit = event.limit
    none = texts("limit.none")
    before, after = (
        f"{texts.figure(grouped(value))} {limit.asset}".strip() if value else "" for value in (event.before, event.after)
    )
    who = f"{short(limit.changed_by)}, {texts.exact_time(limit.changed_at)}"
    return [
        texts("limit.changed", name=limit.name, before=before or none, after=after or none),
        texts("limit.by", who=who),
    ]
