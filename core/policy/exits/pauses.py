"""The pauses between two attempts at an exit, or at protecting a position. Pure."""

from datetime import datetime, timedelta

LONGEST_PAUSE_SECONDS = 300.0
"""Seconds after which it is tried again at the latest: the cause may go away meanwhile, and a ban may end early."""


def is_over(due_at: datetime, now: datetime) -> bool:
    """Tells whether a pause until `due_at` is over. Nothing is delayed beyond the longest one: if it is, the clock was set back
    since."""
    return not timedelta() < due_at - now <= timedelta(seconds=LONGEST_PAUSE_SECONDS)
