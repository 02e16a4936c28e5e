"""An opinion is good for a while only: from when it was made, or since a person confirmed it. A panic is good while it lasts."""

from datetime import timedelta

from core.domain.controls import Controls, Pause
from core.domain.reasons import Reason, reason
from core.domain.signal import Signal
from core.policy.picture import Picture

CLOCK_TOLERANCE = timedelta(seconds=30)


def lasts(signal: Signal, controls: Controls) -> bool:
    """Whether `signal` is as good as when it was made: an exit of /panic, until somebody ends the pause that came with it."""
    return signal.is_panic and controls.pause is Pause.ALL


def signal_age(signal: Signal, picture: Picture) -> Reason | None:
    """Refuses a signal older than SIGNAL_MAX_AGE or its own `valid_for`, and one dated more than 30 s ahead of our clock."""
    if lasts(signal, picture.controls):
        return None
    age = picture.now - (picture.approved_at or signal.ts)
    limit = signal.good_for(picture.limits.signal_max_age)
    if age > limit:
        return reason("expired", age=f"{age.total_seconds():.0f}", limit=f"{limit.total_seconds():.0f}")
    if -age > CLOCK_TOLERANCE:
        return reason("from_future", ahead=f"{-age.total_seconds():.0f}")
    return None
