"""Durations as text. Pure."""

from datetime import timedelta

from bot.texts import Html, Texts


def duration(length: timedelta, texts: Texts) -> Html:
    """Returns a length of time in its two largest units."""
    minutes, seconds = divmod(max(int(length.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return texts("duration.d", a=days, b=hours)
    if hours:
        return texts("duration.h", a=hours, b=minutes)
    return texts("duration.min", a=minutes) if minutes else texts("duration.s", a=seconds)
